"""A recorded stream through the whole running program: what a replay's levels are held against."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from simulated import KEY, ZONE, Town

from analysis.risk_tally import micros
from app.intake import accept
from app.jobs import JOBS
from storage.types import Document, LevelChange, Office

Row = tuple[int, str, int, int, str, float]


def slower(office: Office) -> Office:
    """The office with a third of the evaluations, and as long a way down: what takes hours to replay live."""
    return replace(
        office,
        risk=replace(office.risk, evaluate_urgent_seconds=360, evaluate_seconds=1800, down_evaluations=4),
    )


def rows(changes: Sequence[LevelChange]) -> list[Row]:
    found = [(micros(c.at), c.event, c.before, c.after, c.cause, round(c.score, 6)) for c in changes]
    return sorted(found)


def live(folder: Path, documents: Sequence[Document], until: datetime, office: Office | None = None) -> list[Row]:
    """Everything through intake, worker, stores and jobs, each job at its time; tasks are done once a level is gone."""
    waiting = sorted(documents, key=lambda d: (d.fetched_at, d.id))
    begin = datetime.fromtimestamp(waiting[0].fetched_at.timestamp() // 600 * 600, ZONE)
    town = Town.open(folder, begin.replace(tzinfo=None).isoformat(), office)
    tick = timedelta(seconds=town.office.risk.evaluate_urgent_seconds)
    town.now, idle = begin, True
    while town.now < until:
        if waiting and idle:  # as long as nothing is an event the jobs have nothing to do
            town.now = max(town.now, begin + (waiting[0].fetched_at - begin) // tick * tick)
        due = town.now + tick
        while waiting and waiting[0].fetched_at < due:
            at = waiting[0].fetched_at
            town.now = at
            together = [d for d in waiting if d.fetched_at == at]
            waiting = waiting[len(together) :]
            accept(together, town.ledger, KEY, at)
            while town.turn.step() is not None:
                pass
            idle = idle and not town.events()
        town.now = due
        jobs(town, due - begin)
    with town.ledger.read() as tx:
        found = [c for event in tx.events.find(size=1000)[0] for c in tx.events.changes(event.id)]
    town.close()
    return rows(found)


def jobs(town: Town, since: timedelta) -> None:
    """Each at its time. since: the start of the program."""
    JOBS["evaluate_urgent"](town.turn.pipeline, town.now)
    if not since % timedelta(seconds=town.office.risk.evaluate_seconds):
        JOBS["evaluate"](town.turn.pipeline, town.now)
    if not since % timedelta(hours=1):
        finish(town)
        JOBS["close_quiet"](town.turn.pipeline, town.now)


def finish(town: Town) -> None:
    calm = {event.id for event in town.events() if event.level == 0}
    with town.ledger.begin() as tx:
        for task in tx.tasks.find(size=1000)[0]:
            if task.event in calm and task.state != "closed":
                tx.tasks.change(replace(task, state="closed"))
