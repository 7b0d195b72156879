"""Sitemaps, sitemap indexes and news sitemaps, packed or not."""

import zlib
from datetime import datetime, timedelta

from lxml import etree

from crawlers.dates import parse_date
from crawlers.kinds.articles import article
from crawlers.kinds.shapes import Kind, ListResult, Page, UnreadableSource, lease
from crawlers.urls import join
from storage.types import Lease, Source

#: entries last changed before this are history, not news
WINDOW = timedelta(days=3)
_UNPACKED = 50_000_000
_MOST = 1000


def parse_list(page: Page, source: Source, lease_: Lease, now: datetime) -> ListResult:
    """Recent addresses, youngest first; entries of an index as next pages, youngest first.

    Raises UnreadableSource for anything that is no sitemap. XML entities are not resolved.
    """
    root = _tree(page)
    entries = sorted(_entries(root, page.url, now), key=lambda e: e[1] or now - WINDOW, reverse=True)
    if _name(root) == "sitemapindex":
        return ListResult(next_pages=tuple(url for url, _, _ in entries)[:50])
    leases, rejected = [], 0
    for url, at, title in entries:
        if at is not None and now - at > WINDOW:
            rejected += 1
            continue
        hint = {"title": title, "date": at.isoformat() if at and title else ""}
        leases.append(lease(source, url, "article", now, {k: v for k, v in hint.items() if v}))
    return ListResult(leases=tuple(leases[:_MOST]))


def _tree(page: Page) -> etree._Element:
    body = page.body
    if body[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(31)
        try:
            body = unpacker.decompress(body, _UNPACKED)
        except zlib.error as error:
            raise UnreadableSource(f"站点地图无法解压：{error}") from error
        if unpacker.unconsumed_tail:
            raise UnreadableSource("站点地图解压后过大")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableSource(f"站点地图无法解析：{error}") from error
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise UnreadableSource("这不是站点地图（缺少 urlset 或 sitemapindex）")
    return root


def _entries(root: etree._Element, base: str, now: datetime) -> list[tuple[str, datetime | None, str]]:
    found = []
    for item in root:
        said = {_name(e): (e.text or "").strip() for e in item.iter() if isinstance(e.tag, str)}
        url = join(base, said.get("loc", ""))
        if url:
            when = said.get("publication_date") or said.get("lastmod") or ""
            found.append((url, parse_date(when, now), said.get("title", "")[:300]))
    return found


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


KIND = Kind(parse_list=parse_list, parse_article=article, max_bytes=50_000_000)
