"""The deciding part of `minsheng sources add URL`: from one fetched page to a proposal with rows to look at."""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawlers import markup
from crawlers.charset import decode
from crawlers.kinds import KINDS, ListResult, Page, UnreadableSource
from crawlers.kinds.forum import BOARDS
from crawlers.kinds.shapes import lease
from crawlers.markup import UnreadablePage, fold, words
from crawlers.rows import rows
from crawlers.urls import canonical, join, site
from storage.types import Kind, Source

_FEEDS = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_BOARD_WORDS = re.compile(r"市长信箱|领导信箱|留言板|信件|咨询投诉|民意|问政|答复")
_FORUM_WORDS = re.compile(r"论坛|社区|贴吧|bbs|版块|发帖|回帖", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A source to be confirmed, ten rows that it would gather, and why it was read so."""

    source: Source
    rows: tuple[tuple[str, str, str], ...]  #: (title, address, date as printed), at most ten
    reason: str  #: Chinese
    others: tuple[str, ...] = ()  #: addresses of feeds that the page itself names: a better choice


def propose(page: Page, now: datetime) -> Proposal:
    """What kind of source a page is. Raises UnreadableSource (Chinese) where nothing on it could be gathered."""
    base = Source(
        id=source_id(page.url),
        name=urlsplit(page.url).hostname or page.url,
        type="list",
        url=canonical(page.url),
        kind=kind_of(page.url),
    )
    text = decode(page.body, content_type=page.content_type).text
    start = text.lstrip("\ufeff \r\n\t")[:3000]
    if start.startswith(("{", "[")):
        return _json(page, base, now)
    if re.search(r"<(rss|feed|rdf:RDF)\b", start):
        return _tried(page, replace(base, type="feed"), now, "内容是订阅源（RSS 或 Atom）")
    if re.search(r"<(urlset|sitemapindex)\b", start):
        return _tried(page, replace(base, type="sitemap"), now, "内容是站点地图")
    return _html(page, base, text, now)


def _json(page: Page, base: Source, now: datetime) -> Proposal:
    try:
        data = json.loads(page.body)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource("内容像 JSON 但无法解析") from error
    if isinstance(data, dict) and "statuses" in data:
        return _tried(page, replace(base, type="weibo", kind="social"), now, "微博开放接口的返回格式")
    if isinstance(data, dict) and str(data.get("version", "")).startswith("https://jsonfeed"):
        return _tried(page, replace(base, type="feed"), now, "内容是 JSON Feed")
    if isinstance(data, dict) and isinstance(data.get("items"), list) and "updatedTime" in data:
        return _tried(page, replace(base, type="hotlist", kind="hotlist"), now, "热榜接口（newsnow 格式）")
    return _tried(page, replace(base, type="api"), now, "JSON 接口，字段按常见名称识别；不符时请填写 mapping")


def _html(page: Page, base: Source, text: str, now: datetime) -> Proposal:
    try:
        root = markup.tree(text)
    except UnreadablePage as error:
        raise UnreadableSource(str(error)) from error
    name = next((words(t) for t in root.iter("title")), "")[:60]
    base = replace(base, name=name or base.name)
    rules = next((r for r in BOARDS if rows(root, page.url, r, now)), None)
    others = _feeds(root, page.url)
    if rules or _FORUM_WORDS.search(f"{name} {page.url}"):
        forum = replace(base, type="forum", kind="forum", selectors=rules or base.selectors)
        return replace(_tried(page, forum, now, "页面是论坛版块"), others=others)
    if _BOARD_WORDS.search(name):
        return replace(
            _tried(page, replace(base, type="board", kind="message"), now, "页面是留言板或信箱"), others=others
        )
    return replace(_tried(page, base, now, "页面上有成组的、带日期的文章链接"), others=others)


def _feeds(root: HtmlElement, url: str) -> tuple[str, ...]:
    links = [join(url, e.get("href") or "") for e in root.iter("link") if (e.get("type") or "").lower() in _FEEDS]
    return tuple(link for link in links if link)


def _tried(page: Page, source: Source, now: datetime, reason: str) -> Proposal:
    result = KINDS[source.type].parse_list(page, source, lease(source, source.url, "list", now, {}, 0), now)
    found = preview(result)
    if not found:
        raise UnreadableSource(f"{reason}，但没有可采集的条目")
    return Proposal(source=source, rows=found, reason=f"{reason}；共 {_size(result)} 条")


def preview(result: ListResult, size: int = 10) -> tuple[tuple[str, str, str], ...]:
    """(title, address, date) of the first rows of a list."""
    found = [(x.hint.get("title", ""), x.url, x.hint.get("date", "")) for x in result.leases]
    found += [
        (d.title or fold(d.text)[:60], d.url or "", d.published_at.isoformat(" ", "minutes") if d.published_at else "")
        for d in result.documents
    ]
    found += [(title, url, f"第{rank}位") for rank, title, url, _ in result.ranks]
    found += [(url, url, "") for url in result.next_pages] if not found else []
    return tuple(found[:size])


def _size(result: ListResult) -> int:
    return len(result.leases) + len(result.documents) + len(result.ranks)


def kind_of(url: str) -> Kind:
    """Kind of document that an address promises: government for gov.cn, forum for a bbs host, else news."""
    host = urlsplit(url).hostname or ""
    if host.endswith(".gov.cn"):
        return "government"
    return "forum" if re.search(r"(^|\.)(bbs|tieba|club|forum)\.", host) else "news"


def source_id(url: str) -> str:
    """A short id from host and path."""
    parts = urlsplit(url)
    text = f"{site(url).split('.')[0]} {parts.path}".lower()
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"(index)?\.(s?html?|php|xml|json)", "", text)).strip("-")[:40] or "source"
