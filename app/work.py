"""Hop 2 and 3 as a process: claim, understand, grade, plan; run the timed jobs; send what is due.

    intake ─claim→ Pipeline.process ─→ ledger
    APScheduler ─"it is time for x"→ Due ─→ jobs, between two batches, in the same thread
    outbox ─claim→ Sender.send_due (a thread of its own: a provider that hangs must not hold up the understanding)

One owner of grouping at a time; the others stand by (`app.turn`).

A store that is away stops the batch, not the process: sending and whatever else needs only the other store goes on,
and the batch is claimed again when the store answers.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from analysis.assess import Assessor
from analysis.events import Grouper
from app.garbage import keep_loaded
from app.jobs import schedule
from app.pipeline import Pipeline
from app.rota import Due
from app.sender import Sender
from app.signals import owner_name
from app.turn import Turn
from storage.ports import AlreadyRunning, DocumentQuery, DocumentStore, Ledger, StoreError
from storage.types import Event, Office, StoredDocument

log = logging.getLogger("minsheng.work")

#: documents of one claim when nobody waits for an alert: an event that many of them touch is graded once
BULK = 2000
IDLE_SECONDS = 0.2
#: the longest wait for a store that is away; the first is a second
LONGEST_WAIT = 30.0
#: documents between two looks at the lease while the grouping index is rebuilt, which may take longer than a lease
KEEP = 1000
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


def rebuild(pipeline: Pipeline, now: datetime, keep: Callable[[], object] = lambda: None) -> None:
    """Make the grouping index what it was before the last stop; `keep` is called every KEEP documents."""
    since = now - timedelta(days=WINDOW_DAYS)
    rows = pipeline.documents.scan(DocumentQuery(since=since, historic=False, sort="oldest"))
    pipeline.grouper.rebuild(_keeping(rows, keep))
    flare_ups: list[Event] = []
    for event in _events_since(pipeline, since):
        if event.status == "closed":
            pipeline.grouper.close(event.id, event.closed_at or event.last_at)
        if event.previous is not None:
            flare_ups.append(event)
    for event in sorted(flare_ups, key=lambda e: (e.detected_at, e.id)):
        pipeline.grouper.succeed(str(event.previous), event.id)


def _events_since(pipeline: Pipeline, since: datetime) -> Iterator[Event]:
    """Events with a document since then, in portions."""
    start = 0
    while True:
        with pipeline.ledger.read() as tx:
            events, total = tx.events.find(since=since, sort="newest", size=KEEP, offset=start)
        yield from events
        start += KEEP
        if start >= total:
            return


def _keeping(rows: Iterable[StoredDocument], keep: Callable[[], object]) -> Iterator[StoredDocument]:
    for number, row in enumerate(rows):
        if number % KEEP == 0:
            keep()
        yield row


@dataclass(slots=True, kw_only=True)
class Worker:
    """The loop of `minsheng work`."""

    turn: Turn
    sender: Sender
    stop: threading.Event
    due: Due = field(default_factory=Due)
    _ready: bool = False

    def run(self) -> None:
        """Until `stop`. A store that is away is waited for; any other error propagates to the supervisor."""
        scheduler = BackgroundScheduler(timezone=self.turn.pipeline.office.timezone)
        schedule(scheduler, self.due.call, self.turn.pipeline)
        scheduler.start()
        sending = threading.Thread(target=self._send, name="sender")
        sending.start()
        try:
            self._patiently(self._round)
        finally:
            self.stop.set()
            scheduler.shutdown(wait=False)
            sending.join()
            with contextlib.suppress(StoreError):  # the leases run out by themselves
                self.turn.release()

    def _patiently(self, do: Callable[[], None]) -> None:
        """Do it again and again until `stop`; while a store is away, at growing distances."""
        failures = 0
        while not self.stop.is_set():
            try:
                do()
                failures = 0
            except StoreError as error:
                wait = min(LONGEST_WAIT, 2.0**failures)
                failures += 1
                log.warning("%s（%g 秒后再试）", error, wait)
                self.stop.wait(wait)

    def _round(self) -> None:
        """One batch, or one look at whether there is one."""
        try:
            if not self.turn.own():
                self._ready = False
                self.stop.wait(self.turn.stand_by)
                return
            if not self._ready:
                self._rebuild()
            self.turn.pipeline.follow(self.turn.clock())
            self.due.run(self.turn.pipeline, self.turn.clock)
            if self.turn.step() is None:
                self.stop.wait(IDLE_SECONDS)
        except StoreError:
            self._ready = False
            self.turn.broken_off()
            raise

    def _rebuild(self) -> None:
        """Without documents there is no grouping, but deadlines and reminders go on."""
        try:
            rebuild(self.turn.pipeline, self.turn.clock(), self.turn.keep)
        except AlreadyRunning:
            raise
        except StoreError:
            self.due.run(self.turn.pipeline, self.turn.clock)
            raise
        keep_loaded()
        self._ready = True

    def _send(self) -> None:
        try:
            self._patiently(self._send_once)
        finally:
            self.stop.set()  # a broken sender ends the process rather than going silent

    def _send_once(self) -> None:
        if not self.sender.send_due():
            self.stop.wait(IDLE_SECONDS)


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
    rebuild(turn.pipeline, clock(), turn.keep)
    keep_loaded()
    try:
        while turn.own() and (outcome := turn.step()) is not None:
            total += outcome.documents
            advance(outcome.documents + outcome.parked)
    finally:
        turn.release()
    return total
