"""What a crawling process is handed, and what it keeps in its head between two leases."""

import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from crawlers.guard import Readers
from crawlers.outcomes import Answer
from storage.ports import Frontier
from storage.types import Document, Source


@dataclass(slots=True, kw_only=True)
class Job:
    """The arguments of `run_worker`, and a count."""

    sources: Callable[[], Sequence[Source]]
    open_frontier: Callable[[], AbstractContextManager[Frontier]]
    sink: Callable[[Sequence[Document]], None]
    owner: str
    clock: Callable[[], datetime]
    once: bool
    stop: threading.Event
    report: Callable[[str], None]
    agent: str
    readers: Readers
    known: dict[str, Source] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)  #: host:port that may lie on a private address
    documents: int = 0  #: handed to the sink
    lease_seconds: float = 300.0
    rest: Callable[[str], float] = field(default=lambda url: 0.0)  #: seconds that the host of an address must be left


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request that a visit wants made."""

    url: str
    source: Source
    etag: str | None = None
    modified: str | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """Coverage figures of one visit, and how long its lease holds."""

    until: datetime | None = None
    polled: int = 0
    unchanged: int = 0
    new: int = 0
    updated: int = 0
    rejected: list[str] = field(default_factory=list)
    delay: float = 0.0
    errors: int = 0
    error: str | None = None
    failed: list[str] = field(default_factory=list)  #: reasons of `errors`


Fetch = Callable[[Ask], Awaitable[Answer]]
