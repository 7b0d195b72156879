"""Totals, histograms and facets: from the rollups where the question allows it, else from index and links.

A question is answered by rollups when it has no words, no event, and filters on at most one field of which each
document has one value (or of which one value is asked). Parts of an hour at both ends are counted one by one.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from storage.documents.columns import Board, by_step, named, tally_of
from storage.documents.plan import Find, Plan, source
from storage.documents.rows import ALL, EARLIEST, FIELDS, LATEST, ROLLED, SINGLE, TIE_BITS
from storage.documents.write import HOUR
from storage.ports import DocumentQuery, FacetField

QUARTER = HOUR // 4
LONG = (30 * 24 * HOUR) << TIE_BITS  #: beyond this the columns are read faster than an hour of rollups after the other
_SHIFT = QUARTER * 5_000_000  #: makes every time positive before SQL divides, because SQL rounds towards zero
Cells = dict[int, tuple[int, int]]  #: start in ms → (documents, negative ones)


@dataclass(frozen=True, slots=True)
class Rolled:
    """The rollup rows that answer a question."""

    field: int
    values: tuple[int, ...]


def rolled(query: DocumentQuery, find: Find) -> Rolled | None:
    """Which rollups answer this question; None when none do."""
    if query.words is not None or len(query.filters) > 1:
        return None
    for name, texts in query.filters.items():
        if name not in ROLLED or (len(set(texts)) != 1 and name not in SINGLE):
            return None
        return Rolled(FIELDS[name], tuple(find(FIELDS[name], texts)))
    return Rolled(ALL, (0,))


def count(db: sqlite3.Connection, plan: Plan, rolls: Rolled | None, board: Board) -> int:
    """Exact number of hits."""
    if plan.empty:
        return 0
    if rolls is None:
        return _count_asked(db, plan, board)
    first, behind, edges = _split(plan)
    where, parameters = _roll_where(rolls.field, rolls.values, plan, first, behind)
    whole = db.execute(f"SELECT coalesce(sum(docs), 0) FROM roll WHERE {where}", parameters).fetchone()[0]
    return int(whole) + sum(_count_raw(db, edge) for edge in edges)


def cells(db: sqlite3.Connection, plan: Plan, rolls: Rolled | None, negative: Sequence[int], board: Board) -> Cells:
    """Hits and negative hits by hour (rollups) or quarter of an hour; `negative` is the number of that label."""
    if plan.empty:
        return {}
    if rolls is None:
        return by_step(*board.chosen(db, plan), negative[0] if negative else -1, QUARTER)
    first, behind, edges = _split(plan)
    where, parameters = _roll_where(rolls.field, rolls.values, plan, first, behind)
    found: Cells = {
        hour * HOUR: (docs, bad)
        for hour, docs, bad in db.execute(
            f"SELECT hour, sum(docs), sum(negative) FROM roll WHERE {where} GROUP BY hour", parameters
        )
    }
    for edge in edges:
        for start, (docs, bad) in _cells_raw(db, edge, negative).items():
            more = found.get(start, (0, 0))
            found[start] = (docs + more[0], bad + more[1])
    return found


def facets(db: sqlite3.Connection, plan: Plan, rolls: Rolled | None, by: FacetField, board: Board) -> Counter[str]:
    """Hits by value of a field."""
    if plan.empty:
        return Counter()
    if by == "event":
        sql, parameters = source(plan)
        return Counter(
            dict(
                db.execute(
                    f"SELECT event, count(*) FROM doc WHERE event IS NOT NULL AND n IN ({sql}) GROUP BY event",
                    parameters,
                )
            )
        )
    field = FIELDS[by]
    if by not in ROLLED:
        return _facets_raw(db, plan, field)
    apart = rolls is None or rolls.field not in (ALL, field) or (rolls.field and by not in SINGLE)
    if rolls is None or apart or (board.ready and plan.high - plan.low > LONG):
        columns, chosen = board.chosen(db, plan)
        return named(db, columns.tally(field, chosen))
    first, behind, edges = _split(plan)
    where, parameters = _roll_where(field, rolls.values if rolls.field else None, plan, first, behind)
    found = Counter[str](
        dict(
            db.execute(
                f"SELECT text, sum(docs) FROM value CROSS JOIN roll ON roll.v = value.v"
                f" WHERE value.field = ? AND roll.{where} GROUP BY roll.v",
                [field, *parameters],
            )
        )
    )
    for edge in edges:
        found.update(_facets_raw(db, edge, field))
    return found


def _count_asked(db: sqlite3.Connection, plan: Plan, board: Board) -> int:
    """By the index, in one step that leaves the interpreter to others; by the columns where no word is asked for."""
    if plan.words is None and board.ready:
        return len(board.chosen(db, plan)[1])
    if plan.events is not None:
        return _count_raw(db, plan)
    name, known = board.remembered(db, plan)
    if known is None:
        known = _count_raw(db, plan)
        board.remember(name, known)
    return known


def _count_raw(db: sqlite3.Connection, plan: Plan) -> int:
    if plan.low >= plan.high:
        return 0
    sql, parameters = source(plan)
    return int(db.execute(f"SELECT count(*) FROM ({sql})", parameters).fetchone()[0])


def _cells_raw(db: sqlite3.Connection, plan: Plan, negative: Sequence[int]) -> Cells:
    if plan.low >= plan.high:
        return {}
    docs = _quarters(db, plan)
    bad = _quarters(db, plan.marked(negative[0])) if negative and docs else {}
    return {start: (number, bad.get(start, 0)) for start, number in docs.items()}


def _quarters(db: sqlite3.Connection, plan: Plan) -> dict[int, int]:
    sql, parameters = source(plan)
    quarter = f"((n >> {TIE_BITS}) + {_SHIFT}) / {QUARTER}"
    rows = db.execute(f"SELECT {quarter}, count(*) FROM ({sql}) GROUP BY 1", parameters)
    return {number * QUARTER - _SHIFT: docs for number, docs in rows}


def _facets_raw(db: sqlite3.Connection, plan: Plan, field: int) -> Counter[str]:
    if plan.low >= plan.high:
        return Counter()
    if plan.match is None and plan.events is None and len(plan.classes) == 4:
        parameters: list[object] = [field, plan.low, plan.high]
        sql = "SELECT v FROM link WHERE field = ? AND n >= ? AND n < ?"
    else:
        # IN, not a join: SQLite would turn the range of keys into the way to read `link`, once per hit
        hits, found = source(plan)
        sql, parameters = f"SELECT v FROM link WHERE field = ? AND n IN ({hits})", [field, *found]
    return named(db, tally_of(db, sql, parameters))


def _split(plan: Plan) -> tuple[int, int, list[Plan]]:
    """Whole hours [first, behind) inside a range, and what is left at both ends."""
    low, high = plan.low >> TIE_BITS, plan.high >> TIE_BITS
    first = low // HOUR if low <= EARLIEST else -(-low // HOUR)
    behind = -(-high // HOUR) if high > LATEST else high // HOUR
    if first >= behind:
        return first, first, [plan]
    edges = []
    if low > EARLIEST:
        edges.append(plan.between(plan.low, (first * HOUR) << TIE_BITS))
    if high <= LATEST:
        edges.append(plan.between((behind * HOUR) << TIE_BITS, plan.high))
    return first, behind, edges


def _roll_where(
    field: int, values: Sequence[int] | None, plan: Plan, first: int, behind: int
) -> tuple[str, list[object]]:
    """`values` None: the number of the value comes from a join."""
    chosen = "" if values is None else f" AND roll.v IN ({','.join(map(str, values))})"
    allowed = ",".join(map(str, sorted(plan.classes)))
    return f"field = ?{chosen} AND roll.class IN ({allowed}) AND hour >= ? AND hour < ?", [field, first, behind]
