"""One event with everything the ledger says of it, those merged into it included."""

import json
from dataclasses import dataclass

from dashboards.reports.desk import Desk
from storage.ports import DocumentQuery
from storage.types import AuditEntry, Event, LevelChange, Reply, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An event with everything the ledger says of it."""

    event: Event
    ids: tuple[str, ...]  #: its own first, then those merged into it
    changes: list[LevelChange]
    tasks: list[Task]
    replies: list[Reply]
    total: int  #: documents, exact
    negative: int

    @property
    def query(self) -> DocumentQuery:
        return DocumentQuery(filters={"event": [self.event.id]})

    @property
    def published(self) -> list[Reply]:
        return sorted((r for r in self.replies if r.published_at), key=lambda r: (r.published_at or r.created_at, r.id))


def open_case(desk: Desk, event: Event) -> Case:
    """With the tasks and level changes of the events that people merged into it."""
    ids = [event.id, *merged(desk, event.id)]
    tasks = [t for i in ids for t in desk.tasks(i)]
    query = DocumentQuery(filters={"event": [event.id]})
    bad = DocumentQuery(filters={"event": [event.id], "sentiment": ["negative"]})
    return Case(
        event=event,
        ids=tuple(ids),
        changes=desk.tx.events.changes(event.id),
        tasks=sorted({t.id: t for t in tasks}.values(), key=lambda t: (t.role != "lead", t.created_at, t.id)),
        replies=[r for t in {t.id: t for t in tasks} for r in desk.tx.tasks.replies(t)],
        total=desk.documents.count(query),
        negative=desk.documents.count(bad),
    )


def merged(desk: Desk, event_id: str) -> list[str]:
    """Ids of the events that went into this one, from the audit: the alias table only answers the other way."""
    found: list[str] = []
    waiting = [event_id]
    while waiting:
        for entry in desk.audit(f"event:{waiting.pop()}"):
            gone = _gone(entry)
            if gone is not None and gone not in (event_id, *found):
                found.append(gone)
                waiting.append(gone)
    return found


def _gone(entry: AuditEntry) -> str | None:
    if entry.action != "event.merge":
        return None
    try:
        value = json.loads(entry.before or "{}")
    except ValueError:
        return None
    gone = value.get("id") if isinstance(value, dict) else None
    return gone if isinstance(gone, str) else None
