"""Indices and fields of the Elasticsearch store: pure.

    {prefix}-docs-2026-03   one index for each month in which documents came in; alias {prefix}-docs
    {prefix}-ids            document id → the month it lives in
    {prefix}-earlier        earlier titles and texts

**A document lives in the month in which its id was first seen, for good.** Neither a new publishing time nor a second
fetch moves it: the month goes by `came`, which never changes, and retention goes by `came` too, so a purge can drop
whole months. Which month that is stands in `{prefix}-ids`, written with `op_type=create` before the document: of two
processes that see a new id at the same moment one loses and follows the other. Reads by id go there and then to the
month, both in real time; an id is never looked for by a search, which sees a write only after a refresh.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storage.documents.rows import moment_of

Json = dict[str, Any]
#: Elasticsearch refuses an `_id` of more than 512 bytes, with the whole request
_MOST_ID = 512
_HASHED = "#"
_ANALYSED, _KEYWORD, _DATE = "whitespace", {"type": "keyword"}, {"type": "date", "format": "epoch_millis"}
_KEPT = {"type": "keyword", "index": False, "doc_values": False}

#: what a document can be found, counted and sorted by; the same names as in `storage.ports.FacetField`
FIELDS: Mapping[str, Json] = {
    "id": _KEYWORD,
    "at": _DATE,
    "came": _DATE,
    "seen": _DATE,
    "kind": _KEYWORD,
    "source": _KEYWORD,
    "topic": _KEYWORD,
    "sentiment": _KEYWORD,
    "department": _KEYWORD,
    "area": _KEYWORD,
    "flag": _KEYWORD,
    "event": _KEYWORD,
    "text_kind": _KEYWORD,
    "keyword": _KEYWORD,
    "url": _KEYWORD,
    "duplicate": _KEYWORD,
    "historic": {"type": "boolean"},
    "spread": {"type": "long"},
    "version": {"type": "integer"},
    "title": {"type": "text", "index": False, "norms": False},
    "text": {"type": "text", "index": False, "norms": False},
    "tok": {"type": "text", "analyzer": _ANALYSED, "norms": False, "index_options": "positions"},
    "digest": _KEPT,
    "words": _KEPT,
    "document": {"type": "object", "enabled": False},
    "assessment": {"type": "object", "enabled": False},
}
_IDS: Mapping[str, Json] = {"month": _KEYWORD}
_EARLIER: Mapping[str, Json] = {
    "version": {"type": "integer"},
    "seen": _DATE,
    "title": {"type": "text", "index": False, "norms": False},
    "text": {"type": "text", "index": False, "norms": False},
}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one office's indices; two offices share a server by two prefixes."""

    prefix: str

    @property
    def docs(self) -> str:
        return f"{self.prefix}-docs"

    @property
    def ids(self) -> str:
        return f"{self.prefix}-ids"

    @property
    def earlier(self) -> str:
        return f"{self.prefix}-earlier"

    def month(self, month: str) -> str:
        return f"{self.docs}-{month}"


def month_of(came: int) -> str:
    """`2026-03`: the month (UTC, so that no setting moves a document) of a moment in ms since 1970."""
    return moment_of(came).strftime("%Y-%m")


def is_month(text: str) -> bool:
    """Whether an index name ends as one of ours: nothing else is ever dropped."""
    return re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) is not None


def month_end(month: str) -> datetime:
    """The first moment after a month."""
    year, number = (int(part) for part in month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def row_id(document: str) -> str:
    """The `_id` of a document: its own id, or a hash where that is too long."""
    data = document.encode()
    if len(data) <= _MOST_ID and not document.startswith(_HASHED):
        return document
    return _HASHED + hashlib.blake2b(data, digest_size=32).hexdigest()


def earlier_id(document: str, version: int) -> str:
    return row_id(f"{row_id(document)}\n{version}")


def template(names: Names) -> Json:
    """The index template of the months. Replicas follow the number of nodes; one shard holds a month's millions."""
    return {
        "index_patterns": [names.docs + "-*"],
        "priority": 200,
        "template": {"aliases": {names.docs: {}}, "settings": _settings("1s"), "mappings": _strict(FIELDS)},
    }


def side_indices(names: Names) -> dict[str, Json]:
    """The two indices beside the months, by name, as `indices.create` takes them; both are read by id only."""
    return {
        name: {"settings": _settings("30s"), "mappings": _strict(fields)}
        for name, fields in ((names.ids, _IDS), (names.earlier, _EARLIER))
    }


def _settings(refresh: str) -> Json:
    return {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        # named, not left out: with the default a shard that nobody searches stops refreshing
        "refresh_interval": refresh,
        "codec": "best_compression",
        "max_result_window": 10_000,
    }


def _strict(fields: Mapping[str, Json]) -> Json:
    return {"dynamic": "strict", "properties": dict(fields)}
