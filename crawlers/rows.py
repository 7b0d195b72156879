"""Rows of a list page: by the site's selectors, or found by themselves as repeated link blocks with dates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml.html import HtmlElement

from crawlers.dates import find_stamps, parse_stamp
from crawlers.embedded import embedded
from crawlers.figures import replies
from crawlers.markup import select, value, words
from crawlers.repeated import headline, repeated, title_text
from crawlers.rowdates import printed_date
from crawlers.urls import join
from storage.types import Selectors

_NEXT = re.compile(r"^\W*(下一?页|后一?页|next( page)?|[>›»▶▷→]{1,2})\W*$", re.I)
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
    for item in items[: 2 * _MAX_ROWS]:
        if isinstance(item, str):
            continue
        link = _link(item, rules.link if rules.item else None)
        address = join(url, link.get("href") or "") if link is not None else None
        if link is None or not address:
            continue
        title = _part(item, rules.title) if rules.title else title_text(link, headline(link))
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


def _by_repetition(root: HtmlElement, url: str, now: datetime) -> list[Row]:
    found = repeated(root, url, now)
    shown = [_row(f.url, title_text(f.link, f.title), printed_date(f.row, f.title, now), replies(f.row, f.title))
             for f in found]  # fmt: skip
    if any(row.hint.get("date") for row in shown):
        return shown
    carried = [_row(i.url, i.title, i.date, i.replies) for i in embedded(root, url, now)]
    return carried if not shown or any(row.hint.get("date") for row in carried) else shown


def _row(url: str, title: str, date: str, count: str) -> Row:
    said = {"title": title, "date": date, "replies": count}
    return Row(url=url, title=title, hint={k: v for k, v in said.items() if v})


def dated(row: Row, now: datetime) -> datetime | None:
    """Time of a row, if it prints one."""
    stamp = parse_stamp(row.hint.get("date", ""), now) or next(find_stamps(row.hint.get("date", ""), now), None)
    return stamp.at if stamp else None
