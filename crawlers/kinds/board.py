"""Government message boards: a question with its status, and the official reply as a document of kind "reply"."""

import re
from dataclasses import replace
from datetime import datetime
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from crawlers import markup
from crawlers.dates import find_stamps, parse_date
from crawlers.density import cut
from crawlers.kinds import articles, listing
from crawlers.kinds.shapes import Kind, ListResult, Page
from crawlers.paragraphs import lines
from crawlers.urls import document_id, join
from storage.types import Document, Lease, Source

_STATUS = re.compile(
    r"已(?:答复|回复|办结|办理|受理|转办)|(?:正在|待)(?:办理|受理|回复|答复)|办理中|处理中|未(?:答复|回复|受理)|(?:超期|逾期)未\S{2}"
)
_REPLY_NAME = re.compile(r"reply|answer|huifu|dafu|respon|feedback", re.I)
_REPLY_HEAD = re.compile(r"^\W{0,2}(?:官方|单位|部门)?(?:回复|答复)(?:内容|意见|情况|单位|时间)?\W{0,3}")
_UNIT = re.compile(r"(?:答复|回复|办理|承办)(?:单位|部门|机构)\s*[:：]\s*(?P<name>[^\s，。;；:：]{2,30})")


def parse_list(page: Page, source: Source, lease: Lease, now: datetime) -> ListResult:
    """Rows of the board; a row whose status has changed is looked at again."""
    found = listing.parse_list(page, source, lease, now)
    root = listing.list_tree(page, source)
    states = _states(root, page.url, {x.url for x in found.leases})
    leases = [replace(x, hint={**x.hint, "status": states[x.url]}) if x.url in states else x for x in found.leases]
    return replace(found, leases=tuple(leases))


def _states(root: HtmlElement, url: str, rows: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for link in root.iter("a"):
        address = join(url, link.get("href") or "")
        if address not in rows or address in found:
            continue
        row = link
        for _ in range(3):
            status = _STATUS.search(markup.words(row).replace(markup.words(link), " ", 1) if row is not link else "")
            if status:
                found[address] = status[0]
                break
            above = row.getparent()
            if above is None or len(list(islice(above.iter("a"), 3))) > 2:
                break
            row = above
    return found


def parse_article(page: Page, source: Source, lease: Lease, now: datetime) -> list[Document]:
    """The question and, where there is one, its official reply (`reply_to`, the unit as author)."""
    root = listing.list_tree(page, source)
    answer = _answer(root, source)
    said = _REPLY_HEAD.sub("", _words(answer, source)) if answer is not None else ""
    whole = "\n".join(b.text for b in cut(answer)) if answer is not None else ""
    unit = _unit(answer, whole, source)
    when = _when(answer, whole, source, now)
    if answer is not None:
        answer.drop_tree()
    body = etree.tostring(root, encoding="unicode", method="html")
    found = articles.article(
        replace(page, body=body.encode(), content_type="text/html; charset=utf-8"), source, lease, now
    )
    if not found:
        return []
    question = found[0]
    status = question.status or _status(root) or ("已答复" if said else None)
    question = replace(question, status=status, thread=question.id)
    if len(said) < 4:
        return [question]
    reply = Document(
        id=document_id(question.id, "reply"),
        text=said,
        fetched_at=now,
        source=source.id,
        kind="reply",
        url=question.url,
        author=unit,
        published_at=when,
        area=source.area,
        thread=question.id,
        reply_to=question.id,
        extractor="board",
        sample=source.sample,
    )
    return [question, reply]


def _answer(root: HtmlElement, source: Source) -> HtmlElement | None:
    """The box that holds the reply: by selector, by its name, or by its heading."""
    if source.selectors.floor:
        found = next(iter(markup.select(root, source.selectors.floor)), None)
        return None if isinstance(found, str) else found
    for element in root.iter("div", "section", "td", "dd", "li", "article"):
        if _REPLY_NAME.search(markup.mark(element)) and len(markup.words(element)) >= 12:
            return element
    for element in root.iter("h2", "h3", "h4", "strong", "dt", "p"):
        if _REPLY_HEAD.fullmatch(markup.words(element)) and element.getparent() is not None:
            following = element.getnext()
            return following if following is not None else None
    return None


def _words(answer: HtmlElement, source: Source) -> str:
    """What the reply says: by selector, else the whole box."""
    rule = source.selectors.floor_text
    found = next(iter(markup.select(answer, rule)), None) if rule else None
    return "\n".join(lines(cut(found if found is not None and not isinstance(found, str) else answer)))


def _unit(answer: HtmlElement | None, whole: str, source: Source) -> str | None:
    rule = source.selectors.floor_author
    if answer is not None and rule:
        found = next(iter(markup.select(answer, rule)), None)
        if found is not None:
            return re.sub(r"^.{0,6}[:：]\s*", "", markup.value(found))[:60] or None
    match = _UNIT.search(whole)
    return match["name"] if match else None


def _when(answer: HtmlElement | None, whole: str, source: Source, now: datetime) -> datetime | None:
    rule = source.selectors.floor_date
    if answer is not None and rule:
        found = next(iter(markup.select(answer, rule)), None)
        return parse_date(markup.value(found), now) if found is not None else None
    stamps = list(find_stamps(whole, now))
    exact = next((s for s in stamps if s.exact), None)
    chosen = exact or (stamps[-1] if stamps else None)
    return chosen.at if chosen else None


def _status(root: HtmlElement) -> str | None:
    match = _STATUS.search(markup.words(root)[:3000])
    return match[0] if match else None


KIND = Kind(parse_list=parse_list, parse_article=parse_article)
