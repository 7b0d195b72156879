"""Hop 2 and 3 as a process: claim, understand, grade, plan; run the timed jobs; send what is due.

    intake ─claim→ Pipeline.process ─→ ledger
    APScheduler ─"it is time for x"→ Due ─→ jobs, between two batches, in the same thread
    outbox ─claim→ Sender.send_due (a thread of its own: a provider that hangs must not hold up the understanding)

One owner at a time: grouping is a sequence, so a second `minsheng work` stands by and takes over when the first one's
lease runs out (docs/decisions.md, "One owner of grouping"). Every transaction of the owner renews the lease, and is
refused when it was lost: an owner that stalled cannot write beside its heir.

A store that is away stops the batch, not the process: sending and whatever else needs only the other store goes on,
and the batch is claimed again when the store answers.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from analysis.assess import Assessor
from analysis.events import Grouper
from app.jobs import schedule
from app.pipeline import Outcome, Pipeline
from app.rota import Due
from app.sender import Sender
from app.signals import owner_name
from storage.ports import AlreadyRunning, DocumentQuery, DocumentStore, Ledger, StoreError, Transaction
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
#: note that names who held LOCK last: what it had claimed goes to its heir at once
OWNER = "work:owner"
#: the longest wait for a store that is away; the first is a second
LONGEST_WAIT = 30.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """The ledger as the owner of grouping writes to it: each transaction renews the lease, or is refused."""

    ledger: Ledger
    renew: Callable[[Transaction], bool]

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """AlreadyRunning when another process has taken over: nothing of the block is written."""
        with self.ledger.begin() as tx:
            if not self.renew(tx):
                raise AlreadyRunning("研判已由另一个 minsheng work 接手：这一批由它处理")
            yield tx

    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        return self.ledger.read()

    def health(self) -> Mapping[str, object]:
        return self.ledger.health()

    def backup(self, target: str) -> None:
        self.ledger.backup(target)

    def close(self) -> None:
        self.ledger.close()


@dataclass(slots=True, kw_only=True)
class Turn:
    """The right to group, and one batch at a time under it."""

    pipeline: Pipeline
    clock: Callable[[], datetime]
    owner: str
    batch: int = BATCH
    ledger: Ledger = field(init=False)  #: without the fence: for asking who is the owner
    _until: datetime | None = None
    _excused: bool = False

    def __post_init__(self) -> None:
        self.ledger = self.pipeline.ledger
        self.pipeline = replace(self.pipeline, ledger=Fenced(ledger=self.ledger, renew=self._renew))

    def own(self) -> bool:
        """Hold the owner's lease, renewed in good time; False while another process holds it."""
        now = self.clock()
        # a clock that jumped back by more than the lease would otherwise look like a lease that never ends
        if self._until is not None and timedelta(0) < self._until - now - OWNER_MARGIN <= OWNER_LEASE:
            return True
        fresh = self._until is None
        self._until = None
        with self.ledger.begin() as tx:
            held = self._renew(tx)
            if held and fresh:
                self._inherit(tx)
        self._until = now + OWNER_LEASE if held else None
        return held

    def _renew(self, tx: Transaction) -> bool:
        return tx.notes.lock(LOCK, self.owner, OWNER_LEASE.total_seconds(), self.clock())

    def _inherit(self, tx: Transaction) -> None:
        """Rows that the last owner had claimed need not wait for their own lease: the fence holds off a late owner.

        An attempt that a store broke off does not count against its documents; one that a process died of does.
        """
        before = tx.notes.get(OWNER)
        if before is not None:
            tx.intake.release(before, excused=self._excused and before == self.owner)
        tx.notes.put(OWNER, self.owner)
        self._excused = False

    def step(self) -> Outcome | None:
        """One batch; None when nothing waits."""
        with self.ledger.read() as tx:
            if not tx.intake.waiting():
                return None
        with self.pipeline.ledger.begin() as tx:
            rows = tx.intake.claim(self.owner, self.batch, LEASE_SECONDS, self.clock())
        if not rows:
            return None
        outcome = self.pipeline.process(rows, self.clock())
        log.info("%d documents, %d events, %d changes", outcome.documents, outcome.events, len(outcome.changes))
        return outcome

    def broken_off(self) -> None:
        """A store was away in the middle of a batch: ask for the lease anew, and take the batch again."""
        self._until, self._excused = None, True

    def release(self) -> None:
        """Give back claimed rows and the lease, so that the next process need not wait for them to run out."""
        with self.ledger.begin() as tx:
            tx.intake.release(self.owner, excused=self._excused)
            tx.notes.unlock(LOCK, self.owner)


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
                self.stop.wait(OWNER_LEASE.total_seconds() / 4)
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
            rebuild(self.turn.pipeline, self.turn.clock())
        except StoreError:
            self.due.run(self.turn.pipeline, self.turn.clock)
            raise
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
    rebuild(turn.pipeline, clock())
    try:
        while turn.own() and (outcome := turn.step()) is not None:
            total += outcome.documents
            advance(outcome.documents + outcome.parked)
    finally:
        turn.release()
    return total
