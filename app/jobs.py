"""The timed jobs of `minsheng work`, and when each is due. APScheduler only says when; the worker runs them.

sweep      every minute: deadlines, repeats, escalation, alerts of closed events, what is stuck
evaluate   every 2 min the urgent events, every 10 min the others: speed falls, an answer is missing longer
gathering  every 10 min: does the crawler poll at all
bursts     every 10 min: does a topic, place or kind of source burst (`app.bursting`)
morning    once a day from 08:30: the daily word, and sources that lag; also when the process starts later that day
reports    every minute: are a daily, weekly, monthly report due (`app.reporting`)
searches   every 5 min: saved searches with a threshold
quiet      every hour: events without news close
nightly    once a day from 02:30: audit chain, retention, counts (`app.counting`)

How they are run, and what happens when one cannot do its work: `app.rota`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta

from apscheduler.schedulers.base import BaseScheduler

from alerts import watchdog
from alerts.calendar import local
from alerts.notices import Reach
from alerts.watchdog import Counts
from app.bursting import bursts
from app.counting import check_counts
from app.heartbeats import LOOPS, beat
from app.pipeline import Pipeline
from app.reporting import place_due
from app.sweeping import sweep
from crawlers.rhythm import state
from dashboards.api.v1 import forget_keys
from dashboards.counted import remember_chain
from dashboards.duty import forget_hand_overs, shifts
from dashboards.saved import tell
from dashboards.silences import forget_silences
from dashboards.site import Site
from storage.ports import DocumentQuery, Transaction
from storage.types import AuditEntry, Event, Level, Office, SourceHour

Job = Callable[[Pipeline, datetime], None]
#: an event is graded again for this long after its last document
ACTIVE = timedelta(days=3)
#: events of one evaluation round
ROUND = 2000
NIGHT = time(2, 30)


def evaluate_urgent(pipeline: Pipeline, now: datetime) -> None:
    """Grade the events again that stand at an urgent level, or at the yellow one below it."""
    first = next((rank for rank, rule in enumerate(pipeline.office.levels, 1) if rule.urgent), 1)
    _evaluate(pipeline, now, max(1, first - 1))


def evaluate(pipeline: Pipeline, now: datetime) -> None:
    """Grade every active event again."""
    _evaluate(pipeline, now, 0)
    with pipeline.ledger.begin() as tx:
        beat(tx, "evaluate", now)


def _evaluate(pipeline: Pipeline, now: datetime, level_from: int) -> None:
    """What has a level is graded however long it has been still: only a grading takes the level away."""
    alive = ("open", "quiet")
    with pipeline.ledger.read() as tx:
        events, _ = tx.events.find(level_from=max(1, level_from), status=alive, historic=False, size=ROUND)
        if not level_from:
            known = {event.id for event in events}
            young, _ = tx.events.find(status=alive, historic=False, since=now - ACTIVE, size=ROUND)
            events = [*events, *(event for event in young if event.id not in known)]
    pipeline.reevaluate(events, now)


def gathering(pipeline: Pipeline, now: datetime) -> None:
    """The crawler's heartbeat, read off what it polled; kept old where every source is overdue for a poll."""
    with pipeline.ledger.begin() as tx:
        found = _states(pipeline, tx, now)
        polled = [hours[-1].hour for _, hours in found.values() if hours]
        if any(name not in ("off", "new", "slow") for name, _ in found.values()):
            beat(tx, "crawl", now)
        elif polled:
            beat(tx, "crawl", min(now, max(polled) + timedelta(hours=1)))
        else:
            tx.notes.drop("heartbeat:crawl")  # nothing to poll, or nothing yet


def _states(pipeline: Pipeline, tx: Transaction, now: datetime) -> dict[str, tuple[str, list[SourceHour]]]:
    """Id of an enabled source → its state and its last two weeks, oldest first; one query for all."""
    rows: dict[str, list[SourceHour]] = {}
    for hour in sorted(tx.frontier.hours(None, now - timedelta(days=14)), key=lambda h: h.hour):
        rows.setdefault(hour.source, []).append(hour)
    enabled = [source for source in pipeline.office.sources.values() if source.enabled]
    return {s.id: (state(s, rows.get(s.id, []), now).state, rows.get(s.id, [])) for s in enabled}


def morning(pipeline: Pipeline, now: datetime) -> None:
    """The daily word and the sources that lag, so that silence is never read as calm. Once a day, from 08:30 on."""
    office, since = pipeline.office, now - timedelta(days=1)
    with pipeline.ledger.read() as tx:
        if not _today(tx, "morning", watchdog.MORNING, office, now):
            return
    gathered = pipeline.documents.count(DocumentQuery(since=since, until=now))
    with pipeline.ledger.begin() as tx:
        reach = Reach(users={user.name: user for user in tx.users.all()}, duty=shifts(tx, office))
        found = _states(pipeline, tx, now)
        rows = watchdog.morning(_counts(tx, office, found, gathered, since, now), office, now, reach=reach)
        rows += watchdog.lagging(_lagging(found), office, now, reach=reach)
        tx.outbox.add(rows)
        _done_today(tx, "morning", office, now)


def _counts(
    tx: Transaction,
    office: Office,
    found: Mapping[str, tuple[str, list[SourceHour]]],
    gathered: int,
    since: datetime,
    now: datetime,
) -> Counts:
    tasks = tx.tasks.counts(now=now)
    failed = {d.channel for d in tx.outbox.find(status=("perm_fail", "dead"), size=500) if d.created_at >= since}
    return Counts(
        gathered=gathered,
        alerts=sum(1 for a in tx.tasks.alerts(open_only=False) if a.opened_at >= since),
        open_tasks=tasks.get("open", 0),
        overdue_tasks=tasks.get("overdue", 0),
        channels_ok=len(set(office.channels) - failed),
        channels=len(office.channels),
        sources_ok=sum(name in ("ok", "new") for name, _ in found.values()),
        sources=len(found),
        parked=len(tx.intake.parked(1000)),
    )


def _lagging(found: Mapping[str, tuple[str, list[SourceHour]]]) -> dict[str, datetime | None]:
    """Sources that the coverage record calls sick → the end of the last hour that brought something.

    A source that rarely has news is not named: `crawlers.rhythm.state` knows how often each one speaks.
    """
    sick = {s: hours for s, (name, hours) in found.items() if name not in ("ok", "new", "off")}
    brought = {s: [h.hour for h in hours if h.new or h.updated] for s, hours in sick.items()}
    return {s: max(hours) + timedelta(hours=1) if hours else None for s, hours in brought.items()}


def _today(tx: Transaction, job: str, at: time, office: Office, now: datetime) -> bool:
    """Whether a daily job is due: its time of the day has come, and it has not been done today."""
    here = local(now, office)
    return here.time() >= at and tx.notes.get(f"daily:{job}") != here.date().isoformat()


def _done_today(tx: Transaction, job: str, office: Office, now: datetime) -> None:
    tx.notes.put(f"daily:{job}", local(now, office).date().isoformat())


def searches(pipeline: Pipeline, now: datetime) -> None:
    """Saved searches whose threshold is reached tell their owners."""
    tell(pipeline.documents, pipeline.ledger, pipeline.office, now)


def close_quiet(pipeline: Pipeline, now: datetime) -> None:
    """Events without a document for `risk.quiet_after_hours`: done with, they close; otherwise they turn quiet.

    Done with is an event whose tasks are all closed and whose level is not urgent: an urgent one is ended by a person.
    """
    office, limit = pipeline.office, now - timedelta(hours=pipeline.office.risk.quiet_after_hours)
    with pipeline.ledger.begin() as tx:
        events = _stillest(tx)
        still = [event for event in events if event.last_at < limit]
        for event in still:
            owing, _ = tx.tasks.find(event=event.id, size=100)
            busy = any(task.state not in ("closed", "merged") for task in owing)
            over = not busy and not _urgent(office, event.level)
            rested = replace(event, status="closed" if over else "quiet", closed_at=now if over else None)
            if rested != event:
                tx.events.save([rested])
    for event in still:
        _forget(pipeline, event)


def _urgent(office: Office, level: Level) -> bool:
    rule = office.rule(level)
    return rule is not None and rule.urgent


def _stillest(tx: Transaction) -> list[Event]:
    """The open events, and the quiet ones, whose last document is longest ago."""
    found: list[Event] = []
    for status in ("open", "quiet"):
        _, total = tx.events.find(status=(status,), historic=False, sort="changed", size=1)
        start = max(0, total - ROUND)
        events, _ = tx.events.find(status=(status,), historic=False, sort="changed", size=ROUND, offset=start)
        found += events
    return found


def _forget(pipeline: Pipeline, event: Event) -> None:
    """A closed event takes no further documents; a flare-up is a new event that names it."""
    with pipeline.ledger.read() as tx:
        fresh = tx.events.get([event.id]).get(event.id)
    if fresh is not None and fresh.status == "closed":
        pipeline.grouper.close(event.id, fresh.closed_at)


def nightly(pipeline: Pipeline, now: datetime) -> None:
    """Check the audit chain and the counts, drop what is older than the retention allows. Once a day, from 02:30 on."""
    office = pipeline.office
    with pipeline.ledger.read() as tx:
        if not _today(tx, "nightly", NIGHT, office, now):
            return
    with pipeline.ledger.begin() as tx:
        remember_chain(tx, now, tx.audit.verify())
        forget_silences(tx, now)
        forget_hand_overs(tx, now)
    forget_keys(_site(pipeline, now))
    old = now - timedelta(days=office.retention_days)
    gone = pipeline.documents.purge(old)
    check_counts(pipeline, now)
    with pipeline.ledger.begin() as tx:
        for what, count in (("documents", gone), ("raw_pages", tx.frontier.drop_raw(old))):
            if count:
                entry = AuditEntry(actor="system", action=f"{what}.purge", object=what, after=str(count), at=now)
                tx.audit.append(entry)
        _done_today(tx, "nightly", office, now)


def _site(pipeline: Pipeline, now: datetime) -> Site:
    """The board's view of the stores, for its own upkeep: nothing is served, so nothing is signed."""
    return Site(
        office=lambda: pipeline.office,
        documents=pipeline.documents,
        ledger=pipeline.ledger,
        clock=lambda: now,
        secret=b"",
    )


#: in the order in which they run when several are due: what tells people comes before what computes
JOBS: Mapping[str, Job] = {
    "sweep": sweep,
    "morning": morning,
    "reports": place_due,
    "evaluate_urgent": evaluate_urgent,
    "evaluate": evaluate,
    "gathering": gathering,
    "bursts": bursts,
    "searches": searches,
    "close_quiet": close_quiet,
    "nightly": nightly,
}
#: the names that officials read
NAMES: Mapping[str, str] = {
    "sweep": LOOPS["sweep"],
    "morning": "每日报平安",
    "reports": "报告编制",
    "evaluate_urgent": "紧急事件复核",
    "evaluate": LOOPS["evaluate"],
    "gathering": "采集检查",
    "bursts": "整体升温检查",
    "searches": "检索提醒",
    "close_quiet": "事件归档",
    "nightly": "夜间维护",
}


def schedule(scheduler: BaseScheduler, due: Callable[[str], object], pipeline: Pipeline) -> None:
    """Register when each job is due. A job missed while the machine was busy or asleep runs once, late, never not.

    Everything but `gathering` is due at once too: after a stop, what became due meanwhile is said first of all. The
    daily ones are called every minute and look for themselves, so that a late start or an outage does not skip them.
    """
    risk = pipeline.office.risk

    def every(name: str, **when: float) -> None:
        scheduler.add_job(
            due, "interval", args=[name], id=name, misfire_grace_time=None, coalesce=True, max_instances=1, **when
        )
        if name != "gathering":  # the crawler has just been started as well
            due(name)

    every("sweep", seconds=60)
    every("morning", seconds=60)
    every("reports", seconds=60)
    every("evaluate_urgent", seconds=risk.evaluate_urgent_seconds)
    every("evaluate", seconds=risk.evaluate_seconds)
    every("gathering", minutes=10)
    every("bursts", minutes=10)
    every("searches", minutes=5)
    every("close_quiet", hours=1)
    every("nightly", seconds=60)
