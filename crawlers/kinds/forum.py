"""Forum boards: rows with replies, date and author; threads with floors, each floor a document of its own."""

import re
from dataclasses import replace
from datetime import datetime

from lxml.html import HtmlElement

from crawlers import heading, markup
from crawlers.dates import find_stamps, parse_date
from crawlers.density import cut
from crawlers.kinds.articles import article
from crawlers.kinds.listing import list_tree
from crawlers.kinds.shapes import Kind, ListResult, Page, UnreadableSource, lease
from crawlers.paragraphs import lines
from crawlers.rows import Row, next_page, rows
from crawlers.urls import document_id, join
from storage.types import Document, Lease, Selectors, Source

#: boards of the usual programs; tried in order where the source names no selectors
BOARDS = (
    Selectors(item="tbody[id^=normalthread], tbody[id^=stickthread]", link="a.s.xst, a.xst", date="td.by em",
              replies="td.num a", author="td.by cite"),
    Selectors(item="li.j_thread_list", link="a.j_th_tit", date=".threadlist_reply_date, .is_show_create_time",
              replies=".threadlist_rep_num", author=".frs-author-name, .tb_icon_author a"),
)  # fmt: skip
THREADS = (
    Selectors(floor="div[id^=post_]", floor_text="td.t_f", floor_author=".authi a", floor_date="em[id^=authorposton]"),
    Selectors(floor=".l_post", floor_text=".d_post_content", floor_author=".d_name a", floor_date=".tail-info"),
    Selectors(floor=".floor, .post, .reply-item, article.post", floor_text=".content, .text, .body, .post-content",
              floor_author=".author, .user, .name", floor_date=".time, .date, time"),
)  # fmt: skip


def parse_list(page: Page, source: Source, lease_: Lease, now: datetime) -> ListResult:
    """Threads of a board; a thread whose number of replies has changed since is looked at again."""
    root = list_tree(page, source)
    found = _rows(root, page.url, source, now)
    if not found:
        raise UnreadableSource("版块页没有找到主题帖：页面可能改版，请检查选择器")
    following = next_page(root, page.url, source.selectors)
    return ListResult(
        leases=tuple(lease(source, row.url, "thread", now, row.hint) for row in found),
        next_pages=(following,) if following else (),
    )


def _rows(root: HtmlElement, url: str, source: Source, now: datetime) -> list[Row]:
    if source.selectors.item or source.selectors.link:
        return rows(root, url, source.selectors, now)
    for rules in BOARDS:
        found = rows(root, url, rules, now)
        if found:
            return found
    return rows(root, url, source.selectors, now)


def parse_article(page: Page, source: Source, lease_: Lease, now: datetime) -> list[Document]:
    """Floors of one page of a thread. The id of a floor is that of its thread and its own number: stable over edits."""
    root = list_tree(page, source)
    first = thread_address(lease_.hint.get("thread") or lease_.url)
    thread = document_id(first)
    title = lease_.hint.get("title") or heading.title(root, heading.meta(root), [])
    offset = int(lease_.hint.get("floors") or 0)
    rules, floors = _floors(root, source.selectors)
    found = []
    for place, element in enumerate(floors, offset + 1):
        text = _text(element, rules)
        if text:
            found.append(_floor(element, rules, text, place, thread, first, title, source, now))
    return found or [_whole(d, thread) for d in article(page, source, lease_, now)]


def thread_address(url: str) -> str:
    """Address of a thread without its page number, so that its pages share one id."""
    url = re.sub(r"(thread-\d+)-\d+-\d+(\.html)", r"\1-1-1\2", url)
    url = re.sub(r"[?&](page|pn|p)=\d+(?=&|$)", "", url)
    return join(url, url) or url


def _floors(root: HtmlElement, rules: Selectors) -> tuple[Selectors, list[HtmlElement]]:
    for candidate in (rules,) if rules.floor else THREADS:
        found = [e for e in markup.select(root, candidate.floor or "") if not isinstance(e, str)]
        if found:
            return candidate, found
    return rules, []


def _text(element: HtmlElement, rules: Selectors) -> str:
    found = markup.select(element, rules.floor_text) if rules.floor_text else [element]
    inner = next((e for e in found if not isinstance(e, str)), None)
    if inner is None:
        return ""
    text = "\n".join(lines(cut(inner)))
    return text or markup.words(inner)


def _floor(
    element: HtmlElement,
    rules: Selectors,
    text: str,
    place: int,
    thread: str,
    url: str,
    title: str,
    source: Source,
    now: datetime,
) -> Document:
    when = _part(element, rules.floor_date)
    stamp = next(find_stamps(when, now), None)
    first = place == 1
    return Document(
        id=thread if first else document_id(url, f"floor {place}"),
        url=url if first else f"{url}#floor-{place}",
        title=title if first else "",
        text=text,
        fetched_at=now,
        published_at=stamp.at if stamp else parse_date(when, now),
        source=source.id,
        kind=source.kind,
        author=_part(element, rules.floor_author) or None,
        area=source.area,
        thread=thread,
        floor=place,
        extractor="floor",
        sample=source.sample,
    )


def _part(element: HtmlElement, rule: str | None) -> str:
    found = next(iter(markup.select(element, rule)), None) if rule else None
    return markup.value(found)[:100] if found is not None else ""


def _whole(document: Document, thread: str) -> Document:
    return replace(document, id=thread, thread=thread, floor=1)


def more(page: Page, source: Source) -> str | None:
    """Next page of a thread."""
    return next_page(list_tree(page, source), page.url, Selectors())


KIND = Kind(parse_list=parse_list, parse_article=parse_article, more=more)
