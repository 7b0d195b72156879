"""What the people, the press and the government say of one event, and what is asked: each with its own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.replies import Question, open_questions
from analysis.titles import voices as representative
from storage.ports import DocumentQuery, DocumentStore
from storage.types import Event, Kind, StoredDocument

#: whose voice → kinds of sources
VOICES: Mapping[str, Sequence[Kind]] = {
    "群众": ("social", "forum", "message", "hotline"),
    "媒体": ("news", "hotlist"),
    "政府": ("government", "reply"),
}
QUOTED: Mapping[str, int] = {"群众": 3, "媒体": 2, "政府": 2}
RANKED = 60  #: near-duplicates folded, those that spread most, among which the people's voices are chosen
#: texts that are read for questions; the report reads more
READ = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One of the three."""

    who: str
    kinds: Sequence[Kind]
    count: int
    quoted: tuple[StoredDocument, ...]


def voices(store: DocumentStore, event: Event) -> list[Voice]:
    """The three voices, also those that are silent: that nobody of the government has spoken is news itself."""
    counts = dict(store.facets(DocumentQuery(filters={"event": [event.id]}), "kind", size=20))
    found = []
    for who, kinds in VOICES.items():
        said = DocumentQuery(filters={"event": [event.id], "kind": kinds}, duplicates=False, sort="spread")
        count = sum(counts.get(kind, 0) for kind in kinds)
        rows = store.search(said, size=RANKED if who == "群众" else QUOTED[who]).rows if count else ()
        quoted = _telling(rows, QUOTED[who]) if who == "群众" else tuple(rows)
        found.append(Voice(who=who, kinds=kinds, count=count, quoted=quoted))
    return found


def _telling(rows: Sequence[StoredDocument], size: int) -> tuple[StoredDocument, ...]:
    """What most people passed on, if anything was, then those that say most of what all say, each in other words."""
    first = [row for row in rows[:1] if row.document.spread > 0]
    known = {row.document.id: row for row in rows[len(first) :]}
    return (*first, *(known[id_] for id_ in representative(tuple(known.values()), size - len(first))))


def questions(store: DocumentStore, event: Event) -> list[Question]:
    """The questions that most people ask, of the newest texts."""
    page = store.search(DocumentQuery(filters={"event": [event.id]}, duplicates=False), size=READ)
    return open_questions(row.document.text for row in page.rows)
