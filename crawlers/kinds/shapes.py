"""What a kind of source is: two pure functions over a fetched page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from storage.types import Document, Lease, Source

#: (rank from 1, title, address, heat) as a hot list shows it
Rank = tuple[int, str, str, float | None]


class UnreadableSource(ValueError):
    """The answer is not what this kind of source sends; Chinese, says what was expected. One source fails, no more."""


class TokenExpired(UnreadableSource):
    """The provider refuses the token: the source's state becomes "expired" until somebody renews it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a server."""

    url: str  #: after redirects
    body: bytes
    content_type: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult:
    """What one list page gave. `rejected` has one Chinese sentence for each row that could not be used."""

    leases: tuple[Lease, ...] = ()  #: addresses to look at, newest first
    documents: tuple[Document, ...] = ()
    next_pages: tuple[str, ...] = ()
    ranks: tuple[Rank, ...] = ()
    rejected: tuple[str, ...] = ()


ParseList = Callable[[Page, Source, Lease, datetime], ListResult]
ParseArticle = Callable[[Page, Source, Lease, datetime], list[Document]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One line of the registry."""

    parse_list: ParseList
    parse_article: ParseArticle
    more: Callable[[Page, Source], str | None] = field(default=lambda page, source: None)  #: next page of a thread
    token: Literal["none", "query", "bearer"] = "none"  #: how the source's token travels
    max_bytes: int = 8_000_000


def lease(source: Source, url: str, what: str, now: datetime, hint: Mapping[str, str], depth: int = 1) -> Lease:
    """An address to be looked at; nobody holds it yet."""
    return Lease(source=source.id, url=url, what=what, owner="", until=now, depth=depth, hint=hint)
