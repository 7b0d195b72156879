"""What people corrected, as labelled rows for `minsheng train`: the machine's word is put right once, and learned from.

    corrections on pages ─┬→ sentiment.jsonl    {id,title,text,kind,label}
    upheld returns ───────┴→ departments.jsonl  {id,title,text,label}

Rows are the masked texts that the store holds. A correction that was undone, and a document that is gone, give no row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from storage.ports import DocumentStore, Transaction
from storage.types import AuditEntry

_PAGE = 500
#: a dispatch that was ruled wrong: the task then lies with the unit that was right
_REROUTED = frozenset({"task.uphold", "task.reassign"})


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows of both subjects, ready to be written as JSON lines."""

    sentiment: list[dict[str, str]]
    departments: list[dict[str, str]]


def labelled_rows(tx: Transaction, documents: DocumentStore) -> Rows:
    """All rows that stand now; of two words about one document the later one counts."""
    feelings: dict[str, str] = {}
    units: dict[str, str] = dict(_rerouted(tx))
    for correction in tx.notes.corrections():
        if correction.field == "sentiment":
            feelings[correction.document] = correction.person
        elif correction.field == "department" and correction.person:
            units[correction.document] = correction.person
    return Rows(list(_rows(documents, feelings, with_kind=True)), list(_rows(documents, units, with_kind=False)))


def _rows(documents: DocumentStore, labels: Mapping[str, str], *, with_kind: bool) -> Iterator[dict[str, str]]:
    ids = list(labels)
    for start in range(0, len(ids), _PAGE):
        for row in documents.get(ids[start : start + _PAGE]):
            document = row.document
            kind = {"kind": document.kind} if with_kind else {}
            label = labels[document.id]
            yield {"id": document.id, "title": document.title, "text": document.text, **kind, "label": label}


def _rerouted(tx: Transaction) -> Iterator[tuple[str, str]]:
    """(representative document of the event, department that took it over) of every return that was upheld."""
    seen: set[str] = set()
    for entry in _audit(tx):
        if entry.action not in _REROUTED or entry.object in seen:
            continue
        seen.add(entry.object)
        task = tx.tasks.get(entry.object.removeprefix("task:"))
        if task is None or task.role != "lead":
            continue
        event = tx.events.get([task.event]).get(task.event)
        if event is not None and event.representative:
            yield event.representative, task.department


def _audit(tx: Transaction) -> Iterator[AuditEntry]:
    before: int | None = None
    while page := tx.audit.find(before=before, size=_PAGE):
        yield from page
        before = min(entry.seq for entry in page)
