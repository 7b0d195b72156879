"""Small state: corrections, saved searches, counters, heartbeats, named leases."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from storage.ledger.codec import dump, load, optional_stamp, stamp
from storage.ledger.codec import key as clean
from storage.ledger.dialect import insert, upsert
from storage.ledger.tables import corrections, locks, notes
from storage.types import Correction


class SqlNotes:
    """See `storage.ports.Notes`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add_correction(self, correction: Correction) -> None:
        upsert(self._db, corrections, [_correction_row(correction)])

    def undo_correction(self, correction_id: str, now: datetime) -> Correction | None:
        """The correction as it is now; None when it is unknown or was undone before."""
        where = (corrections.c.id == clean(correction_id), corrections.c.undone_at.is_(None))
        body = self._db.execute(select(corrections.c.body).where(*where).with_for_update()).scalar()
        if body is None:
            return None
        undone = replace(load(Correction, body), undone_at=now)
        self._db.execute(update(corrections).where(*where).values(_correction_row(undone)))
        return undone

    def corrections(
        self, *, document: str | None = None, among: Collection[str] | None = None, live_only: bool = True
    ) -> list[Correction]:
        """The oldest first, so that the last word wins. among: documents of one batch (at most some thousands)."""
        wanted = select(corrections.c.body).order_by(corrections.c.at, corrections.c.id)
        if document is not None:
            wanted = wanted.where(corrections.c.document == clean(document))
        if among is not None:
            wanted = wanted.where(corrections.c.document.in_([clean(one) for one in among]))
        if live_only:
            wanted = wanted.where(corrections.c.undone_at.is_(None))
        return [load(Correction, body) for body in self._db.execute(wanted).scalars()]

    def get(self, key: str) -> str | None:
        return self._db.execute(select(notes.c.value).where(notes.c.key == clean(key))).scalar()

    def put(self, key: str, value: str) -> None:
        upsert(self._db, notes, [{"key": clean(key), "value": clean(value)}])

    def drop(self, key: str) -> None:
        self._db.execute(delete(notes).where(notes.c.key == clean(key)))

    def keys(self, prefix: str) -> list[str]:
        """In code-point order on both engines, whatever PostgreSQL's collation."""
        wanted = select(notes.c.key).where(notes.c.key.startswith(clean(prefix), autoescape=True))
        return sorted(name for name in self._db.execute(wanted).scalars() if name.startswith(clean(prefix)))

    def lock(self, name: str, owner: str, seconds: float, now: datetime) -> bool:
        until = stamp(now + timedelta(seconds=seconds))
        statement = insert(self._db, locks).values(name=clean(name), owner=clean(owner), until=until)
        free = or_(locks.c.owner == clean(owner), locks.c.until <= stamp(now))
        taken = self._db.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"owner": clean(owner), "until": until}, where=free
            ).returning(locks.c.name)
        )
        return taken.first() is not None

    def unlock(self, name: str, owner: str) -> None:
        self._db.execute(delete(locks).where(locks.c.name == clean(name), locks.c.owner == clean(owner)))


def _correction_row(correction: Correction) -> dict[str, object]:
    return {
        "id": clean(correction.id),
        "document": clean(correction.document),
        "at": stamp(correction.at),
        "undone_at": optional_stamp(correction.undone_at),
        "body": dump(correction),
    }
