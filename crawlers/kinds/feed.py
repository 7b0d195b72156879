"""RSS, Atom and JSON Feed, in any encoding."""

import json
import re
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import feedparser

from crawlers import markup
from crawlers.charset import decode
from crawlers.dates import CHINA, parse_date
from crawlers.kinds.articles import article
from crawlers.kinds.shapes import Kind, ListResult, Page, UnreadableSource, lease
from crawlers.urls import document_id, join
from storage.types import Document, Lease, Source

#: an entry whose own text is this long, and not cut, needs no second request
_FULL = 300
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}\?>|<!DOCTYPE[^>\[]{0,500}(?:\[.{0,20000}?\]\s*)?>", re.I | re.S)
_CUT = re.compile(r"(…|\.{3}|\[…\]|\[&#8230;\]|阅读全文|查看原文|继续阅读)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, whatever the format."""

    url: str
    title: str
    text: str
    at: datetime | None
    author: str
    guid: str


def parse_list(page: Page, source: Source, lease_: Lease, now: datetime) -> ListResult:
    """Entries as articles to follow, or as documents where the feed has the full text or `follow` is off."""
    text = decode(page.body, content_type=page.content_type, encoding=source.encoding).text
    entries = list(
        _json_entries(text, page.url, now)
        if text.lstrip("\ufeff \r\n").startswith("{")
        else _entries(text, page.url, now)
    )
    if not entries:
        raise UnreadableSource("订阅源中没有条目：地址可能已不是 RSS、Atom 或 JSON Feed")
    leases: list[Lease] = []
    documents: list[Document] = []
    rejected: list[str] = []
    for entry in entries:
        full = len(entry.text) >= _FULL and not _CUT.search(entry.text)
        if entry.url and source.follow and not full:
            hint = {"title": entry.title, "date": entry.at.isoformat() if entry.at else "", "author": entry.author}
            leases.append(lease(source, entry.url, "article", now, {k: v for k, v in hint.items() if v}))
        elif entry.text or entry.title:
            documents.append(_document(entry, source, now))
        else:
            rejected.append(f"条目既无标题也无正文：{entry.url or entry.guid}")
    return ListResult(leases=tuple(leases), documents=tuple(documents), rejected=tuple(rejected))


def _document(entry: Entry, source: Source, now: datetime) -> Document:
    return Document(
        id=document_id(entry.url) if entry.url else document_id(source.id, entry.guid or entry.title),
        url=entry.url or None,
        title=entry.title,
        text=entry.text or entry.title,
        fetched_at=now,
        published_at=entry.at,
        source=source.id,
        kind=source.kind,
        author=entry.author or None,
        area=source.area,
        extractor="feed",
        sample=source.sample,
    )


def _entries(text: str, base: str, now: datetime) -> Iterator[Entry]:
    body = _DECLARATION.sub("", text).strip().encode("utf-8", "replace")
    parsed = feedparser.parse(body, response_headers={"content-type": "application/xml; charset=utf-8"})
    for item in parsed.entries[:500]:
        yield Entry(
            url=join(base, str(item.get("link") or "")) or "",
            title=_plain(str(item.get("title") or "")),
            text=_plain(_longest(item)),
            at=_when(item, now),
            author=str(item.get("author") or "")[:60],
            guid=str(item.get("id") or ""),
        )


def _longest(item: Any) -> str:
    texts = [str(c.get("value") or "") for c in item.get("content") or ()] + [str(item.get("summary") or "")]
    return max(texts, key=len)


def _when(item: Any, now: datetime) -> datetime | None:
    for name in ("published", "updated", "created"):
        parsed = item.get(f"{name}_parsed")
        if parsed and re.search(r"[+-]\d{2}:?\d{2}\s*$|Z\s*$|GMT|UTC|[A-Z]{3}\s*$", str(item.get(name) or "")):
            try:
                at = datetime.fromtimestamp(timegm(parsed), UTC).astimezone(CHINA)
            except (ValueError, OverflowError):
                continue
            return at if (at - now).days < 1 else None
        found = parse_date(str(item.get(name) or ""), now)  # no zone printed: Chinese time
        if found:
            return found
    return None


def _json_entries(text: str, base: str, now: datetime) -> Iterator[Entry]:
    try:
        data = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(f"JSON 订阅源无法解析：{error}") from error
    items = data.get("items") if isinstance(data, dict) else None
    for item in items[:500] if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        authors = item.get("authors") or [item.get("author")]
        author = authors[0] if isinstance(authors, list) and authors else None
        content = item.get("content_text") or _plain(str(item.get("content_html") or item.get("summary") or ""))
        yield Entry(
            url=join(base, str(item.get("url") or item.get("external_url") or "")) or "",
            title=markup.fold(str(item.get("title") or "")),
            text=str(content),
            at=parse_date(str(item.get("date_published") or ""), now),
            author=str(author.get("name") or "") if isinstance(author, dict) else "",
            guid=str(item.get("id") or ""),
        )


def _plain(text: str) -> str:
    """Text of a fragment of markup, one paragraph per line."""
    if "<" not in text and "&" not in text:
        return markup.fold(text)
    try:
        root = markup.tree(f"<div>{re.sub(r'<(?:br|/p|/div|/li)[^>]*>', chr(10), text, flags=re.I)}</div>")
    except markup.UnreadablePage:
        return ""
    for element in root.xpath("//script|//style"):
        element.drop_tree()
    lines = (markup.fold(line) for line in "".join(root.itertext()).split("\n"))
    return "\n".join(line for line in lines if line)


KIND = Kind(parse_list=parse_list, parse_article=article)
