"""The audit chain: every entry's hash covers the one before it, so a changed or missing row is found and named.

    hash = sha256(previous hash + canonical JSON of the entry)        triggers refuse UPDATE and DELETE

`audit_head` remembers the last number, so that cutting off the end shows as well.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace

import orjson
from sqlalchemy import Connection, func, select

from storage.ledger.codec import dump, key, load, stamp
from storage.ledger.dialect import upsert
from storage.ledger.tables import audit, audit_head
from storage.types import AuditEntry

#: objects of one question
_CHUNK = 500
_LOCK = 0x4D53_4155  #: PostgreSQL advisory lock of those who append


class SqlAudit:
    """See `storage.ports.Audit`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def append(self, entry: AuditEntry) -> AuditEntry:
        return self.extend([entry])[0]

    def extend(self, entries: Sequence[AuditEntry]) -> list[AuditEntry]:
        if not entries:
            return []
        if self._db.dialect.name == "postgresql":  # SQLite has one writer anyway
            self._db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        last = self._db.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
        number, previous = (last.seq, last.hash) if last else (0, "")
        linked: list[AuditEntry] = []
        for entry in entries:
            texts = {f.name: key(value) for f in fields(entry) if isinstance(value := getattr(entry, f.name), str)}
            number += 1
            clean = replace(entry, **texts)  # type: ignore[arg-type]
            link = replace(clean, seq=number, previous_hash=previous, hash="")
            linked.append(replace(link, hash=chain_hash(link)))
            previous = linked[-1].hash
        self._db.execute(audit.insert(), [_row(link) for link in linked])
        upsert(self._db, audit_head, [{"one": 1, "seq": number, "hash": previous}])
        return linked

    def find(
        self, *, object_id: str | None = None, actor: str | None = None, before: int | None = None, size: int = 100
    ) -> list[AuditEntry]:
        """The newest first; `before` is the number of the last entry of the page before."""
        wanted = select(audit.c.body).order_by(audit.c.seq.desc()).limit(size)
        if object_id is not None:
            wanted = wanted.where(audit.c.object == key(object_id))
        if actor is not None:
            wanted = wanted.where(audit.c.actor == key(actor))
        if before is not None:
            wanted = wanted.where(audit.c.seq < before)
        return [load(AuditEntry, body) for body in self._db.execute(wanted).scalars()]

    def about(self, objects: Sequence[str]) -> dict[str, list[AuditEntry]]:
        found: dict[str, list[AuditEntry]] = {}
        for start in range(0, len(objects), _CHUNK):
            names = [key(name) for name in objects[start : start + _CHUNK]]
            wanted = select(audit.c.body).where(audit.c.object.in_(names)).order_by(audit.c.seq)
            for body in self._db.execute(wanted).scalars():
                entry = load(AuditEntry, body)
                found.setdefault(entry.object, []).append(entry)
        return found

    def verify(self) -> int | None:
        """Reads the whole chain with flat memory. A missing entry is named by its own number."""
        expected, previous = 1, ""
        with self._db.execute(select(audit).order_by(audit.c.seq), execution_options={"yield_per": 1000}) as rows:
            for row in rows:
                if row.seq != expected or not _holds(row, previous):
                    return expected
                expected, previous = expected + 1, row.hash
        head = self._db.execute(select(audit_head.c.seq)).scalar() or 0
        return expected if head >= expected else None


def _row(entry: AuditEntry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "at": stamp(entry.at),
        "actor": entry.actor,
        "object": entry.object,
        "body": dump(entry),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def chain_hash(entry: AuditEntry) -> str:
    """sha256 over the previous hash and the entry as JSON with sorted keys, without its own hash."""
    tree = {f.name: getattr(entry, f.name) for f in fields(entry) if f.name not in ("hash", "previous_hash")}
    tree["at"] = entry.at.isoformat()
    return hashlib.sha256(entry.previous_hash.encode() + orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _holds(row: object, previous: str) -> bool:
    """Whether columns, body and hash of one entry agree and follow the one before."""
    try:
        entry = load(AuditEntry, getattr(row, "body"))  # noqa: B009 - a Row has no static columns
        columns = tuple(getattr(row, name) for name in ("seq", "at", "actor", "object", "previous_hash", "hash"))
        told = (entry.seq, stamp(entry.at), entry.actor, entry.object, entry.previous_hash, entry.hash)
        return columns == told and entry.previous_hash == previous and entry.hash == chain_hash(entry)
    except (ValueError, TypeError):
        return False
