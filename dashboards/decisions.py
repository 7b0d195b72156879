"""What staff decided about events, left in the ledger for the worker that owns the grouping index.

    page ─decide→ notes "decision:…" ─pending→ worker: grouper.decide / close, grade again ─settle→ gone

Written in the same transaction as the change itself, so that a decision is neither lost nor followed twice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal
from uuid import uuid4

import orjson

from storage.ports import Transaction

PREFIX = "decision:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """merge: `other` went into `event`. split: `documents` left `event` for `other`. close, regrade: `event`."""

    kind: Literal["merge", "split", "close", "regrade"]
    event: str
    other: str = ""
    documents: tuple[str, ...] = ()


def decide(tx: Transaction, decision: Decision) -> None:
    """Leave a decision for the worker."""
    tx.notes.put(f"{PREFIX}{uuid4().hex}", orjson.dumps(asdict(decision)).decode())


def pending(tx: Transaction) -> list[tuple[str, Decision]]:
    """(key, decision) of everything the worker has not followed yet."""
    found = []
    for key in sorted(tx.notes.keys(PREFIX)):
        text = tx.notes.get(key)
        if text is not None:
            data = orjson.loads(text)
            found.append((key, Decision(**{**data, "documents": tuple(data["documents"])})))
    return found


def settle(tx: Transaction, keys: Sequence[str]) -> None:
    """The worker has followed these."""
    for key in keys:
        tx.notes.drop(key)
