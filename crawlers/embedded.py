"""Rows of a page that is drawn by a script: the JSON that the page carries for it, where one list in it is the page's.

Read are `<script type="application/json">`, `name = {...}` and `JSON.parse("...")`; nothing is executed. A list
whose items name no address cannot be followed and is left alone: the page then needs selectors, and says so.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml.html import HtmlElement

from crawlers.dates import parse_date
from crawlers.markup import fold
from crawlers.repeated import good_title
from crawlers.urls import join

_START = re.compile(r"(?:=|:|\()\s*(?=[\[{][\s\"{\[])")
_QUOTED = re.compile(r'JSON\.parse\(\s*(?="[\[{])')
_TITLE = re.compile(r"(?<!sub)(?<!sub_)(?<!seo)(?<!seo_)(?<!page)(?:title|subject|headline)$", re.I)
_LINK = re.compile(
    r"^(?!.*(?:img|image|pic|cover|thumb|icon|logo|avatar|video|audio|photo|media|user|author)).*(?:url|link|href)$",
    re.I,
)
_DATE = (
    re.compile(r"pub|release|issue", re.I),
    re.compile(r"create|post|add|show|input|send", re.I),
    re.compile(r"^(?:date|time|datetime|timestamp|ctime)$", re.I),
)
_TIME = re.compile(r"time|date|_at$|At$|^ctime$", re.I)
_REPLIES = re.compile(r"^(?:reply|replies|comments?)_?(?:count|num|cnt|total|number)?$", re.I)
_MOST = 2_000_000  #: characters of a script that are looked at
_VALUES = 200_000  #: values that are looked at
_TRIES = 40  #: places in a script where JSON may begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a list, as the JSON names it."""

    url: str
    title: str
    date: str
    replies: str


def embedded(root: HtmlElement, url: str, now: datetime) -> list[Item]:
    """Items of the list that looks most like the page's own; empty where no list has titles and addresses."""
    best: list[Item] = []
    for data in _data(root):
        for found in _lists(data):
            items = [item for raw in found[:400] if (item := _item(raw, url, now)) is not None]
            if len(items) >= 3 and _worth(items) > _worth(best):
                best = items
    return best


def _worth(items: list[Item]) -> float:
    return sum(good_title(i.title) * (5.0 if i.date else 1.0) for i in items)


def _data(root: HtmlElement) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    for script in root.iter("script"):
        text = (script.text or "")[:_MOST]
        if "json" in (script.get("type") or "") and (found := _parsed(text.strip(), decoder)) is not None:
            yield found[0]
            continue
        quoted = _QUOTED.search(text)
        inner = _parsed(text[quoted.end() :], decoder) if quoted else None
        if inner is not None and isinstance(inner[0], str):
            again = _parsed(inner[0], decoder)
            if again is not None:
                yield again[0]
        yield from _assigned(text, decoder)


def _assigned(text: str, decoder: json.JSONDecoder) -> Iterator[Any]:
    place = 0
    for _ in range(_TRIES):
        start = _START.search(text, place)
        if start is None:
            return
        found = _parsed(text[start.end() :], decoder)
        place = start.end() + (found[1] if found else 1)
        if found is not None:
            yield found[0]


def _parsed(text: str, decoder: json.JSONDecoder) -> tuple[Any, int] | None:
    try:
        return decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return None


def _lists(data: Any) -> Iterator[list[Any]]:
    """Lists of objects anywhere inside; iterative, since the depth is the page's choice."""
    stack, seen = [data], 0
    while stack and seen < _VALUES:
        value = stack.pop()
        seen += 1
        if isinstance(value, list):
            if len(value) >= 3 and all(isinstance(v, dict) for v in value[:3]):
                yield value
            stack.extend(v for v in value if isinstance(v, dict | list))
        elif isinstance(value, dict):
            stack.extend(v for v in value.values() if isinstance(v, dict | list))


def _item(raw: Any, url: str, now: datetime) -> Item | None:
    if not isinstance(raw, dict):
        return None
    title = next((fold(v) for k, v in raw.items() if isinstance(v, str) and v.strip() and _TITLE.search(k)), "")
    link = next((v for k, v in raw.items() if isinstance(v, str) and v.strip() and _LINK.match(k)), "")
    address = join(url, link) if link else None
    if not title or not address or address == url:
        return None
    return Item(url=address, title=title[:300], date=_date(raw, now), replies=_figure(raw))


def _date(raw: dict[str, Any], now: datetime) -> str:
    named = {k: str(v).strip()[:60] for k, v in raw.items() if isinstance(v, str | int) and _TIME.search(k)}
    for rule in _DATE:
        found = next((v for k, v in named.items() if rule.search(k) and parse_date(v, now)), "")
        if found:
            return found
    return ""


def _figure(raw: dict[str, Any]) -> str:
    found = (str(v) for k, v in raw.items() if _REPLIES.match(k) and isinstance(v, str | int))
    return next((v for v in found if v.isdigit() and len(v) < 8), "")
