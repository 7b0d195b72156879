"""Ids of events, and staff's decisions on the index: merge, split, move."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from analysis.events_index import Held, Index


def event_id(document: str) -> str:
    """The id of the event that begins with this document."""
    return "ev" + hashlib.sha256(document.encode("utf-8", "replace")).hexdigest()[:16]


def by_machine(held: Held) -> bool:
    """Whether no person split it off: such an event has another id than its first document gives."""
    return held.id == event_id(held.lead)


def split_id(event: str, documents: Sequence[str]) -> str:
    """The id of the event that these documents leave `event` for; ValueError where there are none."""
    if not documents:
        raise ValueError("拆分事件须指明要分出的文档")
    return event_id(f"{event}:{min(documents)}")


def merge(index: Index, a: str, b: str) -> tuple[str, str]:
    """Join two events; (id kept, id gone). The older one stays. Events that have left the window stay named."""
    first, second = index.events.get(a), index.events.get(b)
    if first is None or second is None or a == b:
        return a, b
    if (second.first_at, second.id) < (first.first_at, first.id):
        first, second = second, first
    for kept in index.documents.values():
        if kept.event == second.id:
            kept.event = first.id
    first.first_at, first.last_at = min(first.first_at, second.first_at), max(first.last_at, second.last_at)
    first.places = dict(Counter(first.places) + Counter(second.places))
    _refill(index, first)
    index.drop(second)
    return first.id, second.id


def split(index: Index, documents: Sequence[str], into: str) -> None:
    """Take documents out into a new event."""
    moving = [d for d in documents if d in index.documents]
    if not moving:
        return
    source = index.events.get(index.documents[moving[0]].event)
    if source is None:
        return
    index.numbers += 1
    held = Held(
        id=into,
        number=index.numbers,
        first_at=source.first_at,
        last_at=source.last_at,
        seen_at=source.seen_at,
        lead=min(moving),
        slow=source.slow,
        letters=0,  # counted in move
        places=source.places,
    )
    index.events[into] = held
    index.by_number[held.number] = held
    move(index, moving, into)


def move(index: Index, documents: Sequence[str], into: str) -> None:
    """Documents belong to another event from now on."""
    target = index.events.get(into)
    if target is None:
        return
    touched = {into}
    for document in documents:
        kept = index.documents.get(document)
        if kept is not None:
            touched.add(kept.event)
            kept.event = into
    for event in touched & index.events.keys():
        _refill(index, index.events[event])


def _refill(index: Index, held: Held) -> None:
    """Compute an event afresh from its documents in the window (a scan, but people decide seldom)."""
    mine = {d: k for d, k in index.documents.items() if k.event == held.id}
    if not mine:
        index.drop(held)
        return
    held.lead = held.lead if held.lead in mine else next(iter(mine))
    held.count = len(mine)
    held.letters = sum(k.slow for k in mine.values())
    held.weigh_letters()
    index.refill(held, list(mine.values()))
