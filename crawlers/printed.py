"""Publish time, origin (来源) and author as a page prints them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml.html import HtmlElement

from crawlers.blocks import Block
from crawlers.dates import Stamp, find_stamps, from_url, parse_stamp
from crawlers.markup import mark

_META_TIMES = (
    "article:published_time", "og:published_time", "datepublished", "pubdate", "publishdate", "publish_time",
    "publishtime",
    "og:release_date", "article:create_at", "release_date", "dc.date.issued",
    "weibo:article:create_at", "publication_date",
    "sailthru.date", "_pubtime", "apub:time",
)  # fmt: skip
_META_ORIGINS = ("contentsource", "article:source", "og:article:source", "source", "mediaid", "weibo:article:source")
_NAME = re.compile(
    r"time|date|info|source|pub|meta|laiyuan|riqi|origin|from|author|about|property|subtitle|summary", re.I
)
_NEAR = re.compile(r"发布|时间|来源|日期|发表|更新|作者|编辑|浏览|阅读|字号|原创|出处|稿源")
_BAD_NEAR = re.compile(r"更新(时间|日期|于)|修改|截至|截止|有效期|注册|版权|copyright|©|上映|开奖|今天是", re.I)
_ORIGIN = re.compile(
    r"(?:信息来源|文章来源|稿件来源|新闻来源|内容来源|来源于|来源|稿源|出处|转自)\s*(?:[:：丨|]|于(?=\s*[:：]))?\s*[:：]?\s*"
    r"(?P<name>[^\s:：|丨<>（）()，,。；;]{2,30}(?:\s?[（(\[][^\s()（）]{1,12}[)）\]])?)"
)
#: "钱江晚报(杭州)": the place of an edition is not part of the name
_PLACE = re.compile(r"[（(][\u4e00-\u9fff]{2,4}[)）]$")
_LABEL = re.compile(
    r"(作者|编辑|责编|责任|时间|日期|发布(?=时间|日期|于|[:：])|点击|浏览|阅读|字号|字体|举报|分享|评论|我要|打印|记者|原标题|\d{4}[-年/.]\d|\d+人|【|关闭|收藏|选稿|通讯员).*$"
)
_AUTHOR = re.compile(
    r"(?:作者|文/图|撰文|文|本报记者|特约记者|实习记者|记者|通讯员|编译)\s*[:：丨|/]\s*(?P<name>[\u4e00-\u9fff·]{2,8}(?:\s(?=[\u4e00-\u9fff]{2,4}\b))?)"
)
_SIGNED = re.compile(r"记者\s+(?P<name>[\u4e00-\u9fff·]{2,4})(?:\s|$)")
_REPORTER = re.compile(
    r"[（(【](?:[\u4e00-\u9fff]{0,12}(?:记者|通讯员|作者))\s*[:：]?\s*(?P<name>[\u4e00-\u9fff·]{2,4})(?=[\s，、,）)】])"
    r"|(?:本报|新华社|本网|澎湃新闻|网)记者\s+(?P<other>[\u4e00-\u9fff·]{2,4})(?=[\s，、,/]|$)"
)
_NOT_A_NAME = re.compile(
    r"来源|编辑|时间|发布|未知|佚名|本站|网络|日期|点击|浏览|字号|责任|记者|近日|获悉|表示|报道|网易|新浪|搜狐|腾讯|凤凰|网$|报$|社$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What stands near the title. `exact`: the time has hour and minute."""

    at: datetime | None = None
    exact: bool = False
    origin: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    stamp: Stamp
    score: float


def printed(
    root: HtmlElement, metas: dict[str, str], blocks: Sequence[Block], *, title: str, text: str, url: str, now: datetime
) -> Printed:
    """Time to the minute where the page prints one, 来源 and author. None and "" elsewhere: nothing is guessed."""
    top = _title_place(blocks, title)
    best = max([*_from_meta(root, metas, now), *_visible(blocks, top, now)], key=lambda c: c.score, default=None)
    around = _around(blocks, top)
    at = best.stamp.at if best else from_url(url, now)
    return Printed(
        at=at,
        exact=bool(best and best.stamp.exact),
        origin=_origin(around, blocks, metas),
        author=_author([*around, *_credits(blocks)], text, metas),
    )


def _title_place(blocks: Sequence[Block], title: str) -> int:
    for index, block in enumerate(blocks):
        if title and (block.text == title or (block.heading and title in block.text)):
            return index
    return next((i for i, b in enumerate(blocks) if title and title in b.text), 0)


def _around(blocks: Sequence[Block], top: int) -> list[Block]:
    """The lines where time and origin stand: a few above the title, some below it."""
    return [b for b in blocks[max(0, top - 4) : top + 14] if len(b.text) < 400]


def _from_meta(root: HtmlElement, metas: dict[str, str], now: datetime) -> Iterator[Candidate]:
    for name in _META_TIMES:
        stamp = parse_stamp(metas[name], now) if name in metas else None
        if stamp:
            yield Candidate(stamp=stamp, score=9.0 if stamp.exact else 4.5)
    for element in root.xpath("//*[@itemprop='datePublished']"):
        stamp = parse_stamp(element.get("datetime") or element.get("content") or "", now)
        if stamp:
            yield Candidate(stamp=stamp, score=9.0 if stamp.exact else 4.5)
    for found in _linked_data(root):
        stamp = parse_stamp(found, now)
        if stamp:
            yield Candidate(stamp=stamp, score=7.5 if stamp.exact else 4.5)


def _linked_data(root: HtmlElement) -> Iterator[str]:
    for script in root.xpath("//script[@type='application/ld+json']"):
        try:
            data = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for item in data if isinstance(data, list) else [data]:
            found = item.get("datePublished") or item.get("pubDate") if isinstance(item, dict) else None
            if isinstance(found, str):
                yield found


def _visible(blocks: Sequence[Block], top: int, now: datetime) -> Iterator[Candidate]:
    for index, block in enumerate(blocks):
        text = block.text
        if len(text) > 600 or not _HAS_DIGITS.search(text):
            continue
        stamps = list(find_stamps(text, now))
        if (not stamps and abs(index - top) < 8 and len(text) < 60 and _NEAR.search(text)) or (
            not stamps and 0 < index - top < 6 and len(text) < 20
        ):
            stamps = [s for s in (parse_stamp(text, now),) if s]
        before = blocks[index - 1].text if index and len(blocks[index - 1].text) < 12 else ""
        vague = 0.0 if _YEAR.search(text) else 4.0  # relative times are those of comments and of other articles
        for stamp in stamps:
            yield Candidate(stamp=stamp, score=_score(block, before, index - top, stamp) - vague)


_HAS_DIGITS = re.compile(r"\d|昨|今天")
_YEAR = re.compile(r"(?:19|20)\d\d")


def _score(block: Block, before: str, distance: int, stamp: Stamp) -> float:
    text = block.text
    near = before + text[max(0, stamp.start - 14) : stamp.start] + "|" + text[stamp.end : stamp.end + 14]
    score = 3.0 if stamp.exact else 0.0
    score += 2.5 if _NEAR.search(near) else 0.0
    score -= 4.0 if _BAD_NEAR.search(before + text[max(0, stamp.start - 10) : stamp.start]) else 0.0
    parent = block.home.getparent()
    score += 1.5 if _NAME.search(mark(block.home) + (mark(parent) if parent is not None else "")) else 0.0
    score += 1.0 if len(text) < 100 else -3.0 * (block.worth > 60)
    score -= 4.0 if block.away else 0.0
    score -= 2.0 if block.links > 0.6 * len(text) else 0.0
    if -4 <= distance < 0:
        return score + 2.0
    return score + max(-2.0, 4.0 - 0.4 * distance) if distance >= 0 else score - 2.0


def _origin(around: Sequence[Block], blocks: Sequence[Block], metas: dict[str, str]) -> str:
    found = _origin_in(around)
    if found:
        return found
    named = next((metas[n] for n in _META_ORIGINS if n in metas), "")
    if named and len(named) < 30 and not named.isdigit():
        return named
    beside = _beside_date(around)
    if beside:
        return beside
    for block in around:
        if len(block.text) < 24 and re.search(r"source|origin|laiyuan|media-?name", mark(block.home)):
            return _LABEL.sub("", block.text).strip(" :：|")
    return _origin_in(
        [
            b
            for b in blocks
            if len(b.text) < 80 and b.text.startswith(("来源", "本文来源", "文章来源", "信息来源", "稿源"))
        ]
    )


def _beside_date(around: Sequence[Block]) -> str:
    """A short name that shares its line with the date, or stands alone between title and date."""
    for index, block in enumerate(around):
        if len(block.text) > 60 or not _A_DAY.search(block.text):
            continue
        rest = _LABEL.sub("", _NOISE.sub(" ", _A_DAY.sub(" ", block.text)).strip()).strip(" :：|/·")
        if rest and _PLAIN.fullmatch(rest) and not _NO_ORIGIN.search(rest):
            return rest
        above = around[index - 1] if index > 1 else None
        if not rest and above and around[index - 2].heading and _PLAIN.fullmatch(above.text):
            return above.text
    return ""


_A_DAY = re.compile(
    r"(?:20\d\d\s*[-/年.]\s*\d{1,2}\s*[-/月.]\s*\d{1,2}日?|昨天|今天|\d{1,2}-\d{1,2})(?:\s*\d{1,2}:\d\d(?::\d\d)?)?"
)
_NOISE = re.compile(r"(?:^|\s)(?:原创|时间[:：]|发布于|发表于|\d+|转载)(?=\s|$)")
_NO_ORIGIN = re.compile(r"^(?:星期|周)[一二三四五六日天]$|^第?\d+版|注册|积分|最后|登录|今天|现在")
_PLAIN = re.compile(r"[\u4e00-\u9fffA-Za-z0-9·]{2,14}(?:\[[\u4e00-\u9fff]{2,4}\])?")


def _origin_in(blocks: Sequence[Block]) -> str:
    for index, block in enumerate(blocks):
        match = _ORIGIN.search(block.text)
        if match:
            name = _PLACE.sub("", _LABEL.sub("", match["name"])).strip(" 　【】·-—_/")
            if len(name) >= 2 and not name.startswith(("于", "是")):
                return name
        if re.search(r"来源\s*[:：]?\s*$", block.text) and index + 1 < len(blocks) and len(blocks[index + 1].text) < 24:
            return _LABEL.sub("", blocks[index + 1].text).strip()
    return ""


def _credits(blocks: Sequence[Block]) -> list[Block]:
    """Short lines below the text that name its author."""
    return [b for b in blocks if len(b.text) < 80 and not b.away and re.match(r"\W?(本文来源|作者|撰文|来源)", b.text)]


def _author(around: Sequence[Block], text: str, metas: dict[str, str]) -> str:
    for block in around:
        if len(block.text) < 200:
            match = _AUTHOR.search(block.text) or (_SIGNED.search(block.text) if len(block.text) < 80 else None)
            if match and not _NOT_A_NAME.search(match["name"]):
                return match["name"].strip()
    named = metas.get("author", "")
    if 1 < len(named) < 5 and re.fullmatch(r"[\u4e00-\u9fff·]+", named) and not _NOT_A_NAME.search(named):
        return named
    match = _REPORTER.search(text[:400]) or _AUTHOR.search(text[:60]) or _REPORTER.search(text[-120:])
    found = (match["name"] or match.groupdict().get("other") or "") if match else ""
    return "" if _NOT_A_NAME.search(found) else found.strip()
