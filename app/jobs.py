"""The timed jobs of `minsheng work`, and when each is due. APScheduler only says when; the worker runs them.

evaluate   every 2 min the urgent events, every 10 min the others: speed falls, an answer is missing longer
sweep      every minute: deadlines, repeats, escalation, what is stuck
morning    08:30 the daily word, and once a day sources that lag
quiet      every hour: events without news close
nightly    02:30 audit chain, retention
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from apscheduler.schedulers.base import BaseScheduler
from crawlers.rhythm import state

from alerts import watchdog
from alerts.escalation import sweep as due_messages
from alerts.notices import Reach
from alerts.watchdog import Counts
from app.pipeline import Pipeline
from storage.ports import DocumentQuery, Transaction
from storage.types import AuditEntry, Event, Source

log = logging.getLogger("minsheng.jobs")

Job = Callable[[Pipeline, datetime], None]
#: an event is graded again for this long after its last document
ACTIVE = timedelta(days=3)
#: events of one evaluation round
ROUND = 2000


def evaluate_urgent(pipeline: Pipeline, now: datetime) -> None:
    """Grade the events again that stand at an urgent level, or at the yellow one below it."""
    first = next((rank for rank, rule in enumerate(pipeline.office.levels, 1) if rule.urgent), 1)
    _evaluate(pipeline, now, max(1, first - 1))


def evaluate(pipeline: Pipeline, now: datetime) -> None:
    """Grade every active event again."""
    _evaluate(pipeline, now, 0)


def _evaluate(pipeline: Pipeline, now: datetime, level_from: int) -> None:
    since = None if level_from else now - ACTIVE
    with pipeline.ledger.read() as tx:
        events, _ = tx.events.find(
            level_from=level_from, status=("open", "quiet"), historic=False, since=since, size=ROUND
        )
    pipeline.reevaluate(events, now)


def sweep(pipeline: Pipeline, now: datetime) -> None:
    """What has become due since the last sweep: reminders, repeats, escalation, breaches, stuck messages."""
    office = pipeline.office
    with pipeline.ledger.begin() as tx:
        tasks = list(tx.tasks.open())
        alerts = {a.id: a for a in tx.tasks.alerts()}
        events = tx.events.get(sorted({t.event for t in tasks}))
        reach = {user.name: user for user in tx.users.all()}
        last = tx.notes.get("sweep:last")
        since = datetime.fromisoformat(last) - timedelta(minutes=10) if last else None
        rows = due_messages(tasks, alerts, events, office, now, users=reach, since=since)
        waiting = tx.outbox.find(status=("pending", "temp_fail", "leased"), size=1000)
        rows += watchdog.stuck(waiting, {}, office, now, reach=Reach(users=reach))
        added = tx.outbox.add(rows)
        tx.notes.put("sweep:last", now.isoformat())
    if added:
        log.info("%d reminders queued", added)


def morning(pipeline: Pipeline, now: datetime) -> None:
    """The daily word, so that silence is never read as calm."""
    office, since = pipeline.office, now - timedelta(days=1)
    gathered = pipeline.documents.count(DocumentQuery(since=since, until=now))
    enabled = [s for s in office.sources.values() if s.enabled]
    with pipeline.ledger.begin() as tx:
        tasks = tx.tasks.counts()
        failed = {d.channel for d in tx.outbox.find(status=("perm_fail", "dead"), size=500) if d.created_at >= since}
        counts = Counts(
            gathered=gathered,
            alerts=sum(1 for a in tx.tasks.alerts(open_only=False) if a.opened_at >= since),
            open_tasks=tasks.get("open", 0),
            overdue_tasks=tasks.get("overdue", 0),
            channels_ok=len(set(office.channels) - failed),
            channels=len(office.channels),
            sources_ok=sum(_fine(s, tx, now) for s in enabled),
            sources=len(enabled),
            parked=len(tx.intake.parked(1000)),
        )
        tx.outbox.add(watchdog.morning(counts, office, now))


def _fine(source: Source, tx: Transaction, now: datetime) -> bool:
    return state(source, tx.frontier.hours(source.id, now - timedelta(days=14)), now)[0] in ("ok", "new")


def close_quiet(pipeline: Pipeline, now: datetime) -> None:
    """Events without a document for `risk.quiet_after_hours` and without a level go to rest; others turn quiet."""
    limit = now - timedelta(hours=pipeline.office.risk.quiet_after_hours)
    with pipeline.ledger.begin() as tx:
        events, _ = tx.events.find(status=("open",), historic=False, sort="changed", size=ROUND)
        still = [event for event in events if event.last_at < limit]
        for event in still:
            owing, _ = tx.tasks.find(event=event.id, size=100)
            busy = any(task.state not in ("closed", "merged") for task in owing)
            tx.events.save([replace(event, status="quiet" if busy or event.level else "closed")])
    for event in still:
        _forget(pipeline, event)


def _forget(pipeline: Pipeline, event: Event) -> None:
    """A closed event takes no further documents; a flare-up is a new event that names it."""
    with pipeline.ledger.read() as tx:
        fresh = tx.events.get([event.id]).get(event.id)
    if fresh is not None and fresh.status == "closed":
        pipeline.grouper.close(event.id)


def nightly(pipeline: Pipeline, now: datetime) -> None:
    """Check the audit chain, drop what is older than the retention allows."""
    with pipeline.ledger.begin() as tx:
        broken = tx.audit.verify()
        tx.notes.put("audit:verified", json.dumps({"at": now.isoformat(), "broken": broken}))
    gone = pipeline.documents.purge(now - timedelta(days=pipeline.office.retention_days))
    if gone:
        with pipeline.ledger.begin() as tx:
            tx.audit.append(
                AuditEntry(actor="system", action="documents.purge", object="documents", after=str(gone), at=now)
            )


JOBS: Mapping[str, Job] = {
    "evaluate_urgent": evaluate_urgent,
    "evaluate": evaluate,
    "sweep": sweep,
    "morning": morning,
    "close_quiet": close_quiet,
    "nightly": nightly,
}


def schedule(scheduler: BaseScheduler, due: Callable[[str], object], pipeline: Pipeline) -> None:
    """Register when each job is due. A job missed while the machine was busy or asleep runs once, late, never not."""
    risk = pipeline.office.risk

    def every(name: str, **when: object) -> None:
        scheduler.add_job(due, args=[name], id=name, misfire_grace_time=None, coalesce=True, max_instances=1, **when)

    every("evaluate_urgent", trigger="interval", seconds=risk.evaluate_urgent_seconds)
    every("evaluate", trigger="interval", seconds=risk.evaluate_seconds)
    every("sweep", trigger="interval", seconds=60)
    every("morning", trigger="cron", hour=8, minute=30)
    every("close_quiet", trigger="interval", hours=1)
    every("nightly", trigger="cron", hour=2, minute=30)
