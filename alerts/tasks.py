"""What people do to a task: one pure function over one table.

    apply(task, action, user=…, office=…, now=…, **details) → Step(task, audit, deliveries, reply, …) | Refused

The caller writes the whole Step in one transaction; `ledger.tasks.change` refuses it with StaleVersion when somebody
was faster, so that the second person is told and nothing is overwritten. What must be filled in for each action
stands in `transitions.FIELDS`; what the caller hands in beside it (all optional where the action does not need it):

    event, kinds    the event and the kinds of its documents: needed where clocks start anew (confirm uphold reassign)
    reply           the latest Reply of the task: needed from draft to publish
    children        the 协办 tasks of a lead's task: publish looks at them
    into            merge: the task that goes on
    alert           id of the open alert of the department that a task moves to, where there is one
    users           login name → User, for the address of an assignee
    duty            the shifts that run, for the address of who is on duty
    request         id of the request, for the audit
"""

import json
from dataclasses import replace
from datetime import datetime

from alerts.guards import Case, Refused, guard
from alerts.steps import EFFECTS, Step
from alerts.transitions import (
    ACTION_NAMES,
    ACTIONS,
    DEPARTMENT_ROLES,
    FIELD_NAMES,
    FIELDS,
    STATE_NAMES,
    TRANSITIONS,
    Action,
)
from storage.types import AuditEntry, Office, Reply, Role, Task, User

__all__ = ["Action", "Refused", "Step", "allowed", "apply", "seen"]

_CONTEXT = frozenset({"event", "kinds", "reply", "children", "into", "alert", "users", "duty", "request"})
_AUDITED = (
    "state",
    "department",
    "level",
    "assignee",
    "signed_by",
    "treatment",
    "returned_to",
    "return_reason",
    "return_basis",
    "returns",
    "extensions",
    "merged_into",
    "acknowledged",
    "note",
)


def apply(task: Task, action: str, *, user: User, office: Office, now: datetime, **details: object) -> Step:
    """One person's action on one task. Raises Refused with a Chinese sentence; TypeError for a caller's mistake."""
    known = _known(action)
    roles = _permit(task, known, user)
    values = _values(known, details)
    context = {key: value for key, value in details.items() if key in _CONTEXT}
    case = Case(task=task, action=known, user=user, office=office, now=now, values=values, context=context)
    guard(case)
    moved = replace(task, state=TRANSITIONS[task.state, known].to)
    step = EFFECTS[known](replace(case, task=moved), task)
    return replace(step, audit=_audit(case, task, step, roles[0]))


def allowed(task: Task, user: User, now: datetime, office: Office, reply: Reply | None = None) -> list[Action]:
    """The actions that this person can take now, in the order of the table: for the buttons of the pages."""
    found: list[Action] = []
    for action in ACTIONS:
        try:
            _permit(task, action, user)
            guard(
                Case(task=task, action=action, user=user, office=office, now=now, context={"reply": reply}), soft=True
            )
        except Refused:
            continue
        found.append(action)
    return found


def seen(task: Task, user: User, now: datetime) -> Task | None:
    """The task with the moment at which its department first opened it; None where nothing changes.

    Seen is not signed: it stops no reminder and no clock, and it is no action of the table.
    """
    own = user.department == task.department and not DEPARTMENT_ROLES.isdisjoint(user.roles)
    if not own or task.seen_at is not None or task.state == "confirm":
        return None
    return replace(task, seen_at=now)


def _known(action: str) -> Action:
    for name in ACTIONS:
        if name == action:
            return name
    raise Refused(f"没有“{action}”这一操作")


def _permit(task: Task, action: Action, user: User) -> list[Role]:
    """The user's roles that carry this action; Refused where there is none."""
    row = TRANSITIONS.get((task.state, action))
    if row is None:
        raise Refused(f"任务{STATE_NAMES[task.state]}，不能{ACTION_NAMES[action]}")
    if not user.active:
        raise Refused("该账号已停用")
    roles = [r for r in user.roles if r in row.roles]
    own = user.department is not None and user.department == task.department
    usable = [r for r in roles if own or r not in DEPARTMENT_ROLES]
    if usable:
        return usable
    if roles:
        raise Refused("只能办理本单位的任务")
    raise Refused(f"您的角色不能{ACTION_NAMES[action]}")


def _values(action: Action, details: dict[str, object]) -> dict[str, str]:
    """The filled-in fields as text; moments as ISO 8601."""
    required, optional = FIELDS[action]
    unknown = set(details) - _CONTEXT - {*required, *optional}
    if unknown:
        raise TypeError(f"{action} takes no {', '.join(sorted(unknown))}")
    values = {}
    for field in (*required, *optional):
        value = details.get(field)
        text = value.isoformat() if isinstance(value, datetime) else str(value if value is not None else "").strip()
        if text:
            values[field] = text
        elif field in required:
            raise Refused(f"{ACTION_NAMES[action]}必须填写{FIELD_NAMES[field]}")
    return values


def _audit(case: Case, before: Task, step: Step, role: Role) -> AuditEntry:
    changed = [f for f in _AUDITED if getattr(before, f) != getattr(step.task, f)]
    after: dict[str, object] = {f: getattr(step.task, f) for f in changed}
    if case.values:
        after["filled"] = case.values
    if step.reply is not None:
        after["reply"] = f"{step.reply.id} 第{step.reply.version}稿"
    return AuditEntry(
        actor=case.user.name,
        action=f"task.{case.action}",
        object=f"task:{before.id}",
        at=case.now,
        role=role,
        before=json.dumps({f: getattr(before, f) for f in changed}, ensure_ascii=False, sort_keys=True),
        after=json.dumps(after, ensure_ascii=False, sort_keys=True),
        request=str(case.context.get("request") or ""),
    )
