"""The crawler's work list: what is due, who fetches it, and one request per host at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, or_, select, update

from storage.ledger import coverage
from storage.ledger.codec import dump, key, optional_key, optional_stamp, stamp
from storage.ledger.dialect import insert
from storage.ledger.tables import frontier, hosts
from storage.types import Lease, RawPage, Source, SourceHour

_AHEAD = 20  #: candidates looked at per lease wanted: many addresses of one host may be due first


class SqlFrontier:
    """See `storage.ports.Frontier`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def sync(self, sources: Sequence[Source], now: datetime) -> None:
        """A list row per enabled source: due at once when it is new, enabled again or moved to another address."""
        enabled = {key(source.id): source for source in sources if source.enabled}
        known = self._db.execute(select(frontier.c.source).distinct()).scalars().all()
        gone = [source for source in known if source not in enabled]
        if gone:
            self._db.execute(update(frontier).where(frontier.c.source.in_(gone)).values(active=False))
        for name, source in enabled.items():
            url = key(source.url)
            moved = (frontier.c.source == name, frontier.c.what == "list", frontier.c.url != url)
            self._db.execute(update(frontier).where(*moved).values(active=False))
            back = (frontier.c.source == name, frontier.c.active.is_(False))
            self._db.execute(update(frontier).where(*back, frontier.c.what != "list").values(active=True))
            self._db.execute(
                update(frontier).where(*back, frontier.c.url == url).values(active=True, due_at=stamp(now))
            )
            self._insert(Lease(source=name, url=url, what="list", owner="", until=now), now)

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[Lease]:
        """Lists before articles, then the longest due. The row of a host is taken first: two workers that want the
        same host meet there, and the second goes away empty. Hosts are taken in one order: nobody waits in a ring."""
        until = now + timedelta(seconds=lease_seconds)
        chosen: dict[str, Row[Any]] = {}
        for row in self._due(size * _AHEAD, now):
            if len(chosen) < size:
                chosen.setdefault(row.host, row)
        got = {
            host
            for host, row in sorted(chosen.items())
            if self._take_host(row, owner, until, now) and self._take_row(row, owner, until, now)
        }
        return [_lease(row, owner, until) for host, row in chosen.items() if host in got]

    def discover(self, source: str, leases: Sequence[Lease], now: datetime) -> int:
        """Addresses known with the same hint and fingerprint are left alone; changed ones are due again."""
        new = 0
        for lease in leases:
            if self._insert(lease, now, source=source):
                new += 1
                continue
            hint = _hint(lease.hint)
            changed: ColumnElement[bool] = frontier.c.hint != hint
            if lease.fingerprint:
                changed = or_(changed, frontier.c.fingerprint.is_distinct_from(key(lease.fingerprint)))
            self._db.execute(
                update(frontier)
                .where(frontier.c.source == key(source), frontier.c.url == key(lease.url), frontier.c.what != "list")
                .where(changed)
                .values(hint=hint, due_at=stamp(now), attempts=0)
            )
        return new

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
        """Ends a lease. One that ran out and was given to another owner changes nothing."""
        values = {"etag": etag, "modified": modified, "fingerprint": fingerprint}
        kept = {name: optional_key(value) for name, value in values.items() if value is not None}
        self._end(lease, now, next_due, rest, attempts=0, reason=None, **kept)

    def fail(self, lease: Lease, now: datetime, *, reason: str, next_due: datetime | None, rest: float = 0.0) -> None:
        self._end(lease, now, next_due, rest, attempts=frontier.c.attempts + 1, reason=key(reason))

    def renew(self, lease: Lease, until: datetime, now: datetime) -> bool:
        """False where the lease has run out: somebody else may hold it, or be about to."""
        url = key(lease.url)
        mine = and_(frontier.c.source == key(lease.source), frontier.c.url == url, frontier.c.owner == lease.owner)
        result = self._db.execute(
            update(frontier).where(mine, frontier.c.lease_until > stamp(now)).values(lease_until=stamp(until))
        )
        if result.rowcount != 1:
            return False
        own = and_(hosts.c.url == url, hosts.c.owner == lease.owner)
        self._db.execute(update(hosts).where(own).values(lease_until=stamp(until)))
        return True

    def due_now(self, source: str, now: datetime) -> None:
        self._db.execute(
            update(frontier)
            .where(frontier.c.source == key(source), frontier.c.what == "list", frontier.c.active)
            .values(due_at=stamp(now))
        )

    def record(self, hour: SourceHour) -> None:
        coverage.record(self._db, hour)

    def hours(self, source: str | None, since: datetime) -> list[SourceHour]:
        return coverage.hours(self._db, source, since)

    def keep_raw(self, page: RawPage) -> None:
        coverage.keep_raw(self._db, page)

    def raw(self, page_hash: str) -> RawPage | None:
        return coverage.raw(self._db, page_hash)

    def drop_raw(self, before: datetime) -> int:
        """Retention: raw pages fetched before; returns how many."""
        return coverage.drop_raw(self._db, before)

    def add_ranks(self, source: str, at: datetime, rows: Sequence[tuple[int, str, str, float | None]]) -> None:
        coverage.add_ranks(self._db, source, at, rows)

    def ranks(self, source: str, since: datetime) -> list[tuple[datetime, int, str, str, float | None]]:
        return coverage.ranks(self._db, source, since)

    def _due(self, size: int, now: datetime) -> list[Row[Any]]:
        at = stamp(now)
        busy = exists().where(hosts.c.host == frontier.c.host, hosts.c.lease_until > at)
        wanted = (
            select(frontier)
            .where(frontier.c.active, frontier.c.due_at <= at, ~busy)
            .where(or_(frontier.c.lease_until.is_(None), frontier.c.lease_until <= at))
            .order_by(frontier.c.what != "list", frontier.c.due_at, frontier.c.seq)
            .limit(size)
        )
        return list(self._db.execute(wanted))

    def _take_host(self, row: Row[Any], owner: str, until: datetime, now: datetime) -> bool:
        values = {"owner": owner, "url": row.url, "lease_until": stamp(until)}
        statement = insert(self._db, hosts).values(host=row.host, **values)
        taken = self._db.execute(
            statement.on_conflict_do_update(
                index_elements=["host"], set_=values, where=hosts.c.lease_until <= stamp(now)
            ).returning(hosts.c.host)
        )
        return taken.first() is not None

    def _take_row(self, row: Row[Any], owner: str, until: datetime, now: datetime) -> bool:
        """Conditional: the candidate may have been served between our look and our hold on the host."""
        result = self._db.execute(
            update(frontier)
            .where(frontier.c.seq == row.seq, frontier.c.due_at <= stamp(now))
            .where(or_(frontier.c.lease_until.is_(None), frontier.c.lease_until <= stamp(now)))
            .values(owner=owner, lease_until=stamp(until))
        )
        if result.rowcount == 1:
            return True
        self._db.execute(delete(hosts).where(hosts.c.host == row.host, hosts.c.owner == owner))
        return False

    def _insert(self, lease: Lease, now: datetime, *, source: str | None = None) -> bool:
        name, url = key(source or lease.source), key(lease.url)
        row = {
            "source": name,
            "url": url,
            "host": _host(url) or f"source:{name}",
            "what": lease.what,
            "depth": lease.depth,
            "active": True,
            "attempts": 0,
            "due_at": stamp(now),
            "fingerprint": optional_key(lease.fingerprint),
            "hint": _hint(lease.hint),
        }
        statement = insert(self._db, frontier).values(row).on_conflict_do_nothing().returning(frontier.c.seq)
        return self._db.execute(statement).first() is not None

    def _end(self, lease: Lease, now: datetime, next_due: datetime | None, rest: float, **values: object) -> None:
        url = key(lease.url)
        mine = and_(frontier.c.source == key(lease.source), frontier.c.url == url, frontier.c.owner == lease.owner)
        self._db.execute(
            update(frontier)
            .where(mine)
            .values(owner=None, lease_until=None, due_at=optional_stamp(next_due), changed_at=stamp(now), **values)
        )
        own = and_(hosts.c.url == url, hosts.c.owner == lease.owner)
        if rest > 0:
            self._db.execute(update(hosts).where(own).values(lease_until=stamp(now + timedelta(seconds=rest))))
        else:
            self._db.execute(delete(hosts).where(own))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _hint(hint: Mapping[str, str]) -> str:
    return dump(dict(sorted(hint.items())))


def _lease(row: Row[Any], owner: str, until: datetime) -> Lease:
    return Lease(
        source=row.source,
        url=row.url,
        what=row.what,
        owner=owner,
        until=until,
        depth=row.depth,
        attempts=row.attempts,
        etag=row.etag,
        modified=row.modified,
        fingerprint=row.fingerprint,
        hint=orjson.loads(row.hint),
    )
