"""A frontier in memory, for tests of the crawler; the real ones are in `storage`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from storage.types import Lease, RawPage, Source, SourceHour


@dataclass
class Entry:
    lease: Lease
    due: datetime | None
    held: bool = False


@dataclass
class MemoryFrontier:
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    seen_hours: dict[tuple[str, datetime], SourceHour] = field(default_factory=dict)
    pages: dict[str, RawPage] = field(default_factory=dict)
    rank_rows: list[tuple[str, datetime, int, str, str, float | None]] = field(default_factory=list)
    claims: list[Lease] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    rests: list[tuple[str, float]] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator["MemoryFrontier"]:
        yield self

    def sync(self, sources: Sequence[Source], now: datetime) -> None:
        ids = {s.id for s in sources}
        for key in [k for k in self.entries if k[0] not in ids]:
            del self.entries[key]
        for source in sources:
            lease = Lease(source=source.id, url=source.url, what="list", owner="", until=now)
            self.entries.setdefault((source.id, source.url), Entry(lease, now))

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[Lease]:
        busy = {urlsplit(e.lease.url).netloc for e in self.entries.values() if e.held and e.lease.until > now}
        found: list[Lease] = []
        for entry in sorted(self.entries.values(), key=lambda e: (e.due is None, e.due or now)):
            host = urlsplit(entry.lease.url).netloc
            free = not entry.held or entry.lease.until <= now
            if len(found) < size and entry.due and entry.due <= now and free and host not in busy:
                entry.lease = replace(entry.lease, owner=owner, until=now + timedelta(seconds=lease_seconds))
                entry.held = True
                busy.add(host)
                found.append(entry.lease)
        self.claims += found
        return found

    def discover(self, source: str, leases: Sequence[Lease], now: datetime) -> int:
        new = 0
        for lease in leases:
            known = self.entries.get((source, lease.url))
            if known is None:
                self.entries[source, lease.url] = Entry(lease, now)
                new += 1
            elif self._said(known.lease.hint) != self._said(lease.hint):
                known.lease = replace(known.lease, hint=lease.hint)
                known.due = now
        return new

    @staticmethod
    def _said(hint: Mapping[str, str]) -> dict[str, str]:
        return {k: v for k, v in hint.items() if k != "date"}

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
        self.rests.append((lease.url, rest))
        entry = self.entries.get((lease.source, lease.url))
        if entry:
            entry.lease = replace(entry.lease, etag=etag, modified=modified, fingerprint=fingerprint, attempts=0)
            entry.held, entry.due = False, next_due

    def fail(self, lease: Lease, now: datetime, *, reason: str, next_due: datetime | None, rest: float = 0.0) -> None:
        self.failures.append((lease.url, reason))
        self.rests.append((lease.url, rest))
        entry = self.entries.get((lease.source, lease.url))
        if entry:
            entry.lease = replace(entry.lease, attempts=entry.lease.attempts + 1)
            entry.held, entry.due = False, next_due

    def renew(self, lease: Lease, until: datetime, now: datetime) -> bool:
        entry = self.entries[lease.source, lease.url]
        self.renewed.append(lease.url)
        if not entry.held or entry.lease.owner != lease.owner or entry.lease.until <= now:
            return False
        entry.lease = replace(entry.lease, until=until)
        return True

    def due_now(self, source: str, now: datetime) -> None:
        for (owner, _), entry in self.entries.items():
            if owner == source and entry.lease.what == "list":
                entry.due = now

    def record(self, hour: SourceHour) -> None:
        old = self.seen_hours.get((hour.source, hour.hour))
        if old is not None:
            numbers = {
                f.name: getattr(old, f.name) + getattr(hour, f.name)
                for f in fields(SourceHour)
                if f.name not in ("source", "hour", "last_error", "reasons")
            }
            hour = replace(
                hour,
                **numbers,
                last_error=hour.last_error or old.last_error,
                reasons=dict(Counter(old.reasons) + Counter(hour.reasons)),
            )
        self.seen_hours[hour.source, hour.hour] = hour

    def hours(self, source: str | None, since: datetime) -> list[SourceHour]:
        return [h for h in self.seen_hours.values() if (source is None or h.source == source) and h.hour >= since]

    def keep_raw(self, page: RawPage) -> None:
        self.pages[page.hash] = page

    def raw(self, page_hash: str) -> RawPage | None:
        return self.pages.get(page_hash)

    def drop_raw(self, before: datetime) -> int:
        old = [h for h, page in self.pages.items() if page.fetched_at < before]
        for print_ in old:
            del self.pages[print_]
        return len(old)

    def add_ranks(self, source: str, at: datetime, rows: Sequence[tuple[int, str, str, float | None]]) -> None:
        self.rank_rows += [(source, at, *row) for row in rows]

    def ranks(self, source: str, since: datetime) -> list[tuple[datetime, int, str, str, float | None]]:
        return [(at, n, t, u, h) for s, at, n, t, u, h in self.rank_rows if s == source and at >= since]
