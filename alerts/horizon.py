"""When a task can need the sweep again: so that a minute's sweep reads only what may have become due.

A lower bound, never later than the next trigger of `escalation.triggers` as long as the task stays as it is; reading a
task too early costs a millisecond, too late would cost a deadline. Whatever changes a task raises its version, and the
caller looks at it anew then.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from alerts.escalation import kept_rule, later, next_repeat
from alerts.transitions import FINAL
from storage.types import Deadline, LevelRule, Office, Task

#: moments this close behind count as not reached yet: a share of a clock is a rounded number
GRACE = timedelta(seconds=1)


def next_moment(task: Task, office: Office, now: datetime) -> datetime | None:
    """The earliest moment from now on at which the sweep may have something to say; None: not as the task stands."""
    rule = kept_rule(task, office)
    if rule is None or task.historic or task.state in FINAL:
        return None
    return min((at for at in _moments(task, rule, office, now) if at > now - GRACE), default=None)


def _ahead(clock: Deadline, rule: LevelRule, now: datetime) -> Iterator[datetime]:
    """Start, reminders and end of a running clock, without the reminders that are surely behind."""
    yield clock.start_at
    yield clock.due_at
    span = clock.due_at - clock.start_at
    behind = (now - GRACE - clock.start_at) / span * 100 - 1 if span else 0.0
    yield from (clock.start_at + span * (p / 100) for p in rule.reminders if p > behind)


def _moments(task: Task, rule: LevelRule, office: Office, now: datetime) -> Iterator[datetime]:
    """Every moment that counts: more than `triggers` uses, never fewer."""
    for clock in task.deadlines:
        if clock.met_at is None and clock.due_at > now - GRACE:
            yield from _ahead(clock, rule, now)
    if task.dispatched_at is None:
        return
    repeat = timedelta(minutes=rule.repeat_minutes)
    told = [later(task.dispatched_at, minutes, rule, office) for minutes, _ in rule.escalation]
    if task.state == "dispatched":
        yield from told
        yield next_repeat(task.dispatched_at, repeat, now)
    elif task.state == "signed":
        since = max(filter(None, (task.signed_at, task.progress_at)), default=now)
        yield next_repeat(since, timedelta(minutes=rule.rearm_minutes), now)
    if rule.acknowledge:
        yield from (next_repeat(at, repeat, now) for at in told)
