"""What each action changes: the task, its clocks, its reply, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.deadlines import adjudicate, deadlines, extend, meet
from alerts.escalation import due_at_once, snapshot
from alerts.guards import CHECKS, Case, event_of, unit_of, until_of
from alerts.identity import alert_id, content_hash, reply_id
from alerts.night import calmed
from alerts.notices import for_task
from alerts.transitions import Action
from storage.types import Alert, AuditEntry, Delivery, Reply, Task

_UNRECORDED = AuditEntry(actor="", action="", object="", at=datetime.min)  # noqa: DTZ901 - never leaves tasks.apply


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Everything that follows from one action, to be written in one transaction."""

    task: Task
    audit: AuditEntry = field(default=_UNRECORDED)
    deliveries: tuple[Delivery, ...] = ()
    reply: Reply | None = None  #: new or changed version
    others: tuple[Task, ...] = ()  #: 协办 tasks that end with the lead's
    alerts: tuple[Alert, ...] = ()  #: opened for the department that the task moved to
    close_alert: str | None = None  #: alert of the department that the task left
    supersede: str | None = None  #: alert whose waiting messages are out of date (`outbox.supersede`)


def _tell(case: Case, task: Task, reason: str, recipient: str, tail: str = "") -> tuple[Delivery, ...]:
    """One message about an action; its epoch is the version that the action produced, so a retry cannot double it."""
    epoch = f"v{task.version}{tail}"
    return tuple(for_task(reason, task, recipient, epoch, case.office, case.now, reach=case.reach))


def _progress(case: Case, **changes: object) -> Task:
    task = replace(case.task, progress_at=case.now)
    return replace(task, **changes) if changes else task  # type: ignore[arg-type]


def _confirm(case: Case, before: Task) -> Step:
    return _dispatch(case, before, unit_of(case, other=False), returns=before.returns)


def _reassign(case: Case, before: Task) -> Step:
    return _dispatch(case, before, unit_of(case, other=True), returns=before.returns)


def _uphold(case: Case, before: Task) -> Step:
    """The time of an upheld return is charged to the dispatch: the new unit's own clocks start now, never the law's."""
    step = _dispatch(case, before, unit_of(case, other=True), returns=before.returns)
    told = _tell(case, replace(step.task, department=before.department), "RETURN_DECIDED", before.department)
    return replace(step, deliveries=(*step.deliveries, *told))


def _dispatch(case: Case, before: Task, department: str, *, returns: int) -> Step:
    """Hand the task to a department, afresh: unsigned, nobody assigned, internal clocks from now."""
    moved = department != before.department
    event = event_of(case)
    task = replace(
        case.task,
        department=department,
        dispatched_at=case.now,
        signed_at=None,
        signed_by=None,
        seen_at=None,
        assignee=None if moved else before.assignee,
        returned_to=None,
        return_reason=None,
        return_basis=None,
        returns=returns,
        extend_until=None,
        extend_reason=None,
        progress_at=None,
        deadlines=tuple(d for d in before.deadlines if d.kind == "statutory"),
    )
    alerts: tuple[Alert, ...] = ()
    if moved:
        task, alerts = _move_alert(case, task)
    kinds = case.context.get("kinds")
    named = tuple(str(k) for k in kinds) if isinstance(kinds, (tuple, list)) else ()
    task = snapshot(replace(task, deadlines=deadlines(task, event, case.office, case.now, kinds=named)), case.office)
    reason = "FIRST" if before.state == "confirm" else "NEW_DEPT"
    # the law's clocks did not stop on the way: what has run out meanwhile is said at once, to the new unit too
    late = due_at_once(task, event, case.office, case.now, case.reach)
    return Step(
        task=task,
        deliveries=(*_tell(case, task, reason, department), *late),
        alerts=alerts,
        close_alert=before.alert if moved else None,
        supersede=before.alert or None,
    )


def _move_alert(case: Case, task: Task) -> tuple[Task, tuple[Alert, ...]]:
    """The alert of the new department: the open one that the caller knows, or a new one."""
    known = case.context.get("alert")
    if isinstance(known, str) and known:
        return replace(task, alert=known), ()
    alert = Alert(
        id=alert_id(task.event, task.department, f"{task.alert}|{task.version}"),
        event=task.event,
        department=task.department,
        level=task.level,
        content_hash=content_hash(task.level, task.reasons, (task.department,), task.deadlines),
        reasons=task.reasons,
        opened_at=case.now,
    )
    return replace(task, alert=alert.id), (alert,)


def _sign(case: Case, before: Task) -> Step:
    task = _progress(case, signed_at=case.now, signed_by=case.user.name)
    return Step(task=replace(task, deadlines=meet(task.deadlines, "sign", case.now)), supersede=before.alert or None)


def _move(case: Case, before: Task) -> Step:
    note = case.values.get("text")
    return Step(task=_progress(case, note=note) if note else _progress(case))


def _draft(case: Case, before: Task) -> Step:
    version = case.reply.version + 1 if case.reply is not None else 1
    treatment = case.values.get("treatment", before.treatment)
    reply = Reply(
        id=reply_id(before.id, version),
        task=before.id,
        version=version,
        text=case.values["text"],
        author=case.user.name,
        created_at=case.now,
        treatment=treatment,
    )
    return Step(task=_progress(case, treatment=treatment), reply=reply)


def _submit(case: Case, before: Task) -> Step:
    task = _progress(case)
    if task.role == "support":
        task = replace(task, deadlines=meet(task.deadlines, "reply", case.now))
    reply = replace(case.reply, submitted_at=case.now, rejected=None) if case.reply is not None else None
    return Step(task=task, reply=reply, deliveries=_tell(case, task, "REVIEW", case.office.duty_post))


def _approve(case: Case, before: Task) -> Step:
    """One or all of 保密审查, 法核, 口径; the department is told when the last one is there."""
    check = case.values.get("check", "all")
    marks = {f"{mark}_by": case.user.name for mark in CHECKS if check in (mark, "all")}
    reply = replace(case.reply, **marks) if case.reply is not None else None  # type: ignore[arg-type]
    done = reply is not None and all(getattr(reply, f"{mark}_by") for mark in CHECKS)
    told = _tell(case, case.task, "APPROVED", before.department) if done else ()
    return Step(task=_progress(case), reply=reply, deliveries=told)


def _reject(case: Case, before: Task) -> Step:
    reply = None
    if case.reply is not None:
        reply = replace(
            case.reply,
            rejected=case.values["reason"],
            secrecy_by=None,
            legal_by=None,
            wording_by=None,
            submitted_at=None,
        )
    return Step(
        task=_progress(case), reply=reply, deliveries=_tell(case, case.task, "REPLY_REJECTED", before.department)
    )


def _publish(case: Case, before: Task) -> Step:
    task = _progress(case)
    if "without_support" in case.values:
        task = replace(task, note=f"未报，先行发布：{case.values['without_support']}")
    reply = None
    if case.reply is not None:
        reply = replace(
            case.reply,
            published_at=case.now,
            published_by=case.user.name,
            channel=case.values["channel"],
            link=case.values.get("link"),
        )
    ended = tuple(replace(t, state="closed", closed_at=case.now) for t in case.children if t.state == "review")
    task = replace(task, deadlines=meet(task.deadlines, "reply", case.now))
    return Step(task=task, reply=reply, others=ended, supersede=before.alert or None)


def _close(case: Case, before: Task) -> Step:
    note = case.values.get("reason", before.note)
    task = _progress(case, closed_at=case.now, note=note)
    step = Step(task=replace(task, deadlines=meet(task.deadlines, "resolve", case.now)), supersede=before.alert or None)
    return replace(step, deliveries=calmed(before, case.office, case.now, case.reach))


def _return(case: Case, before: Task) -> Step:
    """The unit hands it to the 政府办, never on by itself; the law's clocks run on."""
    task = _progress(
        case,
        returned_to=unit_of(case, other=True),
        return_reason=case.values["reason"],
        return_basis=case.values["basis"],
        returns=before.returns + 1,
    )
    rule = case.office.rule(task.level)
    kept = tuple(d for d in task.deadlines if d.step != "adjudicate")
    if rule is not None and not task.historic:
        task = replace(task, deadlines=(*kept, adjudicate(task, rule, case.now)))
    return Step(
        task=task,
        deliveries=_tell(case, task, "RETURN_REQUESTED", case.office.duty_post),
        supersede=before.alert or None,
    )


def _reject_return(case: Case, before: Task) -> Step:
    """The task is the unit's; a unit that had not signed counts as having signed by this ruling. Its clocks ran on."""
    by = before.signed_by or f"裁定：{case.user.display}"
    task = _progress(
        case,
        signed_at=before.signed_at or case.now,
        signed_by=by,
        returned_to=None,
        note=case.values["reason"],
    )
    rows = meet(meet(task.deadlines, "adjudicate", case.now), "sign", case.now)
    task = replace(task, deadlines=rows)
    return Step(task=task, deliveries=_tell(case, task, "RETURN_DECIDED", before.department))


def _assign(case: Case, before: Task) -> Step:
    task = replace(case.task, assignee=case.values["assignee"])
    return Step(task=task, deliveries=_tell(case, task, "ASSIGNED", case.values["assignee"]))


def _extend_request(case: Case, before: Task) -> Step:
    task = replace(case.task, extend_until=until_of(case), extend_reason=case.values["reason"])
    return Step(task=task, deliveries=_tell(case, task, "EXTEND_REQUESTED", case.office.duty_post))


def _extend_approve(case: Case, before: Task) -> Step:
    """Granted, or with `refused` turned down; only internal and local clocks move."""
    granted = "refused" not in case.values and before.extend_until is not None
    task = replace(case.task, extend_until=None, extend_reason=None)
    if granted and before.extend_until is not None:
        rows = extend(task.deadlines, before.extend_until, case.office)
        task = replace(task, deadlines=rows, extensions=before.extensions + 1)
    reason = "EXTENDED" if granted else "EXTEND_REFUSED"
    return Step(task=task, deliveries=_tell(case, task, reason, before.department))


def _merge(case: Case, before: Task) -> Step:
    into = case.context.get("into")
    target = into.id if isinstance(into, Task) else None
    return Step(
        task=replace(case.task, merged_into=target, closed_at=case.now),
        close_alert=before.alert or None,
        supersede=before.alert or None,
    )


def _note(case: Case, before: Task) -> Step:
    task = replace(case.task, note=case.values["text"])
    step = case.values.get("step")  # only a press conference is met by a note
    return Step(task=replace(task, deadlines=meet(task.deadlines, step, case.now)) if step else task)


def _acknowledge(case: Case, before: Task) -> Step:
    said = (*before.acknowledged, (case.values["post"], case.user.name))
    return Step(task=replace(case.task, acknowledged=said))


EFFECTS: dict[Action, Callable[[Case, Task], Step]] = {
    "confirm": _confirm,
    "sign": _sign,
    "verify": _move,
    "draft": _draft,
    "submit": _submit,
    "approve": _approve,
    "reject": _reject,
    "publish": _publish,
    "track": _move,
    "evaluate": _move,
    "close": _close,
    "return": _return,
    "uphold": _uphold,
    "reject_return": _reject_return,
    "reassign": _reassign,
    "assign": _assign,
    "extend_request": _extend_request,
    "extend_approve": _extend_approve,
    "merge": _merge,
    "note": _note,
    "acknowledge": _acknowledge,
}
