"""The right to group: one owner at a time, and one batch at a time under its lease.

Grouping is a sequence, so a second `minsheng work` stands by and takes over when the first one's lease runs out
(docs/decisions.md, "One owner of grouping"). Every transaction of the owner renews the lease, and is refused when it
was lost: an owner that stalled cannot write beside its heir.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.pipeline import ATTEMPTS, Outcome, Pipeline
from storage.ports import AlreadyRunning, IntakeRow, Ledger, Transaction

log = logging.getLogger("minsheng.work")

#: documents of one claim; larger batches make numpy faster, smaller ones the first message earlier
BATCH = 400
LEASE_SECONDS = 60.0
OWNER_LEASE = timedelta(seconds=30)
#: the lease is renewed when less than this is left of it
OWNER_MARGIN = timedelta(seconds=15)
LOCK = "work"
LOST = "研判已由另一个 minsheng work 接手：这一批由它处理"
#: note that names who held LOCK last: what it had claimed goes to its heir at once
OWNER = "work:owner"
#: rows that were tried and not finished are tried again in smaller portions: a share of 1/16 with each attempt
NARROWER = 4


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
                raise AlreadyRunning(LOST)
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
    _portion: int = field(init=False)  #: rows of the next claim: fewer after a batch for which the lease was too short

    def __post_init__(self) -> None:
        self._portion = self.batch
        self.ledger = self.pipeline.ledger
        self.pipeline = replace(self.pipeline, ledger=Fenced(ledger=self.ledger, renew=self._renew))

    @property
    def stand_by(self) -> float:
        """Seconds until a process that has not got the lease asks for it again."""
        return OWNER_LEASE.total_seconds() / 4

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
            rows = self._claim(tx)
        if not rows:
            return None
        try:
            outcome = self.pipeline.process(rows, self.clock())
        except AlreadyRunning:
            self._late(rows)
            raise
        self._portion = self.batch
        log.info("%d documents, %d events, %d changes", outcome.documents, outcome.events, len(outcome.changes))
        return outcome

    def keep(self) -> None:
        """Hold the lease during something long that writes nothing; AlreadyRunning when it was lost."""
        if not self.own():
            raise AlreadyRunning(LOST)

    def _claim(self, tx: Transaction) -> list[IntakeRow]:
        """The oldest rows. Those that were not finished before come in ever smaller portions, in the end one by one:

        what takes its process down takes ever fewer others along, and is parked alone.
        """
        rows = tx.intake.claim(self.owner, self._portion, LEASE_SECONDS, self.clock())
        tried = max((min(row.attempts, ATTEMPTS) for row in rows), default=1)
        size = self.batch >> NARROWER * (tried - 1) if tried < ATTEMPTS else 1
        rest = rows[max(size, 1) :]
        tx.intake.excuse(self.owner, [row.seq for row in rest])
        return rows[: max(size, 1)]

    def _late(self, rows: Sequence[IntakeRow]) -> None:
        """The lease ended before the batch did: a machine that is too busy, and no fault of the documents.

        So the attempt is taken back, though the heir may have the rows by now, and the next batch is smaller. A
        document that is late by itself is to blame: otherwise owners would pass it on to each other for ever.
        """
        self._portion = max(1, len(rows) // 4)
        if len(rows) > 1:
            with self.ledger.begin() as tx:
                tx.intake.excuse(self.owner, [row.seq for row in rows])

    def broken_off(self) -> None:
        """A store was away in the middle of a batch: ask for the lease anew, and take the batch again."""
        self._until, self._excused = None, True

    def release(self) -> None:
        """Give back claimed rows and the lease, so that the next process need not wait for them to run out."""
        with self.ledger.begin() as tx:
            tx.intake.release(self.owner, excused=self._excused)
            tx.notes.unlock(LOCK, self.owner)
