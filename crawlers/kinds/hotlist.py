"""Hot lists in the shape of newsnow: ranks over time, never documents with invented times."""

import json
from datetime import datetime
from typing import Any

from crawlers.counts import number
from crawlers.kinds.shapes import Kind, ListResult, Page, Rank, UnreadableSource
from crawlers.urls import join
from storage.types import Document, Lease, Source


def parse_list(page: Page, source: Source, lease: Lease, now: datetime) -> ListResult:
    """Rank, title, address and heat of each row; the order of the list is the rank."""
    items = _items(page)
    ranks: list[Rank] = []
    rejected: list[str] = []
    for place, item in enumerate(items[:200], 1):
        title = str(item.get("title") or "").strip() if isinstance(item, dict) else ""
        if not title:
            rejected.append(f"第 {place} 条没有标题")
            continue
        ranks.append(
            (place, title[:200], join(page.url, str(item.get("url") or item.get("mobileUrl") or "")) or "", _heat(item))
        )
    return ListResult(ranks=tuple(ranks), rejected=tuple(rejected))


def _items(page: Page) -> list[Any]:
    try:
        data = json.loads(page.body)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(f"热榜接口返回的不是 JSON：{error}") from error
    items = data.get("items") if isinstance(data, dict) else data
    if not isinstance(items, list):
        raise UnreadableSource("热榜接口缺少 items 列表")
    return items


def _heat(item: dict[str, Any]) -> float | None:
    extra = item.get("extra")
    extra = extra if isinstance(extra, dict) else {}
    for found in (item.get("heat"), item.get("hot"), extra.get("hot"), extra.get("heat"), extra.get("info")):
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
        value = number(str(found).replace("热度", "").strip()) if found else None
        if value is not None:
            return float(value)
    return None


def no_article(page: Page, source: Source, lease: Lease, now: datetime) -> list[Document]:
    """A hot list has no article pages."""
    return []


KIND = Kind(parse_list=parse_list, parse_article=no_article)
