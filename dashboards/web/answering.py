"""Help for whoever answers: what people ask, how the like was answered, policy facts, what a draft lacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.responses import Response

from alerts.replies import Problem, Question, check_draft, conflicts, likeness, open_questions, public_numbers
from dashboards.policies import policies
from dashboards.web.tasks import visible
from dashboards.web.visit import Here, Visit
from storage.ports import DocumentQuery, DocumentStore
from storage.query import Node, Or, Word
from storage.types import Event, Reply, StoredDocument, Task

#: documents of the event that are read for its questions
READ = 200
#: hits looked through before the likest are shown
LOOKED = 80
SHOWN = 5
#: keywords of the event that the search goes by
KEYWORDS = 6
LIKE = 0.2
#: how far back our own replies count as examples
BACK = timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """How the like was answered before."""

    title: str
    text: str
    at: datetime | None
    where: str  #: path on the board
    who: str
    like: float


def page(visit: Here, task_id: str) -> Response:
    """The fragment below the draft; it reads documents, so the page of the task does not wait for it."""
    with visit.site.ledger.read() as tx:
        task = visible(visit, tx, task_id)
        event = tx.events.get([task.event]).get(task.event)
        last = latest(tx.tasks.replies(task.id))
        family = [t for t in tx.tasks.find(event=task.event, size=50)[0] if t.id != task.id]
        drafts = [(t, latest(tx.tasks.replies(t.id))) for t in family]
        others = [(visit.names.department(t.department), reply.text) for t, reply in drafts if reply is not None]
        ours = tx.tasks.answers(visit.now - BACK, visit.now, department=visit.scope)
        known = [p for p in policies(tx) if visit.scope in (None, p.department) and p.withdrawn_at is None]
    store = visit.site.documents
    rows = store.search(DocumentQuery(filters={"event": [task.event]}, duplicates=False), size=READ).rows
    asked = open_questions(row.document.text for row in rows if row.document.kind != "reply")
    words = keywords(store, task.event)
    topic = event.topic if event else None
    return visit.page(
        "answering.html",
        task=task,
        questions=asked,
        problems=problems(visit, last, asked, others),
        last=last,
        precedents=precedents(visit, task, words, ours),
        facts=facts(store, words, event),
        policies=[p for p in known if topic in p.topics or likeness(p.title, task.title) > LIKE][:SHOWN],
    )


def latest(replies: Sequence[Reply]) -> Reply | None:
    """The last version."""
    return max(replies, key=lambda reply: reply.version, default=None)


def problems(
    visit: Visit, last: Reply | None, asked: Sequence[Question], others: Iterable[tuple[str, str]]
) -> list[Problem]:
    """What to look at in the last version that is not published yet."""
    if last is None or last.published_at is not None:
        return []
    found = check_draft(last.text, asked, public_numbers=public_numbers(visit.office))
    return [*found, *conflicts(last.text, others)]


def keywords(store: DocumentStore, event: str) -> Node | None:
    """The event's own keywords as a search; None where there are none."""
    found = store.facets(DocumentQuery(filters={"event": [event]}), "keyword", size=KEYWORDS)
    parts = tuple(Word(word) for word, _ in found if len(word) > 1)
    return Or(parts) if len(parts) > 1 else parts[0] if parts else None


def precedents(visit: Visit, task: Task, words: Node | None, ours: Iterable[tuple[Task, Reply]]) -> list[Precedent]:
    """Official replies that were gathered, and our own published ones, the likest first."""
    found = [
        Precedent(
            title=other.title,
            text=reply.text,
            at=reply.published_at,
            where=f"/tasks/{quote(other.id, safe='')}",
            who=visit.names.department(other.department),
            like=likeness(task.title, other.title),
        )
        for other, reply in ours
        if other.id != task.id
    ]
    if words is not None:
        query = DocumentQuery(words=words, filters={"kind": ["reply"]}, duplicates=False)
        hits = visit.site.documents.search(query, size=LOOKED).rows
        found += [gathered(visit, task, row) for row in hits if row.event != task.event]
    good = [row for row in found if row.like >= LIKE]
    return sorted(good, key=lambda row: (-row.like, row.title))[:SHOWN]


def gathered(visit: Visit, task: Task, row: StoredDocument) -> Precedent:
    """A reply that the crawler met; likeness by its title and the beginning of its text."""
    document = row.document
    return Precedent(
        title=document.title or document.text[:40],
        text=document.text,
        at=document.published_at,
        where=f"/document/{quote(document.id, safe='')}",
        who=visit.names.source(document.source),
        like=likeness(task.title, f"{document.title} {document.text[:300]}"),
    )


def facts(store: DocumentStore, words: Node | None, event: Event | None) -> list[StoredDocument]:
    """Government pages that speak of it: for links, not for copying."""
    if words is None or event is None:
        return []
    query = DocumentQuery(words=words, filters={"kind": ["government"]}, duplicates=False)
    hits = store.search(query, size=LOOKED).rows
    ranked = sorted(hits, key=lambda row: -likeness(event.title, f"{row.document.title} {row.document.text[:300]}"))
    return ranked[:SHOWN]
