"""Any JSON list, mapped by JMESPath, with a cursor or a page number."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jmespath
from jmespath.exceptions import JMESPathError

from crawlers.columns import HEADERS, BadRow, document, reply
from crawlers.kinds.articles import article
from crawlers.kinds.shapes import Kind, ListResult, Page, TokenExpired, UnreadableSource, lease
from crawlers.urls import join
from storage.types import Document, ImportMapping, Lease, Source

_REFUSALS = ("expired", "invalid token", "invalid_token", "access_token", "unauthorized", "令牌", "过期")


def parse_list(page: Page, source: Source, lease_: Lease, now: datetime) -> ListResult:
    """Documents of the items; an item with an address and no text is followed. UnreadableSource, TokenExpired."""
    data = load(page)
    items = find(source.mapping.items or "items || data || list || @", data)
    if not isinstance(items, list):
        refused(data)
        raise UnreadableSource("接口返回中没有列表，请检查 mapping.items")
    documents: list[Document] = []
    leases: list[Lease] = []
    rejected: list[str] = []
    for place, item in enumerate(items[:1000], 1):
        row = _row(item, source.mapping.fields)
        url = join(page.url, str(row.get("url") or ""))
        if url:
            row["url"] = url
        if url and source.follow and not row.get("text"):
            hint = {"title": str(row.get("title") or ""), "date": str(row.get("published_at") or "")}
            leases.append(lease(source, url, "article", now, {k: v for k, v in hint.items() if v}))
            continue
        found = document(row, {}, place, kind=source.kind, source=source.id, now=now, fetched_at=now)
        if isinstance(found, BadRow):
            rejected.append(f"第 {place} 条：{found.field} 为“{found.value}”，{found.expected}")
        else:
            documents += finished(found, row, source, now)
    following = _following(page.url, data, source.mapping, bool(items))
    return ListResult(leases=tuple(leases), documents=tuple(documents), next_pages=following, rejected=tuple(rejected))


def finished(found: Document, row: Mapping[str, object], source: Source, now: datetime) -> list[Document]:
    """The document as one of this source, with its official reply if the row holds one."""
    found = replace(found, sample=source.sample, area=found.area or source.area, extractor=source.type)
    answer = reply(found, row, now)
    return [found, replace(answer, sample=source.sample)] if answer else [found]


def load(page: Page) -> Any:
    """The JSON of a page. Raises UnreadableSource."""
    try:
        return json.loads(page.body)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(f"接口返回的不是 JSON：{str(error)[:100]}") from error


def find(path: str, data: Any) -> Any:
    """Value of a JMESPath. Raises UnreadableSource with the path where it is none."""
    try:
        return jmespath.search(path, data)
    except JMESPathError as error:
        raise UnreadableSource(f"JMESPath 无法使用：{path}（{str(error).splitlines()[0]}）") from error


def refused(data: Any) -> None:
    """Raises TokenExpired where the answer is a provider's complaint about the token."""
    if isinstance(data, dict) and not isinstance(data.get("items"), list):
        words = " ".join(str(data.get(k) or "") for k in ("error", "error_description", "message", "msg", "errmsg"))
        if any(r in words.lower() for r in _REFUSALS):
            raise TokenExpired(f"接口拒绝了令牌：{words.strip()[:100]}")


def _row(item: Any, fields: Mapping[str, str]) -> dict[str, object]:
    if fields:
        return {field: find(path, item) for field, path in fields.items()}
    if not isinstance(item, dict):
        return {"text": item}
    return {field: next((item[n] for n in names if n in item), None) for field, names in HEADERS.items()}


def _following(url: str, data: Any, mapping: ImportMapping, filled: bool) -> tuple[str, ...]:
    if mapping.cursor and mapping.cursor_param:
        cursor = find(mapping.cursor, data)
        if cursor in (None, "", 0, "0", -1) or not filled:
            return ()
        text = str(cursor)
        return (text,) if text.startswith(("http://", "https://")) else (_with(url, mapping.cursor_param, text),)
    if mapping.page_param and filled:
        current = dict(parse_qsl(urlsplit(url).query)).get(mapping.page_param, "1")
        return (_with(url, mapping.page_param, str(int(current) + 1)),) if current.isdigit() else ()
    return ()


def _with(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != name]
    return urlunsplit(parts._replace(query=urlencode([*query, (name, value)])))


KIND = Kind(parse_list=parse_list, parse_article=article, token="bearer")
