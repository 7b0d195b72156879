"""Pages of hits. Order is a contract that both engines keep: time, then id; or spread, then time, then id."""

import base64
import binascii
import sqlite3
from collections.abc import Sequence

from storage.documents.plan import Plan, source
from storage.documents.rows import TIE_BITS, unpack
from storage.ports import SortOrder, StoreError
from storage.types import StoredDocument

Hit = tuple[int, int, str, int]  #: (spread or 0, at, id, n)
Position = tuple[int, int, str]  #: (spread or 0, at, id)


def page(
    db: sqlite3.Connection, plan: Plan, *, sort: SortOrder, size: int, after: Position | None
) -> tuple[list[Hit], bool]:
    """At most `size` hits behind a position, and whether there are more."""
    if plan.empty:
        return [], False
    if sort == "spread":
        hits = _by_spread(db, plan, size + 1, after)
    else:
        hits = _by_time(db, plan, size + 1, after, newest=sort == "newest")
    return hits[:size], len(hits) > size


def fetch(db: sqlite3.Connection, keys: Sequence[int]) -> list[StoredDocument]:
    """Documents by key, in the order given."""
    wanted = ",".join(map(str, keys))
    rows = db.execute(f"SELECT n, packed, event, duplicate, version FROM doc JOIN body USING (n) WHERE n IN ({wanted})")
    found = {r[0]: unpack(r[1], event=r[2], duplicate=r[3], version=r[4]) for r in rows}
    return [found[n] for n in keys]


def _by_time(db: sqlite3.Connection, plan: Plan, size: int, after: Position | None, *, newest: bool) -> list[Hit]:
    """Keys are in order of time by themselves; only hits of one millisecond must be put in order of id."""
    hits: list[Hit] = []
    if after:
        _, at, last = after
        hits = [hit for hit in _of_millisecond(db, plan, at) if hit[2] > last]
        plan = plan.between(plan.low, at << TIE_BITS) if newest else plan.between((at + 1) << TIE_BITS, plan.high)
    missing = size - len(hits)
    if missing <= 0 or plan.low >= plan.high:
        return hits
    sql, parameters = source(plan)
    order = "DESC" if newest else "ASC"
    keys = [r[0] for r in db.execute(f"{sql} ORDER BY n {order} LIMIT ?", [*parameters, missing])]
    if not keys:
        return hits
    edge = keys[-1] >> TIE_BITS
    whole = _hits(db, [n for n in keys if n >> TIE_BITS != edge])
    whole.sort(key=lambda hit: (-hit[1] if newest else hit[1], hit[2]))
    return hits + whole + _of_millisecond(db, plan, edge)


def _of_millisecond(db: sqlite3.Connection, plan: Plan, at: int) -> list[Hit]:
    plan = plan.between(at << TIE_BITS, (at + 1) << TIE_BITS)
    if plan.low >= plan.high:
        return []
    sql, parameters = source(plan)
    hits = _hits(db, [r[0] for r in db.execute(sql, parameters)])
    return sorted(hits, key=lambda hit: hit[2])


def _hits(db: sqlite3.Connection, keys: Sequence[int]) -> list[Hit]:
    wanted = ",".join(map(str, keys))
    return [(0, n >> TIE_BITS, i, n) for n, i in db.execute(f"SELECT n, id FROM doc WHERE n IN ({wanted})")]


def _by_spread(db: sqlite3.Connection, plan: Plan, size: int, after: Position | None) -> list[Hit]:
    sql, parameters = source(plan)
    at = f"(n >> {TIE_BITS})"
    behind = ""
    if after:
        behind = f" AND (-spread, -{at}, id) > (?, ?, ?)"
        parameters += [-after[0], -after[1], after[2]]
    rows = db.execute(
        f"SELECT spread, {at}, id, n FROM doc WHERE n IN ({sql}){behind} ORDER BY spread DESC, {at} DESC, id LIMIT ?",
        [*parameters, size],
    )
    return rows.fetchall()


def position(hit: Hit) -> str:
    """An opaque text for the place behind a hit."""
    return base64.urlsafe_b64encode(f"{hit[0]} {hit[1]} {hit[2]}".encode()).decode()


def parse_position(text: str) -> Position:
    try:
        spread, at, document = base64.urlsafe_b64decode(text.encode()).decode().split(" ", 2)
        found = int(spread), int(at), document
    except (ValueError, binascii.Error) as error:
        raise StoreError("翻页位置无效：请回到第一页重新检索") from error
    if abs(found[0]) >= 2**63 or abs(found[1]) >= 2**43:
        raise StoreError("翻页位置无效：请回到第一页重新检索")
    return found
