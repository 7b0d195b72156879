"""Hop 2: a batch of accepted documents becomes events, levels, alerts, tasks and messages to send.

    claim → assess → assign → put documents → one ledger transaction:
                                               members · event · risk · level · route · plan · audit · intake done

Everything that decides is a pure function of `analysis` and `alerts`; this file and `app.grading` only carry values
between them and the stores. A process killed anywhere leaves the intake rows claimed: their lease runs out and the same
batch is done again with the same ids.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from analysis.assess import Assessor
from analysis.events import Assignment, Grouper
from app.again import as_known, grouped, member_again
from app.facts import member_of, notable, stored_of
from app.grading import Round, by_id
from app.usual import Usual, stored_hours
from dashboards.corrections import put_right
from dashboards.decisions import pending, settle
from storage.ports import DocumentStore, IntakeRow, Ledger, Transaction
from storage.types import (
    Assessment,
    Correction,
    Document,
    Event,
    LevelChange,
    Member,
    Office,
    SourceHour,
    StoredDocument,
    UnreadableDocument,
)

log = logging.getLogger("minsheng.pipeline")

#: a document that was claimed this often and never finished takes its batch down with it: it is parked
ATTEMPTS = 3
GIVEN_UP = f"连续 {ATTEMPTS} 次处理都没有完成，已搁置"
#: events of one transaction when they are graded again without news
REGRADE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """One accepted document with what the analysis says of it."""

    row: IntakeRow
    assessment: Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one batch did."""

    documents: int
    parked: int
    events: int
    changes: tuple[LevelChange, ...]
    deliveries: int


def _count_duplicates(tx: Transaction, kept: "Sequence[tuple[Understood, Assignment]]", now: datetime) -> None:
    """Same words as an earlier document: part of what a source's coverage says (see `crawlers.advice`)."""
    for source, count in Counter(u.row.document.source for u, a in kept if a.duplicate_of).items():
        tx.frontier.record(SourceHour(source=source, hour=now, duplicate=count))


def _again(row: IntakeRow, known: Mapping[str, Member]) -> IntakeRow:
    document = as_known(row.document, known.get(row.document.id))
    return row if document is row.document else replace(row, document=document)


class Shelf:
    """Documents by id: those of the running batch are at hand, the others come from the store."""

    def __init__(self, store: DocumentStore, rows: Sequence[StoredDocument]) -> None:
        self._store = store
        self._rows = {row.document.id: row for row in rows}

    def get(self, ids: Sequence[str]) -> list[StoredDocument]:
        """Rows that exist, in the order asked."""
        far = [i for i in ids if i not in self._rows]
        found = {row.document.id: row for row in self._store.get(far)} if far else {}
        return [row for i in ids if (row := self._rows.get(i) or found.get(i)) is not None]


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The stages of hop 2 with the stores they work on. One owner at a time (see `app.work`)."""

    office: Office
    documents: DocumentStore
    ledger: Ledger
    assessor: Assessor
    grouper: Grouper
    swept: object = None  #: what the minute's sweep remembers of the last one; see `app.sweeping`
    _usual: Usual | None = None

    @property
    def usual(self) -> Usual:
        """The topics' usual hours, looked up once a day each."""
        if self._usual is None or self._usual.office is not self.office:
            self._usual = Usual(self.office, stored_hours(self.documents, self.office))
        return self._usual

    def process(self, rows: Sequence[IntakeRow], now: datetime) -> Outcome:
        """Take one claimed batch through every stage. Errors of one document park it; all others propagate."""
        known, said = self._known([row.document.id for row in rows])
        understood, parked = self._understand([_again(row, known) for row in rows], now)
        understood = [replace(u, assessment=put_right(u.assessment, said, self.office)) for u in understood]
        found = grouped(self.grouper, [(u.row.document, u.assessment) for u in understood], known)
        pairs = list(zip(understood, found, strict=True))
        stored = [stored_of(u.row.document, u.assessment, a) for u, a in pairs]
        refused = dict(self.documents.put(stored).refused)
        with self.ledger.begin() as tx:
            kept = []
            for u, a in pairs:
                if u.row.document.id in refused:
                    tx.intake.park(u.row.seq, refused[u.row.document.id], now)
                else:
                    kept.append((u, a))
            _count_duplicates(tx, [(u, a) for u, a in kept if u.row.document.id not in known], now)
            news = self._join(tx, kept, known)
            done = self._evaluate(tx, news, Shelf(self.documents, stored), now)
            sent = done.write()
            tx.intake.done([u.row.seq for u, _ in kept])
        return Outcome(
            documents=len(kept),
            parked=parked + len(refused),
            events=len(done.events),
            changes=tuple(done.changes),
            deliveries=sent,
        )

    def _known(self, ids: Sequence[str]) -> tuple[dict[str, Member], list[Correction]]:
        """Those that were here before, and what people corrected of them."""
        with self.ledger.read() as tx:
            known = tx.events.known(ids)
            return known, tx.notes.corrections(among=known) if known else []

    def _join(
        self, tx: Transaction, kept: "Sequence[tuple[Understood, Assignment]]", known: dict[str, Member]
    ) -> "list[tuple[Understood, Assignment]]":
        """Enter the members; those of `kept` that say something new. Nothing new is no reason to grade an event."""
        members, news = dict(known), []
        for u, a in kept:
            d = u.row.document
            fresh = member_of(d, u.assessment, a, self.office, u.row.received_at)
            member = member_again(fresh, members.get(d.id), dated=d.published_at is not None)
            if member != members.get(d.id):
                members[d.id] = member
                news.append((u, a))
        tx.events.add_members(members[d] for d in {u.row.document.id for u, _ in news})
        return news

    def _understand(self, rows: Sequence[IntakeRow], now: datetime) -> tuple[list[Understood], int]:
        """The readable documents of a batch; the others are parked with their reason."""
        tired = [(row, UnreadableDocument(GIVEN_UP)) for row in rows if row.attempts > ATTEMPTS]
        fresh = [row for row in rows if row.attempts <= ATTEMPTS]
        results = list(zip(fresh, self._assess([row.document for row in fresh]), strict=True))
        bad = [*tired, *((r, a) for r, a in results if isinstance(a, UnreadableDocument))]
        if bad:
            with self.ledger.begin() as tx:
                for row, reason in bad:
                    tx.intake.park(row.seq, str(reason), now)
        return [Understood(row=r, assessment=a) for r, a in results if isinstance(a, Assessment)], len(bad)

    def _assess(self, documents: Sequence[Document]) -> list[Assessment | UnreadableDocument]:
        """The batch at once; when one document breaks it, each by itself, so that only that one is parked."""
        try:
            return self.assessor.assess(documents)
        except Exception:  # one document is one of the three edges (DESIGN section 3)
            log.exception("a document broke its batch of %d", len(documents))
            return [self._assess_one(document) for document in documents]

    def _assess_one(self, document: Document) -> Assessment | UnreadableDocument:
        try:
            return self.assessor.assess([document])[0]
        except Exception as error:  # noqa: BLE001 - see _assess
            return UnreadableDocument(f"判读出错：{type(error).__name__}: {error}"[:300])

    def _evaluate(
        self, tx: Transaction, kept: Sequence[tuple[Understood, Assignment]], shelf: Shelf, now: datetime
    ) -> Round:
        """Grade every event that this batch touched."""
        newest = {a.event: u for u, a in kept}
        previous: dict[str, str | None] = {}
        for _, a in kept:
            previous[a.event] = previous.get(a.event) or a.previous
        known, members = tx.events.get(list(newest)), tx.events.members_of(list(newest))
        made = Round(office=self.office, tx=tx, read=shelf.get, now=now, usual=self.usual)
        done: set[str] = set()
        for asked, u in newest.items():
            event, rows = known.get(asked), members[asked]
            own = event.id if event else asked
            if own in done:  # two ids of one event after a merge
                continue
            done.add(own)
            if event is None and not notable(rows, any(t.incident for t in u.assessment.topics)):
                continue
            title = u.assessment.masked_title or u.assessment.masked_text[:30]
            made.grade(event, rows, title=title, sample=u.row.document.sample, previous=previous[asked])
        return made

    def follow(self, now: datetime) -> int:
        """Do what staff decided on the pages: merge, split, close in the index, and grade anew. Returns decisions."""
        with self.ledger.read() as tx:
            found = pending(tx)
        if not found:
            return 0
        for _, decision in found:
            if decision.kind == "close":
                self.grouper.close(decision.event, now)
            elif decision.kind in ("merge", "split"):
                self.grouper.decide(
                    kind=decision.kind, event=decision.event, other=decision.other, documents=decision.documents
                )
        with self.ledger.begin() as tx:
            touched = [e for _, d in found for e in (d.event, d.other) if e]
            events = by_id(tx.events.get(touched))
            settle(tx, [key for key, _ in found])
        for event in events.values():
            if event.status == "open":  # taken up again
                self.grouper.reopen(event.id)
        self.reevaluate(events.values(), now)
        return len(found)

    def reevaluate(self, events: Iterable[Event], now: datetime) -> int:
        """Grade open events again although nothing new came in: speed falls, the answer is missing longer."""
        ids = [event.id for event in events]
        count = 0
        for start in range(0, len(ids), REGRADE):
            with self.ledger.begin() as tx:
                fresh = by_id(tx.events.get(ids[start : start + REGRADE]))
                members = tx.events.members_of(list(fresh))
                made = Round(office=self.office, tx=tx, read=self.documents.get, now=now, usual=self.usual)
                for event in fresh.values():
                    if event.status != "merged" and event.id in members:
                        made.grade(event, members[event.id], title=event.title, sample=event.sample)
                made.write()
                count += len(made.events)
        return count
