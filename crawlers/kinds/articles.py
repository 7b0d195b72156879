"""From an article page to a document; shared by every kind that follows links."""

from datetime import datetime

from crawlers.charset import decode
from crawlers.counts import number
from crawlers.dates import parse_date
from crawlers.extract import Article, extract
from crawlers.kinds.shapes import Page
from crawlers.urls import document_id, join
from storage.types import Document, Lease, Source


def article(page: Page, source: Source, lease: Lease, now: datetime) -> list[Document]:
    """One document for an article page, or none where the page has no text."""
    found = read(page, source, now)
    return [document(found, page, source, lease, now)] if found.text.strip() else []


def read(page: Page, source: Source, now: datetime) -> Article:
    """`extract` with what the source says of itself."""
    body: bytes | str = page.body
    if source.encoding:
        body = decode(page.body, encoding=source.encoding).text
    return extract(body, url=page.url, content_type=page.content_type, selectors=source.selectors, now=now)


def document(found: Article, page: Page, source: Source, lease: Lease, now: datetime) -> Document:
    """Document of an article; what the list row said fills the gaps that the page leaves."""
    url = found.url or join(page.url, page.url) or page.url
    hinted = parse_date(lease.hint.get("date", ""), now)
    at = found.published_at
    if hinted and (at is None or (not found.exact and at.date() == hinted.date())):
        at = hinted
    return Document(
        id=document_id(url),
        url=url,
        title=found.title or lease.hint.get("title", ""),
        text=found.text,
        fetched_at=now,
        published_at=at,
        source=source.id,
        kind=source.kind,
        author=found.author or lease.hint.get("author") or None,
        origin=found.source or None,
        comments=found.comments if found.comments is not None else number(lease.hint.get("replies", "")),
        area=source.area,
        pictures=found.pictures,
        extractor=found.extractor,
        confidence=found.confidence,
        status=lease.hint.get("status") or None,
        sample=source.sample,
    )
