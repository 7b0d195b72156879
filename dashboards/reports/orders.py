"""Who wants which report. An order is kept before anything is made, so that a stop loses none and doubles none.

place → waiting ─take (a lease)→ making ─finish→ done (key of the issue) | failed (why)
           └────────────── the lease of a killed process runs out ─────────────┘

report:order:daily:2026-11-23 → Order as JSON: a second wish for the same subject joins the first
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from dashboards.reports.tree import ReportKind
from storage.ports import Transaction

PREFIX = "report:order:"
#: who orders by the schedule
SYSTEM = "system"
#: longer than one making takes; a step forward prolongs it
LEASE = timedelta(minutes=5)
#: how long the page tells what came of an order
TOLD = timedelta(hours=12)
#: after so many makings that were cut off, a person must look
TRIES = 3
State = Literal["waiting", "making", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One wish."""

    kind: ReportKind
    subject: str  #: 「2026-11-23」: any day of the stretch; an event's id
    by: str  #: a user, "system" for the schedule
    at: datetime
    over: str = ""  #: key of the issue that is made again
    state: State = "waiting"
    said: str = ""  #: what is being done, or why it failed
    issue: str = ""  #: key of what was made
    until: datetime | None = None  #: end of the lease
    tries: int = 0

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.kind}:{self.subject}"

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "making")


def place(tx: Transaction, order: Order) -> Order:
    """Keep an order; one that is open for the same subject already is answered instead."""
    forget(tx, order.at)
    known = read(tx, order.key)
    if known is not None and known.open:
        return known
    put(tx, order)
    return order


def orders(tx: Transaction) -> list[Order]:
    """Every order that is kept, the oldest first."""
    found = [read(tx, key) for key in tx.notes.keys(PREFIX)]
    return sorted((order for order in found if order is not None), key=lambda order: (order.at, order.key))


def take(tx: Transaction, now: datetime) -> Order | None:
    """The oldest order that nobody makes, under a lease; None when there is none."""
    for order in orders(tx):
        free = order.state == "waiting" and (order.until is None or order.until <= now)
        if free or (order.state == "making" and (order.until is None or not now < order.until <= now + LEASE)):
            if order.tries >= TRIES:
                put(tx, replace(order, state="failed", said=f"编制中断{order.tries}次，请联系系统管理员。", at=now))
                continue
            taken = replace(order, state="making", said="正在汇总数据", until=now + LEASE, tries=order.tries + 1)
            put(tx, taken)
            return taken
    return None


def put(tx: Transaction, order: Order) -> None:
    tx.notes.put(order.key, json.dumps(asdict(order), ensure_ascii=False, default=datetime.isoformat))


def read(tx: Transaction, key: str) -> Order | None:
    text = tx.notes.get(key)
    if not text:
        return None
    row: Mapping[str, object] = json.loads(text)
    times = {k: datetime.fromisoformat(str(row[k])) for k in ("at", "until") if row[k]}
    return Order(**{**row, **times})  # type: ignore[arg-type]


def forget(tx: Transaction, now: datetime) -> Sequence[str]:
    """Drop what was done or failed long ago; returns the keys."""
    old = [o.key for o in orders(tx) if not o.open and not now - TOLD <= o.at <= now + TOLD]
    for key in old:
        tx.notes.drop(key)
    return old
