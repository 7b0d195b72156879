"""The document port: texts, search, counts. SQLite + FTS5 or Elasticsearch answer it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from storage.query import Node
from storage.types import StoredDocument

#: fields that facets and filters know
FacetField = Literal[
    "kind", "source", "topic", "sentiment", "department", "area", "flag", "event", "text_kind", "keyword"
]
SortOrder = Literal["newest", "oldest", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """A search: a syntax tree and exact filters; all must hold. Ranges are half-open [since, until)."""

    words: Node | None = None
    since: datetime | None = None
    until: datetime | None = None
    filters: Mapping[FacetField, Sequence[str]] = field(default_factory=dict)  #: any of the values of each field
    historic: bool | None = None
    duplicates: bool = True  #: False folds near-duplicates into their first
    sort: SortOrder = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    rows: tuple[StoredDocument, ...]
    total: int  #: exact, never capped
    after: str | None  #: opaque position of the next page; None at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class PutResult:
    new: int
    updated: int  #: a new version, or other figures
    unchanged: int
    refused: tuple[tuple[str, str], ...] = ()  #: (document id, reason), item by item


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One step of a time histogram."""

    start: datetime
    count: int
    negative: int


class DocumentStore(Protocol):
    """Texts with their assessment. Idempotent by document id."""

    def put(self, rows: Sequence[StoredDocument]) -> PutResult: ...
    def get(self, ids: Sequence[str]) -> list[StoredDocument]:
        """Rows that exist, in the order asked."""
        ...

    def by_url(self, url: str) -> StoredDocument | None: ...
    def search(self, query: DocumentQuery, *, size: int = 20, after: str | None = None) -> DocumentPage: ...
    def count(self, query: DocumentQuery) -> int: ...
    def histogram(
        self, query: DocumentQuery, *, step: Literal["hour", "day", "week", "month"], timezone: str
    ) -> list[Bucket]:
        """Buckets of local time, empty ones between the first and the last included."""
        ...

    def facets(self, query: DocumentQuery, by: FacetField, *, size: int = 10) -> list[tuple[str, int]]:
        """Values by falling count, then by value."""
        ...

    def scan(self, query: DocumentQuery, *, batch: int = 1000) -> Iterator[StoredDocument]:
        """Every hit, oldest first, with flat memory: for exports, re-assessment, rebuilding an index."""
        ...

    def versions(self, document: str) -> list[tuple[int, datetime, str, str]]:
        """(version, seen at, title, text) of each earlier state, oldest first."""
        ...

    def set_event(self, links: Mapping[str, str | None]) -> None:
        """Join documents to events (document id → event id)."""
        ...

    def delete(self, ids: Sequence[str]) -> int: ...
    def purge(self, before: datetime) -> int:
        """Retention: drop documents that came in before, return how many."""
        ...

    def latest(self) -> datetime | None:
        """When the youngest document came in (`fetched_at`), history excepted."""
        ...

    def recount(self) -> list[str]:
        """The nightly check: rollups that differ from a recount, as Chinese sentences; empty = all right."""
        ...

    def mend(self) -> None:
        """Set right what `recount` found, as far as it can be; what stays wrong `recount` names again."""
        ...

    def health(self) -> Mapping[str, object]: ...
    def backup(self, target: str) -> None:
        """A copy that is whole by itself; StoreError where the engine has its own way (snapshots)."""
        ...

    def close(self) -> None: ...
