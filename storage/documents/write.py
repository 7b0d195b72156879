"""Writing: documents, index, links and rollups change together or not at all."""

import sqlite3
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import orjson

from storage.documents.rows import (
    ALL,
    FIELDS,
    LATEST,
    ROLLED,
    TIE_BITS,
    Row,
    indexed,
    keep_first,
    moment_of,
    pack,
    unpack,
    unpack_tokens,
)
from storage.documents.values import Named, Values
from storage.ledger.codec import key
from storage.ports import StoreError

HOUR = 3_600_000
KEEP_MOVED = 5_000  #: batches in `moved`; who is further behind reads everything anew
_COUNTED = frozenset(FIELDS[name] for name in ROLLED)
_ALL_FIELDS = ",".join(map(str, FIELDS.values()))
_DOC = (
    "INSERT INTO doc (n, id, came, seen, url, event, duplicate, class, spread, version, digest, words, marks)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_CHANGE = "UPDATE doc SET came=?, seen=?, url=?, event=?, duplicate=?, spread=?, version=?, digest=?, words=? WHERE n=?"
_ROLL = (
    "INSERT INTO roll (field, v, class, hour, docs, negative) VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE"
    " SET docs = docs + excluded.docs, negative = negative + excluded.negative"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The row that stands already."""

    n: int
    came: int
    seen: int
    event: str | None
    duplicate: str | None
    kind: int
    version: int
    digest: bytes
    words: bytes
    marks: str


@dataclass(slots=True)
class Batch:
    """What one transaction will write; flushed as a few `executemany`."""

    fresh: dict[Named, int] = field(default_factory=dict)
    docs: list[tuple[object, ...]] = field(default_factory=list)
    bodies: list[tuple[object, ...]] = field(default_factory=list)
    index: list[tuple[int, str]] = field(default_factory=list)
    links: list[tuple[int, int, int]] = field(default_factory=list)
    rolls: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    negatives: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    next_key: dict[int, int] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)

    def count(self, n: int, kind: int, links: Iterable[tuple[int, int]], negative: bool, step: int) -> None:
        hour = (n >> TIE_BITS) // HOUR
        cells = [(number, v, kind, hour) for number, v in links if number in _COUNTED]
        cells.append((ALL, 0, kind, hour))
        for cell in cells:
            self.rolls[cell] += step
        if negative:
            for cell in cells:
                self.negatives[cell] += step


def put_rows(db: sqlite3.Connection, values: Values, rows: Sequence[Row]) -> tuple[Counter[str], dict[Named, int]]:
    """Write rows with distinct ids. Returns {"new", "updated", "unchanged"} and values to keep after the commit."""
    known = find_known(db, [row.id for row in rows])
    batch, tally = Batch(), Counter[str]()
    _look_ahead(db, batch, [row.at for row in rows])
    for row in rows:
        old = known.get(row.id)
        tally[_put(db, values, batch, row, old) if old else _insert(db, values, batch, row, row.came, 1)] += 1
    flush(db, batch)
    return tally, batch.fresh


def find_known(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Known]:
    rows = db.execute(
        "SELECT id, n, came, seen, event, duplicate, class, version, digest, words, marks FROM doc"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(ids)).decode(),),
    )
    return {
        r[0]: Known(
            n=r[1], came=r[2], seen=r[3], event=r[4], duplicate=r[5], kind=r[6], version=r[7], digest=r[8],
            words=r[9], marks=r[10],
        )
        for r in rows
    }  # fmt: skip


def _put(db: sqlite3.Connection, values: Values, batch: Batch, row: Row, old: Known) -> str:
    seen = row.came
    row = replace(row, event=row.event or old.event, duplicate=row.duplicate or old.duplicate)
    if (row.digest, row.event, row.duplicate) == (old.digest, old.event, old.duplicate):
        return "unchanged"
    before = unpack(
        db.execute("SELECT packed FROM body WHERE n = ?", (old.n,)).fetchone()[0], event=None, duplicate=None, version=1
    )
    row = keep_first(row, came=old.came, fetched_at=before.document.fetched_at)
    if row.at not in batch.next_key:
        _look_ahead(db, batch, [row.at])
    version = old.version
    if row.words == old.words:
        seen = old.seen
    else:
        db.execute(
            "INSERT INTO earlier (id, version, seen, title, text) VALUES (?,?,?,?,?)",
            (row.id, version, old.seen, key(before.document.title), key(before.document.text)),
        )
        version += 1
    marks = " ".join(map(str, values.numbers(db, batch.fresh, row.values)))
    if (row.at, row.kind, marks, row.tokens) == (old.n >> TIE_BITS, old.kind, old.marks, before.assessment.tokens):
        db.execute(
            _CHANGE,
            (row.came, seen, row.url, row.event, row.duplicate, row.spread, version, row.digest, row.words, old.n),
        )
        db.execute("UPDATE body SET packed = ? WHERE n = ?", (pack(row), old.n))
    else:
        remove(db, values, batch, [old.n])
        _insert(db, values, batch, row, seen, version)
    return "updated"


def _insert(db: sqlite3.Connection, values: Values, batch: Batch, row: Row, seen: int, version: int) -> str:
    n = _key(batch, row.at)
    numbers = values.numbers(db, batch.fresh, row.values)
    marks = " ".join(map(str, numbers))
    links = [(number, v) for (number, _), v in zip(row.values, numbers, strict=True)]
    batch.docs.append((
        n, row.id, row.came, seen, row.url, row.event, row.duplicate, row.kind, row.spread, version, row.digest,
        row.words, marks,
    ))  # fmt: skip
    batch.bodies.append((n, pack(row)))
    batch.index.append((n, indexed(row.tokens, marks, row.kind)))
    batch.links.extend((number, n, v) for number, v in links)
    batch.count(n, row.kind, links, (FIELDS["sentiment"], "negative") in row.values, 1)
    return "new"


def _look_ahead(db: sqlite3.Connection, batch: Batch, times: Iterable[int]) -> None:
    """Learn the last key in use of every millisecond that is written to, with one statement."""
    rows = db.execute(
        f"SELECT value, (SELECT max(n) FROM doc WHERE n >= value << {TIE_BITS} AND n < (value + 1) << {TIE_BITS})"
        " FROM json_each(?)",
        (orjson.dumps(sorted(set(times))).decode(),),
    )
    batch.next_key.update({at: last + 1 for at, last in rows if last is not None})


def _key(batch: Batch, at: int) -> int:
    """The next free key within the millisecond `at`."""
    n = batch.next_key.get(at, at << TIE_BITS)
    if n >= (at + 1) << TIE_BITS:
        raise StoreError(f"同一时刻（{moment_of(min(at, LATEST)).isoformat()}）的文档太多：请核对来源的时间")
    batch.next_key[at] = n + 1
    return n


def remove(db: sqlite3.Connection, values: Values, batch: Batch, keys: Sequence[int]) -> None:
    """Take documents out of every table; rollups are lowered when the batch is flushed."""
    negative = values.find(db, FIELDS["sentiment"], ["negative"])
    for n in keys:
        kind, marks, body = db.execute(
            "SELECT class, marks, packed FROM doc JOIN body USING (n) WHERE n = ?", (n,)
        ).fetchone()
        text = indexed(unpack_tokens(body), marks, kind)
        db.execute("INSERT INTO fts (fts, rowid, tokens) VALUES ('delete', ?, ?)", (n, text))
        where = f"FROM link WHERE field IN ({_ALL_FIELDS}) AND n = ?"
        links = db.execute(f"SELECT field, v {where}", (n,)).fetchall()
        batch.count(n, kind, links, any(v in negative for _, v in links), -1)
        db.execute(f"DELETE {where}", (n,))
        db.execute("DELETE FROM doc WHERE n = ?", (n,))
        db.execute("DELETE FROM body WHERE n = ?", (n,))
        batch.removed.append(n)


def flush(db: sqlite3.Connection, batch: Batch) -> None:
    _note_moved(db, batch.removed + [key for key, _ in batch.index])
    db.executemany(_DOC, batch.docs)
    db.executemany("INSERT INTO body (n, packed) VALUES (?,?)", batch.bodies)
    db.executemany("INSERT INTO fts (rowid, tokens) VALUES (?,?)", batch.index)
    db.executemany("INSERT INTO link (field, n, v) VALUES (?,?,?)", sorted(batch.links))
    db.executemany(_ROLL, ((*cell, docs, batch.negatives[cell]) for cell, docs in sorted(batch.rolls.items())))
    lowered = [cell for cell, docs in batch.rolls.items() if docs < 0]
    db.executemany("DELETE FROM roll WHERE field=? AND v=? AND class=? AND hour=? AND docs = 0", lowered)


def _note_moved(db: sqlite3.Connection, keys: Sequence[int]) -> None:
    if keys:
        packed = struct.pack(f"<{len(keys)}q", *keys)
        seq = db.execute("INSERT INTO moved (keys) VALUES (?) RETURNING seq", (packed,)).fetchone()[0]
        db.execute("DELETE FROM moved WHERE seq <= ?", (seq - KEEP_MOVED,))


def delete(db: sqlite3.Connection, values: Values, ids: Sequence[str]) -> int:
    """Take documents and their earlier versions out; returns how many were there."""
    known = find_known(db, ids)
    batch = Batch()
    remove(db, values, batch, [old.n for old in known.values()])
    flush(db, batch)
    db.executemany("DELETE FROM earlier WHERE id = ?", [(i,) for i in known])
    return len(known)
