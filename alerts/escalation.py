"""The minute's sweep: who must be told now because something has not happened.

    told, silent      posts that must say 知悉 (both, not one for the other) are told again until they do
    not signed        level's escalation steps, then repeats with back-off until a named person signs
    signed, idle      re-armed after the level's time; from the second time on the duty post is told too
    share of a clock  DEADLINE_50/75/90: only the highest one passed, so that an outage is not followed by a volley
    clock run out     BREACH, at any hour
    office's own clock (confirming a lead, ruling on a return) run out → ADJUDICATE

Keyed to clocks and to missing states, never to sleeps: the same moment gives the same rows, whose keys the outbox
drops the second time. `since` (the last completed sweep) leaves out what was due before; None sends it all again,
which the outbox drops too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.calendar import add_workhours
from alerts.deadlines import used_share
from alerts.notices import Reach, for_task, suppressed
from alerts.silences import Silence, Umbrella, mute, send_time
from alerts.transitions import FINAL
from storage.types import Alert, Deadline, Delivery, DutyShift, Event, LevelRule, Office, Task, User

#: the interval of repeats doubles from the fourth on (RESPONSE_RULES 2.7) and is never longer than a day
PLAIN_REPEATS = 3
MAX_INTERVAL = timedelta(days=1)
#: what only repeats an earlier message says nothing beside the one about the change itself
_NAGS = frozenset({"REPEAT_UNSIGNED", "REARM"})
#: states that need nobody to be reminded of a reply clock: it is met, or the office itself holds the task
_ANSWERED = frozenset({"published", "tracking", "evaluated"})


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something became due at a moment."""

    at: datetime
    reason: str
    epoch: str
    recipients: tuple[str, ...]


def sweep(
    tasks: Iterable[Task],
    alerts: Mapping[str, Alert],
    events: Mapping[str, Event],
    office: Office,
    now: datetime,
    duty: Sequence[DutyShift] | None = None,
    *,
    users: Mapping[str, User] | None = None,
    since: datetime | None = None,
    silences: Sequence[Silence] = (),
    umbrellas: Sequence[Umbrella] = (),
    resting: Set[str] = frozenset(),
) -> list[Delivery]:
    """All messages that are due at `now` over all open tasks. `alerts` and `events` by id; unknown ones do no harm.

    What a silence or an umbrella mutes comes back as a suppressed row with its reason.
    A task whose event was closed by people, or whose alert is closed, is reminded of statutory clocks only; so is one
    that `resting` names, for a caller that did not read alerts and events.
    """
    reach = Reach(duty=duty, users=users)
    last = since if since is not None and since <= now else None
    rows: list[Delivery] = []
    for task in tasks:
        rests = task.id in resting or _resting(task, alerts, events)
        for trigger in triggers(task, office, now, resting=rests):
            if trigger.at <= now and (last is None or trigger.at > last):
                muted = _mute(trigger, task, events.get(task.event), silences, umbrellas, office, now)
                rows += [muted] if muted is not None else _rows(trigger, task, office, now, reach)
    return rows


def due_at_once(
    task: Task,
    event: Event,
    office: Office,
    now: datetime,
    reach: Reach,
    silences: Sequence[Silence] = (),
    umbrellas: Sequence[Umbrella] = (),
) -> list[Delivery]:
    """What is due already when a task is made or its clocks change: a shorter limit may be breached before it is set.

    The sweep would miss it where it only looks at what became due since its last run.
    """
    rows: list[Delivery] = []
    for trigger in triggers(task, office, now):
        if trigger.reason in _NAGS:
            continue
        muted = _mute(trigger, task, event, silences, umbrellas, office, now)
        rows += [muted] if muted is not None else _rows(trigger, task, office, now, reach)
    return rows


def _resting(task: Task, alerts: Mapping[str, Alert], events: Mapping[str, Event]) -> bool:
    alert, event = alerts.get(task.alert), events.get(task.event)
    return (alert is not None and alert.closed_at is not None) or (event is not None and event.status == "closed")


def _mute(
    trigger: Trigger,
    task: Task,
    event: Event | None,
    silences: Sequence[Silence],
    umbrellas: Sequence[Umbrella],
    office: Office,
    now: datetime,
) -> Delivery | None:
    found = (
        mute(trigger.reason, event, task.department, silences, umbrellas, office, now) if event is not None else None
    )
    if found is None:
        return None
    epoch = f"{trigger.reason}|{trigger.epoch}"
    return suppressed(found[0], task.alert or None, task.id, task.department, epoch, found[1], now)


def _rows(trigger: Trigger, task: Task, office: Office, now: datetime, reach: Reach) -> Iterator[Delivery]:
    reason = trigger.reason
    when = send_time(reason, task.level, task.deadlines, office, now)
    for recipient in trigger.recipients:
        yield from for_task(reason, task, recipient, trigger.epoch, office, now, not_before=when, reach=reach)


def triggers(task: Task, office: Office, now: datetime, *, resting: bool = False) -> Iterator[Trigger]:
    """What has become due for one task up to `now`; nothing for history and for what is done."""
    rule = kept_rule(task, office)
    if rule is None or task.historic or task.state in FINAL:
        return
    if not resting and task.dispatched_at is not None:
        if task.state == "dispatched":
            yield from _unsigned(task, rule, task.dispatched_at, office, now)
        elif task.state == "signed":
            yield from _idle(task, rule, office, now)
        if rule.acknowledge:
            yield from _silent(task, rule, office, now)
    law = {(d.step, d.due_at) for d in task.deadlines if d.kind == "statutory" and d.met_at is None}
    for clock in task.deadlines:
        own = clock.kind != "statutory"
        # an internal clock that runs out together with the law's says nothing more
        if clock.met_at is None and not (own and (resting or (clock.step, clock.due_at) in law)):
            yield from _clock(task, clock, rule, office, now)


def snapshot(task: Task, office: Office) -> Task:
    """The task with the steps and reminders of its level as they are now: taken when it is dispatched, and again when
    its level changes. What somebody edits in office.toml afterwards holds for later tasks only."""
    rule = office.rule(task.level)
    if rule is None:
        return replace(task, escalation=(), reminders=(), steps_level=0)
    return replace(task, escalation=rule.escalation, reminders=rule.reminders, steps_level=task.level)


def kept_rule(task: Task, office: Office) -> LevelRule | None:
    """The rule of the task's level with the steps that were kept on the task; None without a level."""
    rule = office.rule(task.level)
    if rule is None or task.steps_level != task.level:
        return rule
    if task.escalation == rule.escalation and task.reminders == rule.reminders:
        return rule
    return replace(rule, escalation=task.escalation, reminders=task.reminders)


def _unsigned(task: Task, rule: LevelRule, start: datetime, office: Office, now: datetime) -> Iterator[Trigger]:
    dispatch = start.isoformat()
    for minutes, post in rule.escalation:
        if task.role == "support" and post != office.duty_post:
            continue  # leaders hear of a matter once, through the lead's task
        at = later(start, minutes, rule, office)
        if at <= now:
            yield Trigger(at, "UNSIGNED" if minutes else "INFORMED", f"{dispatch}|{task.level}|{minutes:g}", (post,))
    ordinal, at = _repeat(start, timedelta(minutes=rule.repeat_minutes), now)
    if ordinal:
        yield Trigger(at, "REPEAT_UNSIGNED", f"{dispatch}|{task.level}|{ordinal}", (task.department,))


def waited_for(task: Task, office: Office, now: datetime) -> dict[str, datetime]:
    """Post → when it was told, of the posts that were told of the unsigned task and have not said 知悉 yet."""
    rule = kept_rule(task, office)
    if rule is None or task.dispatched_at is None or task.role == "support" or task.state in _ANSWERED | FINAL:
        return {}
    said = {post for post, _ in task.acknowledged}
    end = task.signed_at or now
    told = {post: later(task.dispatched_at, minutes, rule, office) for minutes, post in rule.escalation}
    return {post: at for post, at in told.items() if post in rule.acknowledge and post not in said and at <= end}


def _silent(task: Task, rule: LevelRule, office: Office, now: datetime) -> Iterator[Trigger]:
    """A department's signature is no leader's 知悉: who was told is told again, each post for itself."""
    for post, told in waited_for(task, office, now).items():
        ordinal, at = _repeat(told, timedelta(minutes=rule.repeat_minutes), now)
        if ordinal:
            yield Trigger(at, "UNACKNOWLEDGED", f"{told.isoformat()}|{task.level}|{ordinal}", (post,))


def later(start: datetime, minutes: float, rule: LevelRule, office: Office) -> datetime:
    """Escalation of a level whose signing counts in working time counts in working time too."""
    return add_workhours(start, minutes / 60, office) if rule.sign_workhours else start + timedelta(minutes=minutes)


def _repeat(start: datetime, interval: timedelta, now: datetime) -> tuple[int, datetime]:
    """The last repeat that is due and its moment; (0, start) before the first.

    The first three come after one interval each, then the interval doubles up to a day.
    """
    ordinal, at, step = 0, start, interval
    while step > timedelta() and at + step <= now:
        at += step
        ordinal += 1
        if ordinal >= PLAIN_REPEATS:
            step = min(step * 2, max(MAX_INTERVAL, interval))
            if step >= MAX_INTERVAL:  # constant from here on: no need to walk through years
                more = (now - at) // step
                return ordinal + more, at + more * step
    return ordinal, at


def next_repeat(start: datetime, interval: timedelta, now: datetime) -> datetime:
    """The first repeat after now; far away where nothing is repeated."""
    if interval <= timedelta():
        return now + MAX_INTERVAL
    ordinal, at = _repeat(start, interval, now)
    doubled = max(0, ordinal - PLAIN_REPEATS + 1)
    longest = max(MAX_INTERVAL, interval)
    return at + (min(interval * 2 ** min(doubled, 40), longest) if doubled else interval)


def _idle(task: Task, rule: LevelRule, office: Office, now: datetime) -> Iterator[Trigger]:
    start = max(filter(None, (task.signed_at, task.progress_at)), default=None)
    if start is None:
        return
    ordinal, at = _repeat(start, timedelta(minutes=rule.rearm_minutes), now)
    if ordinal:
        who = (task.department,) if ordinal == 1 else (task.department, office.duty_post)
        yield Trigger(at, "REARM", f"{start.isoformat()}|{ordinal}", who)


def _clock(task: Task, clock: Deadline, rule: LevelRule, office: Office, now: datetime) -> Iterator[Trigger]:
    if now < clock.start_at:
        return
    if clock.step == "adjudicate":
        if now > clock.due_at:
            yield Trigger(clock.due_at, "ADJUDICATE", _epoch(clock), (office.duty_post,))
    elif clock.step == "sign":
        # the level's own steps speak for it where there are any
        if now > clock.due_at and not rule.escalation and task.state == "dispatched":
            yield Trigger(clock.due_at, "BREACH", _epoch(clock), (office.duty_post,))
    elif clock.step != "reply" or task.state not in _ANSWERED:
        yield from _running(task, clock, rule, office, now)


def _epoch(clock: Deadline) -> str:
    return f"{clock.step}|{clock.kind}|{clock.due_at.isoformat()}"


def _running(task: Task, clock: Deadline, rule: LevelRule, office: Office, now: datetime) -> Iterator[Trigger]:
    # while the office decides who is in charge, the clock is the office's own to watch
    holder = office.duty_post if task.state in ("confirm", "return_pending") else task.department
    if now > clock.due_at:
        who = tuple(dict.fromkeys((holder, office.duty_post)))
        yield Trigger(clock.due_at, "BREACH", _epoch(clock), who)
        return
    used = used_share(clock, now) * 100
    passed = max((p for p in rule.reminders if p <= used), default=None)
    if passed is not None:
        at = clock.start_at + (clock.due_at - clock.start_at) * (passed / 100)
        yield Trigger(at, f"DEADLINE_{passed}", _epoch(clock), (holder,))
