"""任务: the lists, one task with its clocks, and everything that people do to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fastapi import HTTPException
from starlette.responses import Response

from alerts.deadlines import state
from alerts.escalation import waited_for
from alerts.guards import CHECKS
from alerts.messages import words as reason_words
from alerts.replies import TEMPLATES, template
from alerts.tasks import Refused, Step, allowed, apply
from alerts.transitions import ACTION_NAMES, ACTIONS, FIELD_NAMES, FIELDS, TREATMENTS
from dashboards import words
from dashboards.duty import shifts
from dashboards.web.event_actions import moment
from dashboards.web.overview import OPEN_STATES
from dashboards.web.visit import Here
from storage.ports import DocumentQuery, StaleVersion, Transaction
from storage.types import Reply, Task

SIZE = 30
VIEWS: Mapping[str, str] = {
    "mine": "我的任务",
    "department": "本部门",
    "due": "24小时内到期",
    "returns": "退件待裁定",
    "confirm": "待确认派单",
    "review": "待审核",
    "closed": "已办结",
    "all": "全部未结",
}
#: longest text of the fields of an action; the others are short
LONG: Mapping[str, int] = {"text": 20_000, "reason": 1000, "consulted": 2000, "basis": 500, "link": 1000}
SHORT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionForm:
    """One action with what must and what may be filled in."""

    action: str
    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    main: bool  #: moves the task on; the others stand folded below


#: actions that move a task towards its end
FORWARD = ("confirm", "sign", "verify", "draft", "submit", "approve", "publish", "uphold", "reject_return", "close")


def views(visit: Here) -> list[str]:
    """The lists that make sense for this user."""
    if visit.scope is not None:
        return ["mine", "department", "due", "closed"]
    extra = {"returns": visit.may("admin", "leader", "officer"), "confirm": visit.may("admin", "officer")}
    return ["all", "due", *(name for name, on in extra.items() if on), "review", "closed"]


def index(visit: Here, view: str = "", department: str = "", page: int = 1) -> Response:
    """One list."""
    offered = views(visit)
    view = view if view in offered else offered[0 if visit.scope is None else 1]
    page = min(max(page, 1), 10_000)
    states = {"returns": ("return_pending",), "confirm": ("confirm",), "review": ("review",), "closed": ("closed",)}
    with visit.site.ledger.read() as tx:
        tasks, total = tx.tasks.find(
            department=visit.scope or department or None,
            states=states.get(view, OPEN_STATES),
            assignee=visit.user.name if view == "mine" else None,
            historic=False if view != "closed" else None,
            due_before=visit.now + timedelta(hours=24) if view == "due" else None,
            size=SIZE,
            offset=(page - 1) * SIZE,
        )
        counts = tx.tasks.counts(visit.scope, now=visit.now)
        events = tx.events.get([task.event for task in tasks])
    return visit.page(
        "tasks.html",
        tasks=tasks,
        total=total,
        counts=counts,
        view=view,
        views=offered,
        titles=VIEWS,
        events=events,
        department=department,
        page=page,
        size=SIZE,
    )


def visible(visit: Here, tx: Transaction, task_id: str) -> Task:
    """The task if it is this user's department's, or the user is city-wide. 404 otherwise."""
    task = tx.tasks.get(task_id)
    if task is None or visit.scope not in (None, task.department):
        raise HTTPException(404, "没有这项任务，或它不属于您的部门。")
    return task


def one(visit: Here, task_id: str, frame: str = "", to: str = "") -> Response:
    """The page of one task; opening it by its department is noted (seen is not signed)."""
    with visit.site.ledger.read() as tx:
        task = visible(visit, tx, task_id)
    if task.seen_at is None and task.department == visit.user.department:
        note_seen(visit, task)
    kept = template(frame, task.title, visit.names.department(task.department)) if frame in TEMPLATES else ""
    return show(visit, task_id, kept=kept, to=to if to in visit.office.departments else "")


def forms(visit: Here, task: Task, replies: list[Reply]) -> list[ActionForm]:
    """The actions open to this user, the one that moves the task on first."""
    last = max(replies, key=lambda reply: reply.version, default=None)
    found = allowed(task, visit.user, visit.now, visit.office, last)
    return [
        ActionForm(
            action=action,
            name=ACTION_NAMES[action],
            required=FIELDS[action][0],
            optional=FIELDS[action][1],
            main=action in FORWARD,
        )
        for action in sorted(found, key=lambda action: action not in FORWARD)
    ]


def note_seen(visit: Here, task: Task) -> None:
    """Keep the moment at which the department first opened the task; losing a race here does no harm."""
    with visit.site.ledger.begin() as tx:
        fresh = tx.tasks.get(task.id)
        if fresh is not None and fresh.seen_at is None:
            tx.tasks.change(replace(fresh, seen_at=visit.now))


def show(visit: Here, task_id: str, status: int = 200, problem: str = "", kept: str = "", to: str = "") -> Response:
    """The page, with what was wrong and the text that the person had typed."""
    with visit.site.ledger.read() as tx:
        task = visible(visit, tx, task_id)
        event = tx.events.get([task.event]).get(task.event)
        replies = tx.tasks.replies(task.id)
        entries = tx.audit.find(object_id=f"task:{task.id}")
        deliveries = tx.outbox.find(task=task.id)
        siblings = [t for t in tx.tasks.find(event=task.event, size=50)[0] if t.id != task.id]
        people = [u for u in tx.users.all() if u.department == task.department and u.active]
    return visit.page(
        "task.html",
        status,
        task=task,
        event=event,
        replies=replies,
        entries=entries,
        deliveries=deliveries,
        siblings=siblings,
        people=people,
        forms=forms(visit, task, replies),
        clocks=[(clock, state(clock, visit.now)) for clock in task.deadlines],
        problem=problem,
        kept=kept,
        to=to,
        field_names=FIELD_NAMES,
        treatments=TREATMENTS,
        checks=CHECKS,
        waiting=waited_for(task, visit.office, visit.now),
        frames=tuple(TEMPLATES),
        drafting=any(form.action == "draft" for form in forms(visit, task, replies)),
        reason_words=reason_words,
    )


def act(visit: Here, task_id: str, action: str) -> Response:
    """POST: one action. The second of two people is told who was first; nothing is overwritten."""
    filled = fields(visit, action)
    try:
        with visit.site.ledger.begin() as tx:
            task = visible(visit, tx, task_id)
            if visit.text("version", 20) != str(task.version):
                raise StaleVersion(first_one(visit, tx, task))
            around = context(visit, tx, task)
            step = apply(task, action, user=visit.user, office=visit.office, now=visit.now, **filled, **around)
            write(tx, step, visit.now)
            after_publishing(tx, step)
    except Refused as refusal:
        return show(visit, task_id, 422, f"{refusal}。", filled.get("text", ""))
    except StaleVersion as stale:
        return show(visit, task_id, 409, str(stale), filled.get("text", ""))
    if step.task.department != task.department and visit.scope is not None:
        return visit.go("/tasks", "task")
    return visit.go(f"/tasks/{task_id}", "task")


def fields(visit: Here, action: str) -> dict[str, str]:
    """What was filled in, of what this action takes."""
    known = next((name for name in ACTIONS if name == action), None)
    if known is None:
        raise HTTPException(404, "没有这一操作。")
    taken = [name for group in FIELDS[known] for name in group]
    found = {name: visit.text(name, LONG.get(name, SHORT)) for name in taken}
    if until := found.get("until"):
        at = moment(until, visit.office.timezone)
        found["until"] = at.isoformat() if at else ""
    return {name: value for name, value in found.items() if value}


def context(visit: Here, tx: Transaction, task: Task) -> dict[str, object]:
    """What the action's rules look at beside the task."""
    replies = tx.tasks.replies(task.id)
    family = tx.tasks.find(event=task.event, size=200)[0]
    goal = visit.text("into", 100).rsplit("/", 1)[-1]
    unit = visit.text("department", 64)
    alerts = tx.tasks.alerts(event=task.event, open_only=True)
    kinds = visit.site.documents.facets(DocumentQuery(filters={"event": [task.event]}), "kind", size=8)
    return {
        "event": tx.events.get([task.event]).get(task.event),
        "kinds": tuple(kind for kind, _ in kinds),
        "reply": max(replies, key=lambda reply: reply.version, default=None),
        "children": tuple(t for t in family if t.parent == task.id),
        "into": tx.tasks.get(goal) if goal else None,
        "alert": next((alert.id for alert in alerts if alert.department == unit), None),
        "users": {user.name: user for user in tx.users.all()},
        "duty": shifts(tx, visit.office),
    }


def first_one(visit: Here, tx: Transaction, task: Task) -> str:
    """Who was faster, and with what."""
    entries = tx.audit.find(object_id=f"task:{task.id}", size=1)
    what = f"已由 {entries[0].actor} 于{visit.names.when(entries[0].at)}更新" if entries else "刚刚被他人更新"
    return f"此任务{what}（现为“{words.STATE[task.state]}”），您的操作没有保存。请核对最新内容后再操作。"


def write(tx: Transaction, step: Step, now: datetime) -> None:
    """Everything that a step changes, in one transaction."""
    tx.tasks.change(step.task)
    for other in step.others:
        tx.tasks.change(other)
    for alert in tx.tasks.alerts(event=step.task.event) if step.close_alert else ():
        if alert.id == step.close_alert:
            tx.tasks.save_alert(replace(alert, closed_at=now))
    for alert in step.alerts:
        tx.tasks.open_alert(alert)
    if step.reply is not None:
        known = {reply.id for reply in tx.tasks.replies(step.task.id)}
        (tx.tasks.save_reply if step.reply.id in known else tx.tasks.add_reply)(step.reply)
    if step.supersede:
        tx.outbox.supersede(step.supersede, now)
    tx.outbox.add(step.deliveries)
    tx.audit.append(step.audit)


def after_publishing(tx: Transaction, step: Step) -> None:
    """The first published reply answers the event: from here its response gap is closed."""
    if step.reply is None or step.reply.published_at is None:
        return
    event = tx.events.get([step.task.event]).get(step.task.event)
    if event is not None and event.answered_at is None:
        tx.events.change(replace(event, answered_at=step.reply.published_at))
