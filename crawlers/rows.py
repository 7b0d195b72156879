"""Rows of a list page: by the site's selectors, or found by themselves as repeated link blocks with dates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml.html import HtmlElement

from crawlers.dates import find_stamps, parse_stamp
from crawlers.figures import beside, replies
from crawlers.markup import DROP, fold, hidden, mark, select, value, words
from crawlers.urls import join
from storage.types import Selectors

_HAN = re.compile(r"[\u4e00-\u9fff]")
_CONTROL = re.compile(
    r"^(更多|首页|上一页|下一页|尾页|末页|登录|注册|返回.*|联系我们|关于我们|网站地图|设为首页|加入收藏|more.*|\d+)$",
    re.I,
)
_NEXT = re.compile(r"^\W*(下一?页|后一?页|next( page)?|>|›|»)\W*$", re.I)
_MENU = re.compile(r"\bnav|menu|footer|friend|crumb|sidebar|share", re.I)
_DATE = re.compile(
    r"(?:20\d\d\s*[-/年.])?\s*\d{1,2}\s*[-/月.]\s*\d{1,2}日?(?:\s+\d{1,2}:\d\d(?::\d\d)?)?|(?:\d{1,4}\s*|半)(?:分钟|小时|天)前|刚刚"
    r"|(?:昨天|今天|前天)(?:\s*\d{1,2}:\d\d)?|(?<!\d)\d{1,2}:\d\d(?!\d)"
)
_MAX_ROWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a list: an absolute canonical address and what the row says of it."""

    url: str
    title: str
    hint: dict[str, str] = field(default_factory=dict)  #: title, date, replies, author, status as printed


def rows(root: HtmlElement, url: str, rules: Selectors, now: datetime) -> list[Row]:
    """Rows in page order, each address once."""
    found = list(_by_rules(root, url, rules)) if rules.item or rules.link else _by_repetition(root, url, now)
    unique: dict[str, Row] = {}
    for row in found[:_MAX_ROWS]:
        unique.setdefault(row.url, row)
    return list(unique.values())


def next_page(root: HtmlElement, url: str, rules: Selectors) -> str | None:
    """Address of the next list page; None on the last one."""
    if rules.next:
        found = next(iter(select(root, rules.next)), None)
        link = found if isinstance(found, str) else (found.get("href") if found is not None else None)
        return join(url, link) if link else None
    for element in root.iter("a", "link"):
        named = element.get("rel") == "next" or (
            element.tag == "a" and _NEXT.match(words(element) or element.get("title") or "")
        )
        if named and element.get("href"):
            address = join(url, str(element.get("href")))
            return address if address != join(url, url) else None
    return None


def _by_rules(root: HtmlElement, url: str, rules: Selectors) -> Iterator[Row]:
    items = select(root, rules.item) if rules.item else select(root, rules.link or "a")
    for item in items:
        if isinstance(item, str):
            continue
        link = _link(item, rules.link if rules.item else None)
        address = join(url, link.get("href") or "") if link is not None else None
        if link is None or not address:
            continue
        title = _part(item, rules.title) if rules.title else _title(link)
        hint = {
            "date": _part(item, rules.date),
            "replies": _part(item, rules.replies),
            "author": _part(item, rules.author),
        }
        yield Row(url=address, title=title, hint={"title": title, **{k: v for k, v in hint.items() if v}})


def _link(item: HtmlElement, rule: str | None) -> HtmlElement | None:
    if rule:
        found = next(iter(select(item, rule)), None)
        return None if isinstance(found, str) else found
    if item.tag == "a":
        return item
    links = [a for a in item.iter("a") if a.get("href")]
    return max(links, key=lambda a: len(words(a)), default=None)


def _part(item: HtmlElement, rule: str | None) -> str:
    found = next(iter(select(item, rule)), None) if rule else None
    return value(found)[:200] if found is not None else ""


def _title(link: HtmlElement) -> str:
    shown, full = words(link), fold(link.get("title") or "")
    return full if shown.endswith(("…", "...")) or len(full) > len(shown) > 0 or not shown else shown


def _by_repetition(root: HtmlElement, url: str, now: datetime) -> list[Row]:
    groups: dict[str, list[tuple[HtmlElement, HtmlElement, str]]] = {}
    counts = _link_counts(root)
    for link in counts.links:
        address = join(url, link.get("href") or "")
        if address and address != url:
            row = _row_of(link, counts)
            groups.setdefault(_path(row), []).append((row, link, address))
    best = max(groups.values(), key=lambda g: _worth(g, now), default=[])
    return (
        [_read_row(row, link, address) for row, link, address in best] if len(best) > 1 or _worth(best, now) > 0 else []
    )


@dataclass(slots=True)
class _Links:
    links: list[HtmlElement]
    under: dict[HtmlElement, set[str]]  #: distinct addresses of good links below each element


def _link_counts(root: HtmlElement) -> _Links:
    found = _Links(links=[], under={})
    for link in root.iter("a"):
        title = _title(link)
        if not link.get("href") or not _good_title(title) or _hidden_above(link):
            continue
        found.links.append(link)
        element: HtmlElement | None = link
        while element is not None:
            found.under.setdefault(element, set()).add(str(link.get("href")))
            element = element.getparent()
    return found


def _good_title(title: str) -> bool:
    return (
        5 <= len(title) <= 200
        and not _CONTROL.match(title)
        and (len(_HAN.findall(title)) >= 4 or len(title.split()) >= 3)
    )


def _hidden_above(link: HtmlElement) -> bool:
    element: HtmlElement | None = link
    while element is not None:
        if element.tag in DROP or hidden(element):
            return True
        element = element.getparent()
    return False


def _row_of(link: HtmlElement, counts: _Links) -> HtmlElement:
    row = link
    above = link.getparent()
    while above is not None and len(counts.under.get(above, ())) == 1:
        row, above = above, above.getparent()
    return row


def _path(row: HtmlElement) -> str:
    steps: list[str] = []
    element: HtmlElement | None = row
    while element is not None and len(steps) < 12:
        steps.append(f"{element.tag}.{(element.get('class') or '').split(' ')[0] if element is not row else ''}")
        element = element.getparent()
    return "/".join(steps)


def _worth(group: list[tuple[HtmlElement, HtmlElement, str]], now: datetime) -> float:
    if not group:
        return 0.0
    size = len(group)
    length = sum(len(words(link)) for _, link, _ in group) / size
    dated = sum(bool(_date(row, link)) for row, link, _ in group[:60]) / min(size, 60)
    menu = any(_MENU.search(mark(e)) for e in _above(group[0][0], 6))
    return min(size, 60) * min(length, 30) * (1 + 4 * dated) * (0.1 if menu else 1)


def _above(element: HtmlElement, steps: int) -> Iterator[HtmlElement]:
    current: HtmlElement | None = element
    for _ in range(steps):
        if current is None:
            return
        yield current
        current = current.getparent()


def _date(row: HtmlElement, link: HtmlElement) -> str:
    found = _DATE.search(beside(row, link))
    return found[0].strip() if found else ""


def _read_row(row: HtmlElement, link: HtmlElement, address: str) -> Row:
    title = _title(link)
    printed = {"date": _date(row, link), "replies": replies(row, beside(row, link))}
    return Row(url=address, title=title, hint={"title": title, **{k: v for k, v in printed.items() if v}})


def dated(row: Row, now: datetime) -> datetime | None:
    """Time of a row, if it prints one."""
    stamp = parse_stamp(row.hint.get("date", ""), now) or next(find_stamps(row.hint.get("date", ""), now), None)
    return stamp.at if stamp else None
