"""Runs the timed jobs of `app.jobs` when their time has come, and survives their failures.

What happens when a job cannot do its work:

    StoreError     the database is away or busy: logged, tried again after a minute; a gap of more than five minutes is
                   told to the duty post as soon as the database can hold a message again
    anything else  an error of the program: written down (`fault:<job>`), told to the duty post, and the process ends,
                   so that the supervisor starts it afresh. There the job waits 1, 2, 4 … 60 minutes while all others
                   run: one broken job neither stops them nor goes unseen
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType

from alerts import watchdog
from app.heartbeats import clear_fault, has_fault, record_fault, waits_until
from app.jobs import JOBS, NAMES
from app.pipeline import Pipeline
from storage.ports import StoreError

log = logging.getLogger("minsheng.jobs")

#: a job that found the database away is tried again after this
RETRY = timedelta(minutes=1)


@dataclass(slots=True)
class Due:
    """Jobs whose time has come: each once, however often it was called for while nobody could run it."""

    _called: set[str] = field(default_factory=set)
    _again: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, name: str) -> None:
        """It is time for this job; from any thread."""
        with self._lock:
            self._called.add(name)

    def run(self, pipeline: Pipeline, clock: Callable[[], datetime]) -> None:
        """Run what is due, in the order of JOBS. An error of the program is written down and goes on to the caller."""
        now = clock()
        with self._lock:
            retried = [name for name, at in self._again.items() if not at <= now < at + RETRY]
            due = self._called.union(retried)
            self._called = set()
        for name in (name for name in JOBS if name in due):
            self._again.pop(name, None)
            try:
                run_job(name, pipeline, clock())
            except StoreError as error:
                log.error("“%s”没有完成，一分钟后再试：%s", NAMES[name], error)
                self._again[name] = now


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Writes down an error of the program on its way up; it catches nothing."""

    name: str
    pipeline: Pipeline
    now: datetime

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, StoreError):
            return
        office = self.pipeline.office
        with self.pipeline.ledger.begin() as tx:
            until = record_fault(tx, self.name, repr(error), self.now)
            tx.outbox.add(watchdog.failed(NAMES[self.name], type(error).__name__, until, office, self.now))


def run_job(name: str, pipeline: Pipeline, now: datetime) -> None:
    """Run one job, unless it has failed lately and waits. StoreError and errors of the program go on to the caller."""
    with pipeline.ledger.read() as tx:
        if waits_until(tx, name, now) is not None:
            return
        failed = has_fault(tx, name)
    with _Recorder(name, pipeline, now):
        JOBS[name](pipeline, now)
    if failed:
        with pipeline.ledger.begin() as tx:
            clear_fault(tx, name)
