"""The minute's sweep as a job: read, decide without holding the ledger, write what is still true.

read    versions of the open tasks, who rests, silences, umbrellas, users, the last run     one snapshot
        of the tasks only those that changed or whose next moment (`alerts.horizon`) has come
decide  alerts.escalation · alerts.unmuted · alerts.watchdog                pure
write   messages of tasks that nobody has changed meanwhile, alerts of closed events, the heartbeat   one transaction
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import watchdog
from alerts.escalation import sweep as due_messages
from alerts.horizon import next_moment
from alerts.notices import Reach
from alerts.plan import close_out
from alerts.silences import Silence, Umbrella
from alerts.unmuted import unmuted
from app.garbage import uncollected
from app.grading import write_plans
from app.heartbeats import LOOPS, beat, beats, last_beat, rhythm
from app.pipeline import Pipeline
from dashboards.duty import shifts
from dashboards.silences import end_with_events, ended_silences, load_silences, load_umbrellas
from storage.ledger.codec import dump, load
from storage.ports import Transaction
from storage.types import Delivery, Event, Office, Task

log = logging.getLogger("minsheng.jobs")

#: what became due this long before the last run is looked at again: the keys drop what was queued then
OVERLAP = timedelta(minutes=5)
_UMBRELLAS = "sweep:umbrellas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The ledger as one sweep sees it."""

    resting: frozenset[str]
    reach: Reach
    silences: tuple[Silence, ...]
    umbrellas: tuple[Umbrella, ...]
    ended: tuple[tuple[Silence, ...], tuple[Umbrella, ...]]
    waiting: Sequence[Delivery]
    beats: dict[str, datetime]  #: of the other loops
    last: datetime | None  #: the last completed sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class _Umbrellas:
    """What the last sweep saw, to notice what has ended."""

    rows: tuple[Umbrella, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier sweeps of this process found out: until when a task, as it stands, needs no look."""

    at: datetime
    office: str  #: version of the configuration
    until: Mapping[str, tuple[int, bool, datetime | None]]  #: task → version, resting, next moment


def sweep(pipeline: Pipeline, now: datetime) -> None:
    """What has become due since the last sweep: reminders, repeats, escalation, breaches, stuck messages."""
    with uncollected():
        _sweep(pipeline, now)


def _sweep(pipeline: Pipeline, now: datetime) -> None:
    office = pipeline.office
    with pipeline.ledger.read() as tx:
        seen = _look(tx, office, now)
        versions = tx.tasks.versions()
        known = _still_known(pipeline.swept, versions, seen, office, now)
        looked: dict[str, tuple[int, bool, datetime | None]] = {}
        rows = [*_due(tx, seen, versions, known, looked, office, now), *_watch(seen, office, now)]
    with pipeline.ledger.begin() as tx:
        added = tx.outbox.add(_still_true(tx, rows, versions))
        end_with_events(tx, now)
        _settle(tx, office, now, seen.reach)
        tx.notes.put(_UMBRELLAS, dump(_Umbrellas(rows=seen.umbrellas)))
        beat(tx, "sweep", now)
    pipeline.swept = Known(at=now, office=office.version, until={**known, **looked})  # only once it is written
    if added:
        log.info("%d reminders queued", added)


def _still_known(
    known: object, versions: Mapping[str, int], seen: Seen, office: Office, now: datetime
) -> dict[str, tuple[int, bool, datetime | None]]:
    """The tasks that need no look: unchanged, and their next moment lies ahead. None after a change of configuration,
    a clock that went back, or a sweep by another process."""
    if not isinstance(known, Known) or known.office != office.version or known.at > now or known.at != seen.last:
        return {}
    return {
        name: row
        for name, row in known.until.items()
        if versions.get(name) == row[0] and (name in seen.resting) == row[1] and (row[2] is None or row[2] > now)
    }


def _look(tx: Transaction, office: Office, now: datetime) -> Seen:
    last = last_beat(tx, "sweep")
    umbrellas = load_umbrellas(tx)
    return Seen(
        resting=tx.tasks.resting(),
        reach=Reach(users={user.name: user for user in tx.users.all()}, duty=shifts(tx, office)),
        silences=load_silences(tx, now),
        umbrellas=umbrellas,
        ended=(ended_silences(tx, last, now) if last is not None else (), _gone(tx, umbrellas)),
        waiting=tx.outbox.find(status=("pending", "temp_fail", "leased"), size=1000),
        beats=beats(tx, "sweep"),
        last=last,
    )


def _gone(tx: Transaction, now: Iterable[Umbrella]) -> tuple[Umbrella, ...]:
    """Umbrellas of the last sweep that speak for nobody any more."""
    text = tx.notes.get(_UMBRELLAS)
    known = {(u.event, u.department): u for u in load(_Umbrellas, text).rows} if text else {}
    for row in now:
        known.pop((row.event, row.department), None)
    return tuple(known.values())


def _due(
    tx: Transaction,
    seen: Seen,
    versions: Mapping[str, int],
    known: Mapping[str, object],
    looked: dict[str, tuple[int, bool, datetime | None]],
    office: Office,
    now: datetime,
) -> Iterator[Delivery]:
    """Messages about tasks. They go by one at a time: keeping ten thousand of them costs more than deciding."""
    due = [name for name in versions if name not in known]
    found = tx.tasks.open() if len(due) == len(versions) else tx.tasks.some(due)
    tasks: Iterable[Task] = _noted(found, seen, looked, office, now)
    events: Mapping[str, Event] = {}
    if seen.silences or seen.umbrellas:
        tasks = list(tasks)
        events = tx.events.get(sorted({t.event for t in tasks}))
    yield from _reminders(seen, tasks, events, office, now)
    if any(seen.ended):
        yield from _unmuted(tx, seen, office, now)


def _unmuted(tx: Transaction, seen: Seen, office: Office, now: datetime) -> Iterator[Delivery]:
    """What an ended silence or umbrella held back, of tasks that this sweep does not remind anyway: rare, so every
    task is read for it."""
    silent = [t for t in tx.tasks.open() if t.id not in seen.resting and t.state == "dispatched"]
    events = tx.events.get(sorted({t.event for t in silent}))
    reminded = {r.task for r in _reminders(seen, silent, events, office, now) if r.reason == "REPEAT_UNSIGNED"}
    left = [t for t in silent if t.id not in reminded]
    yield from unmuted(left, events, seen.ended, (seen.silences, seen.umbrellas), office, now, reach=seen.reach)


def _reminders(
    seen: Seen, tasks: Iterable[Task], events: Mapping[str, Event], office: Office, now: datetime
) -> Iterable[Delivery]:
    return due_messages(
        tasks,
        {},
        events,
        office,
        now,
        duty=seen.reach.duty,
        users=seen.reach.users,
        since=seen.last - OVERLAP if seen.last is not None else None,
        silences=seen.silences,
        umbrellas=seen.umbrellas,
        resting=seen.resting,
    )


def _noted(
    tasks: Iterable[Task],
    seen: Seen,
    looked: dict[str, tuple[int, bool, datetime | None]],
    office: Office,
    now: datetime,
) -> Iterator[Task]:
    for task in tasks:
        looked[task.id] = (task.version, task.id in seen.resting, next_moment(task, office, now))
        yield task


def _watch(seen: Seen, office: Office, now: datetime) -> list[Delivery]:
    """Messages and loops that stand still. After a gap of its own the sweep speaks of that only: what the others have
    missed has the same cause."""
    own = LOOPS["sweep"]
    if seen.last is not None and seen.last > now + watchdog.UNSEEN:
        return watchdog.stuck((), {own: seen.last}, office, now, reach=seen.reach)
    if seen.last is not None and now - seen.last > watchdog.UNSEEN:
        return watchdog.resumed(own, seen.last, office, now, reach=seen.reach)
    return watchdog.stuck(seen.waiting, seen.beats, office, now, rhythm=rhythm(office), reach=seen.reach)


def _still_true(tx: Transaction, rows: Sequence[Delivery], versions: Mapping[str, int]) -> list[Delivery]:
    """Leave out what is about a task that somebody has changed since it was read; the next sweep looks at it again."""
    current = tx.tasks.versions() if any(row.task for row in rows) else {}
    return [row for row in rows if row.task is None or current.get(row.task) == versions.get(row.task)]


def _settle(tx: Transaction, office: Office, now: datetime, reach: Reach) -> None:
    """Close the alerts of events that are over, where the department owes nothing more."""
    for name in tx.tasks.settled():
        event = tx.events.get([name]).get(name)
        if event is None:
            continue
        if event.id != name:  # a merged event answers with the one it was merged into
            event = replace(event, id=name, status="merged")
        alerts = tx.tasks.alerts(event=name)
        tasks, _ = tx.tasks.find(event=name, size=1000)
        write_plans(tx, [close_out(event, alerts, tasks, office, now, reach=reach)], now)
