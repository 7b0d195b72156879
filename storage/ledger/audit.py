"""The audit chain: every entry's hash covers the one before it, so a changed or missing row is found and named.

    hash = sha256(previous hash + canonical JSON of the entry)        triggers refuse UPDATE and DELETE

`audit_head` remembers the last number, so that cutting off the end shows as well.
"""

import hashlib
from dataclasses import fields, replace

import orjson
from sqlalchemy import Connection, func, select

from storage.ledger.codec import dump, key, load, stamp
from storage.ledger.dialect import upsert
from storage.ledger.tables import audit, audit_head
from storage.types import AuditEntry

_LOCK = 0x4D53_4155  #: PostgreSQL advisory lock of those who append


class SqlAudit:
    """See `storage.ports.Audit`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def append(self, entry: AuditEntry) -> AuditEntry:
        if self._db.dialect.name == "postgresql":  # SQLite has one writer anyway
            self._db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        last = self._db.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
        number, previous = (last.seq + 1, last.hash) if last else (1, "")
        texts = {f.name: key(value) for f in fields(entry) if isinstance(value := getattr(entry, f.name), str)}
        clean = replace(entry, **texts)  # type: ignore[arg-type]
        linked = replace(clean, seq=number, previous_hash=previous, hash="")
        linked = replace(linked, hash=chain_hash(linked))
        self._db.execute(
            audit.insert().values(
                seq=number,
                at=stamp(linked.at),
                actor=linked.actor,
                object=linked.object,
                body=dump(linked),
                previous_hash=previous,
                hash=linked.hash,
            )
        )
        upsert(self._db, audit_head, [{"one": 1, "seq": number, "hash": linked.hash}])
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
