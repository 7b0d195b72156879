"""Where we look, and what we saw there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from storage.types.documents import Kind

SourceState = Literal["ok", "slow", "silent", "failing", "refused", "expired", "off", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """Exact rules for one site; CSS, or XPath where the text starts with `/` or `(`. All optional."""

    item: str | None = None  #: one row of the list
    link: str | None = None
    title: str | None = None
    date: str | None = None
    next: str | None = None  #: link to the next page
    replies: str | None = None
    author: str | None = None
    article_title: str | None = None
    article_text: str | None = None
    article_date: str | None = None
    article_source: str | None = None
    floor: str | None = None  #: one floor of a thread
    floor_text: str | None = None
    floor_author: str | None = None
    floor_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMapping:
    """Column of a file, or JMESPath of an API's item, for each field of a Document."""

    fields: Mapping[str, str] = field(default_factory=dict)
    items: str | None = None  #: JMESPath to the list in a response
    cursor: str | None = None  #: JMESPath to the next cursor
    cursor_param: str | None = None
    page_param: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place where we look: a row of `sources.toml`."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, not an attribute

    id: str
    name: str
    type: str  #: key of crawlers.kinds.KINDS: feed | list | sitemap | forum | board | api | weibo | hotlist | file
    url: str
    kind: Kind
    enabled: bool = True
    note: str = ""
    authority: float = 0.4  #: 央媒 1, 省媒 .8, 市媒 .6, 本地论坛 .4, 热线 .3
    area: str | None = None
    interval_minutes: float | None = None  #: operator's override of the learned rhythm
    max_pages: int = 3
    follow: bool = True  #: fetch the article behind a feed's entry
    encoding: str | None = None
    token_env: str | None = None  #: name of the environment variable that holds the token
    token_file: str | None = None
    private: bool = False  #: may lie on a private or loopback address
    sample: bool = False
    quiet_hours: tuple[int, int] | None = None
    daily_budget: int | None = None  #: requests per day
    selectors: Selectors = field(default_factory=Selectors)
    mapping: ImportMapping = field(default_factory=ImportMapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One piece of crawling work: a source that is due, or one address of it."""

    source: str
    url: str
    what: str  #: "list" | "article" | "thread"
    owner: str
    until: datetime
    depth: int = 0
    attempts: int = 0
    etag: str | None = None
    modified: str | None = None
    fingerprint: str | None = None  #: of the last seen list of links
    hint: Mapping[str, str] = field(default_factory=dict)  #: what the list row said (title, date, replies)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHour:
    """Coverage of one source in one hour: what was seen, and what was not."""

    source: str
    hour: datetime
    polled: int = 0
    unchanged: int = 0  #: 304, or the same list
    new: int = 0
    updated: int = 0
    duplicate: int = 0
    rejected: int = 0
    errors: int = 0
    delay_seconds: float = 0.0  #: sum of publish → seen over `new`
    last_error: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)  #: why something was rejected or failed → how often


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """The raw response, kept as evidence and for re-extraction."""

    hash: str  #: sha256 of the body
    url: str
    source: str
    fetched_at: datetime
    status: int
    content_type: str
    body: bytes  #: as received; the store compresses it
