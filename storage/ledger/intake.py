"""Hop 1's table: durable before anything else, and the queue of hop 2."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select, update

from storage.ledger.codec import dump, dump_bytes, key, load, moment, stamp
from storage.ledger.dialect import insert
from storage.ledger.tables import intake
from storage.ports import IntakeRow, ParkedRow
from storage.types import Document

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqlIntake:
    """See `storage.ports.Intake`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, documents: Sequence[Document], now: datetime) -> int:
        """Same id and content (all but when and as which bytes it was fetched) waits once, parked rows included."""
        statement = insert(self._db, intake).on_conflict_do_nothing().returning(intake.c.seq)
        rows = [
            {
                "document": key(document.id),
                "digest": content_digest(document),
                "body": dump(document),
                "received_at": stamp(now),
                "attempts": 0,
            }
            for document in documents
        ]
        return len(self._db.execute(statement, rows).all()) if rows else 0

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[IntakeRow]:
        """Rows in order of arrival; `attempts` counts this claim too, so a row that kills its worker shows itself."""
        free = (
            select(intake.c.seq)
            .where(intake.c.parked_at.is_(None))
            .where(or_(intake.c.lease_until.is_(None), intake.c.lease_until <= stamp(now)))
            .order_by(intake.c.seq)
            .limit(size)
            .with_for_update(skip_locked=True)
        )
        until = stamp(now + timedelta(seconds=lease_seconds))
        taken = self._db.execute(
            update(intake)
            .where(intake.c.seq.in_(free.scalar_subquery()))
            .values(owner=owner, lease_until=until, attempts=intake.c.attempts + 1)
            .returning(intake.c.seq, intake.c.body, intake.c.received_at, intake.c.attempts)
        )
        rows = [
            IntakeRow(
                seq=r.seq, document=load(Document, r.body), received_at=moment(r.received_at), attempts=r.attempts
            )
            for r in taken
        ]
        return sorted(rows, key=lambda row: row.seq)

    def done(self, seqs: Sequence[int]) -> None:
        for start in range(0, len(seqs), 500):
            self._db.execute(delete(intake).where(intake.c.seq.in_(seqs[start : start + 500])))

    def release(self, owner: str, *, excused: bool = False) -> None:
        """Give back what an owner still holds; `excused` takes back the attempt, which no document is to blame for."""
        fewer = {"attempts": intake.c.attempts - 1} if excused else {}
        self._db.execute(
            update(intake)
            .where(intake.c.owner == owner, intake.c.parked_at.is_(None))
            .values(owner=None, lease_until=None, **fewer)
        )

    def excuse(self, owner: str, seqs: Sequence[int]) -> None:
        """Take back an attempt whoever holds the rows now, and free those that `owner` still holds."""
        for start in range(0, len(seqs), 500):
            mine = intake.c.seq.in_(seqs[start : start + 500])
            self._db.execute(update(intake).where(mine, intake.c.attempts > 0).values(attempts=intake.c.attempts - 1))
            self._db.execute(update(intake).where(mine, intake.c.owner == owner).values(owner=None, lease_until=None))

    def park(self, seq: int, reason: str, now: datetime) -> None:
        self._db.execute(
            update(intake)
            .where(intake.c.seq == seq)
            .values(parked_at=stamp(now), reason=key(reason), owner=None, lease_until=None)
        )

    def parked(self, limit: int = 100) -> list[ParkedRow]:
        """The latest first."""
        rows = self._db.execute(
            select(intake)
            .where(intake.c.parked_at.is_not(None))
            .order_by(intake.c.parked_at.desc(), intake.c.seq.desc())
            .limit(limit)
        )
        return [
            ParkedRow(seq=r.seq, document=load(Document, r.body), reason=r.reason or "", at=moment(r.parked_at))
            for r in rows
        ]

    def unpark(self, seqs: Sequence[int]) -> int:
        result = self._db.execute(
            update(intake)
            .where(intake.c.seq.in_(seqs), intake.c.parked_at.is_not(None))
            .values(parked_at=None, reason=None, attempts=0)
        )
        return result.rowcount

    def waiting(self) -> int:
        return self._db.execute(
            select(func.count()).select_from(intake).where(intake.c.parked_at.is_(None))
        ).scalar_one()

    def oldest(self) -> datetime | None:
        first = self._db.execute(
            select(func.min(intake.c.received_at)).where(intake.c.parked_at.is_(None))
        ).scalar_one()
        return None if first is None else moment(first)


def content_digest(document: Document) -> str:
    """Same digest, same content: neither the moment nor the raw bytes of a fetch are content."""
    return hashlib.sha256(dump_bytes(replace(document, fetched_at=_EPOCH, raw=None))).hexdigest()
