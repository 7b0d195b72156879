"""What `plan` looks at, and the small questions it asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.deadlines import deadlines, next_due
from alerts.escalation import snapshot
from alerts.identity import alert_id, task_id
from alerts.notices import NOBODY, Reach
from alerts.routing import Routing
from alerts.silences import Silence, Umbrella, mute
from alerts.transitions import FINAL
from storage.types import Alert, AuditEntry, Deadline, Event, Level, LevelChange, Office, Task, TaskRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One event at one moment, with everything that stands already."""

    event: Event
    change: LevelChange | None
    routing: Routing
    alerts: tuple[Alert, ...]
    tasks: tuple[Task, ...]
    office: Office
    now: datetime
    kinds: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()
    umbrellas: tuple[Umbrella, ...] = ()
    reach: Reach = NOBODY

    def open_alert(self, department: str) -> Alert | None:
        """The one open alert of a department (the ledger allows no second)."""
        mine = (a for a in self.alerts if a.department == department and a.closed_at is None)
        return min(mine, key=lambda a: (a.opened_at, a.id), default=None)

    @property
    def rose(self) -> bool:
        return self.change is not None and self.change.after > self.change.before

    @property
    def epoch(self) -> str:
        """Names the change of level that a message is about: the same change never sends twice."""
        return self.change.at.isoformat() if self.change is not None else "same-level"


def new_task(at: Setting, department: str, role: TaskRole, parent: str | None, previous: str | None) -> Task:
    """A task as it begins: to be confirmed where the lead is not sure, else dispatched now, with its clocks."""
    historic = at.event.historic
    confirm = at.routing.confirm and role == "lead" and not historic
    alert = "" if historic else next_alert_id(at, department)
    task = Task(
        id=task_id(at.event.id, department, previous),
        event=at.event.id,
        alert=alert,
        department=department,
        role=role,
        title=at.event.title,
        level=at.event.level,
        state="confirm" if confirm else "dispatched",
        rule=at.routing.rule,
        reasons=at.routing.reasons,
        created_at=at.now,
        dispatched_at=None if confirm or historic else at.now,
        parent=parent,
        previous=previous,
        historic=historic,
    )
    return snapshot(replace(task, deadlines=deadlines(task, at.event, at.office, at.now, kinds=at.kinds)), at.office)


def next_alert_id(at: Setting, department: str) -> str:
    """Id of the department's open alert, or of the one that comes after its last closed one."""
    standing = at.open_alert(department)
    if standing is not None:
        return standing.id
    before = latest(at.alerts, department)
    return alert_id(at.event.id, department, before.id if before is not None else None)


def is_open(task: Task) -> bool:
    return task.state not in FINAL


def latest(alerts: Iterable[Alert], department: str) -> Alert | None:
    """The last closed alert of a department."""
    closed = (a for a in alerts if a.department == department and a.closed_at is not None)
    return max(closed, key=lambda a: (a.opened_at, a.id), default=None)


def level_reason(before: Level, after: Level) -> str:
    if after == before:
        return "UPDATED"
    return "LEVEL_UP" if after > before else "LEVEL_DOWN"


def retained(task: Task, fresh: Sequence[Deadline]) -> tuple[Deadline, ...]:
    """The re-computed clocks, and of the old ones what no longer applies but was met: it stays on the record."""
    steps = {(d.step, d.kind) for d in fresh}
    done = (d for d in task.deadlines if d.met_at is not None and (d.step, d.kind) not in steps)
    return tuple(sorted((*fresh, *done), key=lambda d: (d.due_at, d.step, d.kind)))


def muted(at: Setting, reason: str, alert: Alert) -> tuple[str, str] | None:
    """(code of the suppression, Chinese words) or None."""
    return mute(reason, at.event, alert.department, at.silences, at.umbrellas, at.office, at.now)


def next_clock(task: Task | None) -> datetime | None:
    """When the task's next clock runs out, for lists and the watchdog."""
    due = next_due(task) if task is not None else None
    return due.due_at if due is not None else None


def audit(action: str, what: str, after: str, now: datetime) -> AuditEntry:
    return AuditEntry(actor="system", action=action, object=what, at=now, after=after)


def adjusted(before: Task, after: Task, now: datetime) -> AuditEntry:
    """A changed level, clocks that moved under the same one, or a new name alone: the record tells them apart."""
    if before.level != after.level:
        return audit("task.level", f"task:{after.id}", f"{before.level}→{after.level}", now)
    if before.deadlines == after.deadlines:
        return audit("task.title", f"task:{after.id}", after.title, now)
    clocks = "、".join(dict.fromkeys(d.text or d.step for d in after.deadlines if d not in before.deadlines))
    return audit("task.clock", f"task:{after.id}", clocks or "取消一项时限", now)
