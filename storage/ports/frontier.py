"""The crawler's work list; the only part of the ledger that `crawlers` is handed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage.types import Lease, RawPage, Source, SourceHour


class Frontier(Protocol):
    """The crawler's work list, with leases: several processes share it, a dead one's lease runs out."""

    def sync(self, sources: Sequence[Source], now: datetime) -> None:
        """Make the list rows agree with the configuration; what is gone or disabled is not polled."""
        ...

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[Lease]:
        """Due addresses; never two leases for one host at once."""
        ...

    def discover(self, source: str, leases: Sequence[Lease], now: datetime) -> int:
        """Article and thread addresses found on a list; known and unchanged ones are left out. Returns new ones."""
        ...

    def done(
        self,
        lease: Lease,
        now: datetime,
        *,
        next_due: datetime | None,
        etag: str | None = None,
        modified: str | None = None,
        fingerprint: str | None = None,
        rest: float = 0.0,
    ) -> None:
        """End a lease. For `rest` seconds more nobody is given a lease for its host: what politeness asks for holds
        over all processes."""
        ...

    def fail(
        self, lease: Lease, now: datetime, *, reason: str, next_due: datetime | None, rest: float = 0.0
    ) -> None: ...
    def renew(self, lease: Lease, until: datetime, now: datetime) -> bool:
        """More time for a lease that is still its owner's; False where it has run out or is another's."""
        ...

    def due_now(self, source: str, now: datetime) -> None:
        """A person's "look now"."""
        ...

    def record(self, hour: SourceHour) -> None:
        """Add these figures to the row of (source, hour)."""
        ...

    def hours(self, source: str | None, since: datetime) -> list[SourceHour]: ...
    def keep_raw(self, page: RawPage) -> None: ...
    def raw(self, page_hash: str) -> RawPage | None: ...
    def drop_raw(self, before: datetime) -> int:
        """Retention: raw pages fetched before; returns how many."""
        ...

    def add_ranks(self, source: str, at: datetime, rows: Sequence[tuple[int, str, str, float | None]]) -> None:
        """Hot list: (rank, title, url, heat) as seen at this moment."""
        ...

    def ranks(self, source: str, since: datetime) -> list[tuple[datetime, int, str, str, float | None]]: ...
