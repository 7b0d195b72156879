"""From an evaluated event to alerts, tasks and messages: what a changed event means for each department.

    event + routing ── departments in charge ── their open alert? ── same content → NO_CHANGE (stored, not sent)
                                                              ├── changed  → LEVEL_UP LEVEL_DOWN UPDATED
                                                              └── none     → FIRST NEW_DEPT REFLARE + task with clocks

Every id and every epoch is derived from the input, so a replayed batch gives the same rows and the ledger's
constraints drop them. History gets tasks marked historic, without clocks, and no message at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.deadlines import deadlines
from alerts.escalation import due_at_once, snapshot
from alerts.identity import content_hash
from alerts.night import calmed_until
from alerts.notices import NOBODY, Reach, for_event, for_task, suppressed
from alerts.planning import (
    Setting,
    adjusted,
    audit,
    is_open,
    latest,
    level_reason,
    muted,
    new_task,
    next_alert_id,
    next_clock,
    retained,
)
from alerts.routing import Routing
from alerts.silences import Silence, Umbrella, send_time
from storage.types import Alert, AuditEntry, Delivery, Event, LevelChange, Office, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one evaluation of one event changes; write all of it in one transaction, or nothing."""

    alerts: tuple[Alert, ...] = ()  #: new and changed
    closed_alerts: tuple[Alert, ...] = ()  #: with closed_at
    tasks: tuple[Task, ...] = ()  #: new and changed; changed ones carry the version that was read
    deliveries: tuple[Delivery, ...] = ()  #: to send, and suppressed ones with their reason
    audit: tuple[AuditEntry, ...] = ()
    created: frozenset[str] = frozenset()  #: ids of alerts and tasks that are new
    supersede: tuple[str, ...] = ()  #: alerts whose waiting messages are out of date


@dataclass(slots=True)
class _Draft:
    """The plan while it grows."""

    alerts: list[Alert] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    supersede: list[str] = field(default_factory=list)


def plan(
    event: Event,
    change: LevelChange | None,
    routing: Routing,
    existing: Sequence[Alert],
    tasks: Sequence[Task],
    office: Office,
    now: datetime,
    *,
    kinds: Sequence[str] = (),
    silences: Sequence[Silence] = (),
    umbrellas: Sequence[Umbrella] = (),
    reach: Reach = NOBODY,
) -> Plan:
    """Plan one event. `existing` and `tasks`: every alert and task of it, closed ones included.

    `change`: the change of level of this evaluation, if any. An event without a level plans nothing new.
    """
    at = Setting(
        event=event,
        change=change,
        routing=routing,
        alerts=tuple(existing),
        tasks=tuple(tasks),
        office=office,
        now=now,
        kinds=tuple(kinds),
        silences=tuple(silences),
        umbrellas=tuple(umbrellas),
        reach=reach,
    )
    if event.historic:
        return _historic(at)
    if event.status in ("closed", "merged"):
        return _closing(at)
    draft = _Draft()
    if event.level > 0:
        lead = _lead_task(at, draft)
        _support_tasks(at, draft, lead)
        _refresh_tasks(at, draft)
        for department in _told(at, draft):
            _alert(at, draft, department)
        for task in draft.tasks:
            draft.deliveries += due_at_once(task, event, office, now, reach, silences, umbrellas)
    return _done(draft)


def close_out(
    event: Event, alerts: Sequence[Alert], tasks: Sequence[Task], office: Office, now: datetime, reach: Reach = NOBODY
) -> Plan:
    """Plan the end of a closed or merged event, for which nothing is routed any more."""
    nowhere = Routing(rule="", route_id="", lead=office.duty_post)
    return plan(event, None, nowhere, alerts, tasks, office, now, reach=reach)


def _done(draft: _Draft, closed: Sequence[Alert] = ()) -> Plan:
    return Plan(
        alerts=tuple(draft.alerts),
        closed_alerts=tuple(closed),
        tasks=tuple(draft.tasks),
        deliveries=tuple({d.idem_key: d for d in draft.deliveries}.values()),
        audit=tuple(draft.audit),
        created=frozenset(draft.created),
        supersede=tuple(draft.supersede),
    )


def _historic(at: Setting) -> Plan:
    """History: tasks to look at, closed off from every clock and every message."""
    draft = _Draft()
    if at.event.level > 0 and not at.tasks:
        lead = new_task(at, at.routing.lead, "lead", None, None)
        draft.tasks += [lead, *(new_task(at, s, "support", lead.id, None) for s in at.routing.support)]
        draft.created |= {t.id for t in draft.tasks}
        draft.audit += [audit("task.create", f"task:{t.id}", t.department, at.now) for t in draft.tasks]
    return _done(draft)


def _closing(at: Setting) -> Plan:
    """An event that is over closes the alerts of departments that owe nothing more. A task that nobody has merged or
    closed keeps its alert and so its reminders, whatever became of the event."""
    draft, closed = _Draft(), []
    owing = {t.department for t in at.tasks if is_open(t)}
    for alert in at.alerts:
        if alert.closed_at is not None or alert.department in owing:
            continue
        closed.append(replace(alert, closed_at=at.now, next_action_at=None))
        draft.audit.append(audit("alert.close", f"alert:{alert.id}", alert.department, at.now))
        draft.supersede.append(alert.id)
        if at.event.status == "closed":
            calmed = calmed_until(alert.level, alert.opened_at, at.office, at.now) is not None
            draft.deliveries += _send(at, "CALMED" if calmed else "RESOLVED", alert, f"closed|{alert.id}", None)
    return _done(draft, closed)


def _lead_task(at: Setting, draft: _Draft) -> Task:
    """The event's one lead task: a person's re-assignment holds, a closed one is followed up only after a rise."""
    leads = [t for t in at.tasks if t.role == "lead"]
    standing = next((t for t in leads if is_open(t)), None)
    if standing is not None:
        return standing
    last = max(leads, key=lambda t: (t.created_at, t.id), default=None)
    if last is not None and not at.rose:
        return last
    department = last.department if last is not None else at.routing.lead
    task = new_task(at, department, "lead", None, last.id if last is not None else None)
    _create(at, draft, task)
    return task


def _support_tasks(at: Setting, draft: _Draft, lead: Task) -> None:
    """协办: once per event and department; what was returned or closed does not come back by itself.

    Who would surely lead by what is known now, where another leads already, has a part too: a grave rumour about a fire
    is the police's from then on, whoever signed for the fire.
    """
    known = {t.department for t in at.tasks} | {a.department for a in at.alerts} | {lead.department}
    also = () if at.routing.confirm else (at.routing.lead,)
    for department in (*also, *at.routing.support):
        if department not in known and is_open(lead):
            _create(at, draft, new_task(at, department, "support", lead.id, None))


def _create(at: Setting, draft: _Draft, task: Task) -> None:
    draft.tasks.append(task)
    draft.created.add(task.id)
    draft.audit.append(audit("task.create", f"task:{task.id}", f"{task.department} {task.rule} {task.level}", at.now))


def _refresh_tasks(at: Setting, draft: _Draft) -> None:
    """Name, level and clocks of open tasks follow the event, always from the original start."""
    for task in at.tasks:
        if not is_open(task) or task.historic:
            continue
        moved = replace(task, level=at.event.level, title=at.event.title)
        if moved.level != task.level:
            moved = snapshot(moved, at.office)
        moved = replace(moved, deadlines=retained(task, deadlines(moved, at.event, at.office, at.now, kinds=at.kinds)))
        if moved != task:
            draft.tasks.append(moved)
            draft.audit.append(adjusted(task, moved, at.now))


def _told(at: Setting, draft: _Draft) -> Iterator[str]:
    """Departments with a task, then those told without one, then duty posts that routing names; each once."""
    open_tasks = [t for t in (*at.tasks, *draft.tasks) if is_open(t)]
    yield from dict.fromkeys((*(t.department for t in open_tasks), *at.routing.copies))


def _alert(at: Setting, draft: _Draft, department: str) -> None:
    task = _task_of(at, draft, department)
    units = {t.department for t in (*at.tasks, *draft.tasks)}
    content = content_hash(at.event.level, at.routing.reasons, units, task.deadlines if task is not None else ())
    standing = at.open_alert(department)
    if standing is None:
        _open(at, draft, department, content, task)
    elif standing.content_hash == content:
        why = "内容没有变化，不重复发送"
        draft.deliveries.append(suppressed("NO_CHANGE", standing.id, None, department, content[:24], why, at.now))
    else:
        reason = level_reason(standing.level, at.event.level)
        alert = replace(standing, level=at.event.level, content_hash=content, reasons=at.routing.reasons)
        draft.alerts.append(replace(alert, next_action_at=next_clock(task)))
        draft.supersede.append(alert.id)
        draft.deliveries += _send(at, reason, alert, f"{content[:24]}|{at.epoch}", task)


def _open(at: Setting, draft: _Draft, department: str, content: str, task: Task | None) -> None:
    before = latest(at.alerts, department)
    alert = Alert(
        id=next_alert_id(at, department),
        event=at.event.id,
        department=department,
        level=at.event.level,
        content_hash=content,
        reasons=at.routing.reasons,
        opened_at=at.now,
        previous=before.id if before is not None else None,
        next_action_at=next_clock(task),
    )
    draft.alerts.append(alert)
    draft.created.add(alert.id)
    draft.audit.append(audit("alert.open", f"alert:{alert.id}", f"{department} {at.event.level}", at.now))
    reason = "REFLARE" if before is not None or at.event.previous is not None else "FIRST"
    if reason == "FIRST" and any(a.department != department for a in at.alerts):
        reason = "NEW_DEPT"
    if task is None:
        reason = "COPY"
    draft.deliveries += _send(at, reason, alert, f"open|{alert.id}", task)
    if task is not None and task.state == "confirm":
        draft.deliveries += for_task(
            "CONFIRM", task, at.office.duty_post, f"open|{task.id}", at.office, at.now, reach=at.reach
        )
    if task is not None and task.role == "lead":
        for post in (r for r in at.routing.recipients if r in at.office.recipients and r != at.office.duty_post):
            draft.deliveries += for_task("FIRST", task, post, f"open|{task.id}", at.office, at.now, reach=at.reach)


def _task_of(at: Setting, draft: _Draft, department: str) -> Task | None:
    """The open task of a department as this plan leaves it; the lead's before a supporting one."""
    known = {t.id: t for t in (*at.tasks, *draft.tasks)}
    own = [t for t in known.values() if t.department == department and is_open(t)]
    return min(own, key=lambda t: (t.role != "lead", t.created_at, t.id), default=None)


def _send(at: Setting, reason: str, alert: Alert, epoch: str, task: Task | None) -> list[Delivery]:
    """Send, or store why not. A lead that a person must confirm first is not told before."""
    if task is not None and task.state == "confirm":
        why = "责任单位待确认，确认后再通知"
        return [suppressed("UNCONFIRMED", alert.id, task.id, alert.department, epoch, why, at.now)]
    mute = muted(at, reason, alert)
    if mute is not None:
        code, why = mute
        return [
            suppressed(code, alert.id, task.id if task else None, alert.department, f"{reason}|{epoch}", why, at.now)
        ]
    when = send_time(reason, at.event.level, task.deadlines if task is not None else (), at.office, at.now)
    channels = at.routing.channels
    if task is not None:
        return for_task(
            reason, task, alert.department, epoch, at.office, at.now, not_before=when, channels=channels, reach=at.reach
        )
    return for_event(
        reason,
        at.event.id,
        at.event.title,
        at.event.level,
        alert.id,
        alert.department,
        epoch,
        at.office,
        at.now,
        not_before=when,
        channels=channels,
        reach=at.reach,
    )
