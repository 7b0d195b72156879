"""Classes and facet values of every document in memory, column by column: one pass over the index answers all counts.

FTS5 says quickly which documents hold words, and slowly, one seek per hit and field, what else they are. So what
facets and filters ask is held as numpy columns beside the sorted keys: some 40 bytes a document, read once per process
(some four seconds of CPU a million) and then kept up by the `moved` table.
"""

import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from storage.documents.plan import Plan, wanted
from storage.documents.rows import FIELDS, ROLLED, TIE_BITS
from storage.documents.write import KEEP_MOVED
from storage.ledger.codec import dump

Keys = NDArray[np.int64]
Values = NDArray[np.int32]
_HELD = tuple(sorted(FIELDS[name] for name in ROLLED))
_REMEMBERED = 3_000_000  #: keys of hits held for the next question about the same words


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A state of the store; never changed, replaced by the next one."""

    seq: int  #: of `moved`
    keys: Keys  #: sorted
    classes: NDArray[np.int8]
    first: Mapping[int, Values]  #: field → number of the first value of each document, 0 = none
    more: Mapping[int, tuple[Keys, Values]]  #: field → keys and values of documents with further ones

    def positions(self, hits: Keys) -> NDArray[np.intp]:
        """Where these sorted keys stand; keys that are not (any more) there are left out."""
        at = np.searchsorted(self.keys, hits)
        inside = at < len(self.keys)
        at, hits = at[inside], hits[inside]
        there: NDArray[np.intp] = at[self.keys[at] == hits]
        return there

    def having(self, field: int, values: Sequence[int]) -> NDArray[np.bool_]:
        """Which documents have one of the values."""
        found = np.zeros(len(self.keys), dtype=np.bool_)
        for value in values:  # a handful: faster than sorting a million with `isin`
            found |= self.first[field] == value
        keys, others = self.more[field]
        found[self.positions(keys[np.isin(others, values)])] = True
        return found

    def tally(self, field: int, chosen: NDArray[np.intp]) -> dict[int, int]:
        """How often each value occurs in the chosen documents."""
        counts = np.bincount(self.first[field][chosen])
        keys, others = self.more[field]
        if len(keys):
            mask = np.zeros(len(self.keys), dtype=np.bool_)
            mask[chosen] = True
            at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            further = np.bincount(others[mask[at]], minlength=len(counts))
            further[: len(counts)] += counts
            counts = further
        return {int(v): int(counts[v]) for v in np.flatnonzero(counts) if v}


class Board:
    """The columns of one store in this process, and the hits of what was asked last; for any number of threads."""

    def __init__(self) -> None:
        self._columns: Columns | None = None
        self._syncing = Lock()
        self._hits: OrderedDict[object, Keys] = OrderedDict()
        self._counts: OrderedDict[object, int] = OrderedDict()
        #: the last question and its answer: a page asks for seven facets and a histogram of the same hits
        self._chosen: tuple[Columns | None, Plan | None, NDArray[np.intp] | None] = (None, None, None)
        self._guard = Lock()

    @property
    def ready(self) -> bool:
        """Whether the columns were read already."""
        return self._columns is not None

    def columns(self, db: sqlite3.Connection) -> Columns:
        """The columns, at least as new as this connection's snapshot."""
        with self._syncing:
            seq = newest(db)
            if self._columns is None or self._columns.seq < seq:
                self._columns = synced(db, self._columns, seq)
            return self._columns

    def chosen(self, db: sqlite3.Connection, plan: Plan) -> tuple[Columns, NDArray[np.intp]]:
        """The columns, and the positions of all hits of a question."""
        columns = self.columns(db)
        with self._guard:
            held, of, known = self._chosen
        if held is columns and of == plan and known is not None and plan.events is None:
            return columns, known
        found = self._choose(db, columns, plan)
        with self._guard:
            self._chosen = (columns, plan, found)
        return columns, found

    def _choose(self, db: sqlite3.Connection, columns: Columns, plan: Plan) -> NDArray[np.intp]:
        if plan.words is None and plan.events is None:
            low, high = np.searchsorted(columns.keys, [plan.low, min(plan.high, 2**63 - 1)])
            found = np.arange(low, high)
        else:
            found = columns.positions(self._found(db, plan))
        if len(plan.classes) < 4:
            allowed = np.array([kind in plan.classes for kind in range(4)])
            found = found[allowed[columns.classes[found]]]
        for field, values in plan.filters:
            if field not in columns.first:
                found = found[np.isin(columns.keys[found], _linked(db, field, values))]
            else:
                found = found[columns.having(field, values)[found]]
        return found

    def remembered(self, db: sqlite3.Connection, plan: Plan) -> tuple[object, int | None]:
        """The name under which the count of a question is kept, and the count if it is known."""
        name = (newest(db), plan.match, plan.low, plan.high, plan.classes)
        with self._guard:
            return name, self._counts.get(name)

    def remember(self, name: object, number: int) -> None:
        with self._guard:
            self._counts[name] = number
            while len(self._counts) > 500:
                self._counts.popitem(last=False)

    def _found(self, db: sqlite3.Connection, plan: Plan) -> Keys:
        """Sorted keys by words, events and time alone: filters and classes are looked up in the columns."""
        name = (newest(db), plan.words, plan.low, plan.high) if plan.events is None else None
        with self._guard:
            known = self._hits.get(name) if name else None
        if known is not None:
            return known
        keys = _keys(db, *wanted(plan))
        if name:
            with self._guard:
                self._hits[name] = keys
                while len(self._hits) > 1 and sum(map(len, self._hits.values())) > _REMEMBERED:
                    self._hits.popitem(last=False)
        return keys


def newest(db: sqlite3.Connection) -> int:
    """The last batch that was written."""
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM moved").fetchone()[0])


def synced(db: sqlite3.Connection, old: Columns | None, seq: int) -> Columns:
    """The columns as of batch `seq`: what changed since `old`, or everything."""
    if old is None or seq - old.seq >= KEEP_MOVED:
        return _read(db, seq)
    rows = db.execute("SELECT keys FROM moved WHERE seq > ? AND seq <= ?", (old.seq, seq)).fetchall()
    changed = np.unique(np.concatenate([np.frombuffer(row[0], dtype="<i8") for row in rows]))
    if len(rows) != seq - old.seq or len(changed) > 20_000:
        return _read(db, seq)
    return _merged(old, _read(db, seq, changed), changed)


def _merged(old: Columns, new: Columns, changed: Keys) -> Columns:
    gone = old.positions(changed)
    kept = np.delete(old.keys, gone)
    at = np.searchsorted(kept, new.keys)
    first = {f: np.insert(np.delete(column, gone), at, new.first[f]) for f, column in old.first.items()}
    more = {}
    for field, (keys, values) in old.more.items():
        left = ~np.isin(keys, changed)
        more[field] = (
            np.concatenate((keys[left], new.more[field][0])),
            np.concatenate((values[left], new.more[field][1])),
        )
        order = np.argsort(more[field][0], kind="stable")
        more[field] = (more[field][0][order], more[field][1][order])
    return Columns(
        seq=new.seq,
        keys=np.insert(kept, at, new.keys),
        classes=np.insert(np.delete(old.classes, gone), at, new.classes),
        first=first,
        more=more,
    )


def _read(db: sqlite3.Connection, seq: int, only: Keys | None = None) -> Columns:
    """Everything, or the documents with these keys."""
    where, parameters = ("", []) if only is None else (" AND n IN (SELECT value FROM json_each(?))", [_json(only)])
    keys, classes = _two(db, f"SELECT n, class AS v FROM doc WHERE class >= 0{where}", parameters)
    order = np.argsort(keys)
    keys, classes = keys[order], classes[order]
    first, more = {}, {}
    for field in _HELD:
        n, numbers = _two(db, f"SELECT n, v FROM link WHERE field = ?{where} ORDER BY n", [field, *parameters])
        v = numbers.astype(np.int32)
        leading = np.concatenate(([True], n[1:] != n[:-1])) if len(n) else np.zeros(0, dtype=np.bool_)
        column = np.zeros(len(keys), dtype=np.int32)
        column[np.searchsorted(keys, n[leading])] = v[leading]
        first[field] = column
        more[field] = (n[~leading], v[~leading])
    return Columns(seq=seq, keys=keys, classes=classes.astype(np.int8), first=first, more=more)


def _two(db: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> tuple[Keys, Keys]:
    """The columns `n` and `v`, both whole numbers."""
    left, right = db.execute(f"SELECT group_concat(n), group_concat(v) FROM ({sql})", parameters).fetchone()
    return _numbers(left), _numbers(right)


def _keys(db: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> Keys:
    """Keys in order."""
    return np.sort(_numbers(db.execute(f"SELECT group_concat(n) FROM ({sql})", parameters).fetchone()[0]))


def _numbers(text: str | None) -> Keys:
    """Numbers that came as one text: a row at a time, threads would fight for the interpreter at every row."""
    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.zeros(0, dtype=np.int64)


def _linked(db: sqlite3.Connection, field: int, values: Sequence[int]) -> Keys:
    """Keys of documents with one of these values of a field that has no column."""
    signs = ",".join("?" * len(values))
    return _keys(db, f"SELECT n FROM link WHERE field = ? AND v IN ({signs})", [field, *values])


def _json(keys: Keys) -> str:
    return dump(keys.tolist())


def named(db: sqlite3.Connection, tally: Mapping[int, int]) -> Counter[str]:
    """Counts by the values' own texts instead of their numbers."""
    rows = db.execute("SELECT v, text FROM value WHERE v IN (SELECT value FROM json_each(?))", (dump(list(tally)),))
    return Counter({text: tally[v] for v, text in rows})


def tally_of(db: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> dict[int, int]:
    """How often each number comes in the rows of `v` that a statement yields."""
    counts = np.bincount(_numbers(db.execute(f"SELECT group_concat(v) FROM ({sql})", parameters).fetchone()[0]))
    return {int(v): int(counts[v]) for v in np.flatnonzero(counts)}


def by_step(columns: Columns, chosen: NDArray[np.intp], negative: int, step: int) -> dict[int, tuple[int, int]]:
    """Start in ms → hits and negative ones, by steps of `step` ms; `negative` is the number of that label."""
    if not len(chosen):
        return {}
    steps = (columns.keys[chosen] >> TIE_BITS) // step
    starts = np.concatenate(([0], np.flatnonzero(steps[1:] != steps[:-1]) + 1))
    docs = np.diff(np.append(starts, len(steps)))
    bad = np.add.reduceat((columns.first[FIELDS["sentiment"]][chosen] == negative).astype(np.int64), starts)
    return {int(q) * step: (int(n), int(worse)) for q, n, worse in zip(steps[starts], docs, bad, strict=True)}
