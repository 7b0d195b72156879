"""Posts in the shape of the Weibo open API (`statuses`), by an authorised token only."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from crawlers.columns import BadRow, document
from crawlers.kinds.api import load
from crawlers.kinds.feed import plain
from crawlers.kinds.hotlist import no_article
from crawlers.kinds.shapes import Kind, ListResult, Page, TokenExpired, UnreadableSource
from crawlers.urls import document_id
from storage.types import Document, Lease, Source

#: error codes of the open platform that mean: renew the token
_EXPIRED = {21314, 21315, 21316, 21317, 21327, 21332, 10006}


def parse_list(page: Page, source: Source, lease: Lease, now: datetime) -> ListResult:
    """Documents of the statuses. Raises TokenExpired for the provider's token errors, UnreadableSource for others."""
    data = load(page)
    if not isinstance(data, dict):
        raise UnreadableSource("微博接口返回的不是对象")
    code = data.get("error_code")
    if code in _EXPIRED:
        raise TokenExpired(f"微博接口拒绝了令牌（{code} {data.get('error') or ''}）".replace(" ）", "）"))
    if code:
        raise UnreadableSource(f"微博接口返回错误：{code} {data.get('error') or ''}")
    statuses = data.get("statuses")
    if not isinstance(statuses, list):
        raise UnreadableSource("微博接口返回中没有 statuses 列表")
    found = [_post(s, place, source, now) for place, s in enumerate(statuses[:200], 1)]
    return ListResult(
        documents=tuple(x for x in found if isinstance(x, Document)),
        rejected=tuple(f"第 {x.line} 条：{x.expected}" for x in found if isinstance(x, BadRow)),
    )


def _post(status: Any, place: int, source: Source, now: datetime) -> Document | BadRow:
    if not isinstance(status, dict) or status.get("deleted"):
        return BadRow(line=place, field="", value="", expected="该微博已删除或不可见")
    user = status.get("user") if isinstance(status.get("user"), dict) else {}
    own = str(status.get("idstr") or status.get("mid") or status.get("id") or "")
    row = {
        "text": plain(str(status.get("longText") or status.get("text") or "")),
        "published_at": status.get("created_at"),
        "author": user.get("screen_name") if user else None,
        "likes": status.get("attitudes_count"),
        "comments": status.get("comments_count"),
        "reposts": status.get("reposts_count"),
        "reads": status.get("reads_count"),
        "area": user.get("location") if user else None,
    }
    if user and user.get("id") and own:
        row["url"] = f"https://weibo.com/{user['id']}/{own}"
    found = document(row, {}, place, kind=source.kind, source=source.id, now=now, fetched_at=now)
    if isinstance(found, BadRow):
        return found
    return replace(found, id=document_id("weibo", own) if own else found.id, sample=source.sample, extractor="weibo")


KIND = Kind(parse_list=parse_list, parse_article=no_article, token="query")
