"""Hop 2 and 3 as a process: claim, understand, grade, plan; run the timed jobs; send what is due.

    intake ─claim→ Pipeline.process ─→ ledger
    APScheduler ─"it is time for x"→ Due ─→ jobs, between two batches, in the same thread
    outbox ─claim→ Sender.send_due (a thread of its own: a provider that hangs must not hold up the understanding)

One owner at a time: grouping is a sequence, so a second `minsheng work` stands by and takes over when the first one's
lease runs out (docs/decisions.md, "One owner of grouping").
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from analysis.assess import Assessor
from analysis.events import Grouper
from app.jobs import schedule
from app.pipeline import Outcome, Pipeline
from app.rota import Due
from app.sender import Sender
from app.signals import owner_name
from storage.ports import DocumentQuery, DocumentStore, Ledger
from storage.types import Office

log = logging.getLogger("minsheng.work")

#: documents of one claim; larger batches make numpy faster, smaller ones the first message earlier
BATCH = 400
#: documents of one claim when nobody waits for an alert: an event that many of them touch is graded once
BULK = 2000
LEASE_SECONDS = 60.0
OWNER_LEASE = timedelta(seconds=30)
#: the lease is renewed when less than this is left of it
OWNER_MARGIN = timedelta(seconds=15)
IDLE_SECONDS = 0.2
LOCK = "work"
#: how far back the grouping index is rebuilt at a start
WINDOW_DAYS = 14.0


def make_pipeline(office: Office, documents: DocumentStore, ledger: Ledger) -> Pipeline:
    """A pipeline without grouping state; `rebuild` fills it from the store."""
    return Pipeline(
        office=office,
        documents=documents,
        ledger=ledger,
        assessor=Assessor(office),
        grouper=Grouper(office, window_days=WINDOW_DAYS),
    )


def rebuild(pipeline: Pipeline, now: datetime) -> None:
    """Make the grouping index what it was before the last stop."""
    since = now - timedelta(days=WINDOW_DAYS)
    pipeline.grouper.rebuild(pipeline.documents.scan(DocumentQuery(since=since, historic=False, sort="oldest")))


@dataclass(slots=True, kw_only=True)
class Turn:
    """The right to group, and one batch at a time under it."""

    pipeline: Pipeline
    clock: Callable[[], datetime]
    owner: str
    batch: int = BATCH
    _until: datetime | None = None

    def own(self) -> bool:
        """Hold the owner's lease, renewed in good time; False while another process holds it."""
        now = self.clock()
        # a clock that jumped back by more than the lease would otherwise look like a lease that never ends
        if self._until is not None and timedelta(0) < self._until - now - OWNER_MARGIN <= OWNER_LEASE:
            return True
        with self.pipeline.ledger.begin() as tx:
            held = tx.notes.lock(LOCK, self.owner, OWNER_LEASE.total_seconds(), now)
        self._until = now + OWNER_LEASE if held else None
        return held

    def step(self) -> Outcome | None:
        """One batch; None when nothing waits."""
        with self.pipeline.ledger.read() as tx:
            if not tx.intake.waiting():
                return None
        with self.pipeline.ledger.begin() as tx:
            rows = tx.intake.claim(self.owner, self.batch, LEASE_SECONDS, self.clock())
        if not rows:
            return None
        outcome = self.pipeline.process(rows, self.clock())
        log.info("%d documents, %d events, %d changes", outcome.documents, outcome.events, len(outcome.changes))
        return outcome

    def release(self) -> None:
        """Give back claimed rows and the lease, so that the next process need not wait for them to run out."""
        with self.pipeline.ledger.begin() as tx:
            tx.intake.release(self.owner)
            tx.notes.unlock(LOCK, self.owner)


@dataclass(slots=True, kw_only=True)
class Worker:
    """The loop of `minsheng work`."""

    turn: Turn
    sender: Sender
    stop: threading.Event
    due: Due = field(default_factory=Due)

    def run(self) -> None:
        """Until `stop`. An error propagates: the supervisor starts the process again, the rows are still there."""
        scheduler = BackgroundScheduler(timezone=self.turn.pipeline.office.timezone)
        schedule(scheduler, self.due.call, self.turn.pipeline)
        scheduler.start()
        sending = threading.Thread(target=self._send, name="sender")
        sending.start()
        try:
            self._loop()
        finally:
            self.stop.set()
            scheduler.shutdown(wait=False)
            sending.join()
            self.turn.release()

    def _loop(self) -> None:
        ready = False
        while not self.stop.is_set():
            if not self.turn.own():
                ready = False
                self.stop.wait(OWNER_LEASE.total_seconds() / 4)
                continue
            if not ready:
                rebuild(self.turn.pipeline, self.turn.clock())
                ready = True
            self.turn.pipeline.follow(self.turn.clock())
            self.due.run(self.turn.pipeline, self.turn.clock)
            if self.turn.step() is None:
                self.stop.wait(IDLE_SECONDS)

    def _send(self) -> None:
        try:
            while not self.stop.is_set():
                if not self.sender.send_due():
                    self.stop.wait(IDLE_SECONDS)
        finally:
            self.stop.set()  # a broken sender ends the process rather than going silent


def drain(
    office: Office,
    documents: DocumentStore,
    ledger: Ledger,
    clock: Callable[[], datetime],
    advance: Callable[[int], None],
) -> int | None:
    """Understand everything that waits, in this process. Nothing is sent: a running `work` does that.

    Returns the documents done, or None when a `minsheng work` is running and does it itself.
    """
    turn = Turn(pipeline=make_pipeline(office, documents, ledger), clock=clock, owner=owner_name("once"), batch=BULK)
    if not turn.own():
        return None
    total = 0
    rebuild(turn.pipeline, clock())
    try:
        while turn.own() and (outcome := turn.step()) is not None:
            total += outcome.documents
            advance(outcome.documents + outcome.parked)
    finally:
        turn.release()
    return total
