"""Hop 2: a batch of accepted documents becomes events, levels, alerts, tasks and messages to send.

    claim → assess → assign → put documents → one ledger transaction:
                                               members · event · risk · level · route · plan · audit · intake done

Everything that decides is a pure function of `analysis` and `alerts`; this file only carries values between them and
the stores. A process killed anywhere leaves the intake rows claimed: their lease runs out and the same batch is done
again with the same ids.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from analysis.assess import Assessor
from analysis.events import Assignment, Grouper
from analysis.risk import score
from analysis.titles import representative, title_of

from alerts import levels
from alerts.levels import LevelState, state_from_json
from alerts.notices import Reach
from alerts.plan import Plan, plan
from alerts.routing import route
from app.facts import member_of, notable, routing_facts, stored_of, summarise
from storage.ports import DocumentStore, IntakeRow, Ledger, Transaction
from storage.types import Assessment, Event, LevelChange, Member, Office, StoredDocument, UnreadableDocument

#: documents read again for an event's title, representative and departments
SHOWN = 40


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


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The stages of hop 2 with the stores they work on. One owner at a time (see `app.work`)."""

    office: Office
    documents: DocumentStore
    ledger: Ledger
    assessor: Assessor
    grouper: Grouper

    def process(self, rows: Sequence[IntakeRow], now: datetime) -> Outcome:
        """Take one claimed batch through every stage. Errors of one document park it; all others propagate."""
        understood, parked = self._understand(rows, now)
        found = self.grouper.assign([(u.row.document, u.assessment) for u in understood])
        pairs = list(zip(understood, found, strict=True))
        stored = [stored_of(u.row.document, u.assessment, a) for u, a in pairs]
        refused = dict(self.documents.put(stored).refused)
        with self.ledger.begin() as tx:
            for u, _ in pairs:
                if u.row.document.id in refused:
                    tx.intake.park(u.row.seq, refused[u.row.document.id], now)
            kept = [(u, a) for u, a in pairs if u.row.document.id not in refused]
            tx.events.add_members(
                member_of(u.row.document, u.assessment, a, self.office, u.row.received_at) for u, a in kept
            )
            events, changes, sent = self._evaluate(tx, kept, now)
            tx.intake.done([u.row.seq for u, _ in kept])
        return Outcome(
            documents=len(kept),
            parked=parked + len(refused),
            events=events,
            changes=tuple(changes),
            deliveries=sent,
        )

    def _understand(self, rows: Sequence[IntakeRow], now: datetime) -> tuple[list[Understood], int]:
        """The readable documents of a batch; the others are parked with their reason."""
        results = self.assessor.assess([row.document for row in rows])
        bad = [(r, a) for r, a in zip(rows, results, strict=True) if isinstance(a, UnreadableDocument)]
        if bad:
            with self.ledger.begin() as tx:
                for row, reason in bad:
                    tx.intake.park(row.seq, str(reason), now)
        good = [
            Understood(row=r, assessment=a) for r, a in zip(rows, results, strict=True) if isinstance(a, Assessment)
        ]
        return good, len(bad)

    def _evaluate(
        self, tx: Transaction, kept: Sequence[tuple[Understood, Assignment]], now: datetime
    ) -> tuple[int, list[LevelChange], int]:
        """Every event that this batch touched: (events written, level changes, messages queued)."""
        touched: dict[str, Understood] = {}
        previous: dict[str, str | None] = {}
        for u, a in kept:
            touched[a.event] = u
            previous.setdefault(a.event, a.previous)
        before = tx.events.get(list(touched))
        written, changes, sent = 0, list[LevelChange](), 0
        for event_id, newest in touched.items():
            members = tx.events.members(event_id)
            known = before.get(event_id)
            incident = any(t.incident for t in newest.assessment.topics)
            if known is None and not notable(members, incident):
                continue
            event = self._describe(known, members, newest, now)
            event = replace(event, previous=event.previous or previous[event_id])
            change, queued = self._grade(tx, event, members, now)
            written += 1
            sent += queued
            changes += [change] if change else []
        return written, changes, sent

    def _describe(self, known: Event | None, members: Sequence[Member], newest: Understood, now: datetime) -> Event:
        """The event's summary. Its title is chosen again while it grows, until people know it by a level."""
        title = known.title if known else newest.assessment.masked_title or newest.assessment.masked_text[:30]
        chosen = known.representative if known else newest.row.document.id
        if known is None or (known.level == 0 and len(members) != known.documents):
            shown = self._shown(members)
            if shown:
                title, chosen = title_of(shown), representative(shown).document.id
        sample = newest.row.document.sample
        return replace(summarise(known, members, title=title, sample=sample, now=now), representative=chosen)

    def _shown(self, members: Sequence[Member]) -> list[StoredDocument]:
        """Up to SHOWN documents of an event: its first ones and its latest."""
        ids = [m.document for m in members if m.duplicate_of is None] or [m.document for m in members]
        if len(ids) > SHOWN:
            ids = ids[: SHOWN // 2] + ids[-SHOWN // 2 :]
        return self.documents.get(ids)

    def _grade(
        self, tx: Transaction, event: Event, members: Sequence[Member], now: datetime
    ) -> tuple[LevelChange | None, int]:
        """Risk, level and what follows from it; writes the event. Returns (change of level, messages queued)."""
        moment = event.last_at if event.historic else now
        risk = score(event, members, self.office, moment)
        event = replace(event, risk=risk, score=risk.score)
        state = load_state(tx, event.id)
        change, after = levels.decide(event, risk, state, self.office, now)
        if event.historic:
            event = replace(event, level=levels.target(risk, self.office))
        elif after != state:
            tx.notes.put(state_key(event.id), json.dumps(after.as_json()))
        if change is not None:
            event = replace(event, level=change.after)
            tx.events.add_changes([change])
        queued = 0
        if event.level or change:
            event, queued = self._plan(tx, event, members, change, now)
        tx.events.save([event])
        return change, queued

    def _plan(
        self, tx: Transaction, event: Event, members: Sequence[Member], change: LevelChange | None, now: datetime
    ) -> tuple[Event, int]:
        """Route and plan: alerts, tasks and messages of one event; the event with its departments."""
        routing = route(routing_facts(event, members, self._shown(members)), self.office)
        lead = (routing.lead,) if routing.lead else ()
        event = replace(event, departments=(*lead, *routing.support))
        tasks, _ = tx.tasks.find(event=event.id, size=1000)
        alerts = tx.tasks.alerts(event=event.id, open_only=False)
        reach = Reach(users={user.name: user for user in tx.users.all()})
        kinds = sorted({m.kind for m in members})
        made = plan(event, change, routing, alerts, tasks, self.office, now, kinds=kinds, reach=reach)
        return event, write_plan(tx, made, now)

    def reevaluate(self, events: Iterable[Event], now: datetime) -> int:
        """Grade open events again although nothing new came in: speed falls, the answer is missing longer."""
        count = 0
        for event in events:
            with self.ledger.begin() as tx:
                fresh = tx.events.get([event.id]).get(event.id)
                if fresh is None or fresh.status not in ("open", "quiet"):
                    continue
                self._grade(tx, fresh, tx.events.members(fresh.id), now)
                count += 1
        return count


def state_key(event: str) -> str:
    """Where the ledger's notes keep an event's hysteresis."""
    return f"level:{event}"


def load_state(tx: Transaction, event: str) -> LevelState:
    """The hysteresis of an event; a fresh one where none is kept."""
    text = tx.notes.get(state_key(event))
    return state_from_json(json.loads(text)) if text else LevelState()


def write_plan(tx: Transaction, made: Plan, now: datetime) -> int:
    """Write a plan in the running transaction; returns messages queued."""
    for alert in made.supersede:
        tx.outbox.supersede(alert, now)
    for row in made.alerts:
        if row.id not in made.created or not tx.tasks.open_alert(row):
            tx.tasks.save_alert(row)
    for row in made.closed_alerts:
        tx.tasks.save_alert(row)
    tx.tasks.create([task for task in made.tasks if task.id in made.created])
    for task in made.tasks:
        if task.id not in made.created:
            tx.tasks.change(task)
    queued = tx.outbox.add(made.deliveries)
    for entry in made.audit:
        tx.audit.append(entry)
    return queued
