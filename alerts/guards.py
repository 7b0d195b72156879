"""What refuses an action beyond the table of states and roles: windows, four eyes, missing parts, limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.calendar import add_workhours, local
from alerts.catalogue import name
from alerts.escalation import waited_for
from alerts.notices import Reach
from alerts.replies import personal, public_numbers
from alerts.transitions import FINAL, STATE_NAMES, TREATMENTS, UNSUBMITTED, Action
from storage.types import DutyShift, Event, Office, Reply, Task, User

#: the second return of a task is decided for good by the 政府办 (RESPONSE_RULES 2.7, 国办函〔2025〕66号)
MAX_RETURNS = 2
MAX_EXTENSIONS = 1
#: the three looks before anything is published
CHECKS = {"secrecy": "保密审查", "legal": "法核", "wording": "口径审核"}


class Refused(Exception):
    """The action cannot be taken; the message is Chinese and says why, for the person who tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One attempt: who does what to which task, with what filled in."""

    task: Task
    action: Action
    user: User
    office: Office
    now: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, object] = field(default_factory=dict)

    @property
    def reply(self) -> Reply | None:
        value = self.context.get("reply")
        return value if isinstance(value, Reply) else None

    @property
    def children(self) -> tuple[Task, ...]:
        value = self.context.get("children")
        return tuple(t for t in value if isinstance(t, Task)) if isinstance(value, (tuple, list)) else ()

    @property
    def reach(self) -> Reach:
        users, duty = self.context.get("users"), self.context.get("duty")
        roster = tuple(s for s in duty if isinstance(s, DutyShift)) if isinstance(duty, (tuple, list)) else None
        return Reach(users=users if isinstance(users, Mapping) else None, duty=roster)


def guard(case: Case, *, soft: bool = False) -> None:
    """Refuse what the table alone cannot see. `soft`: only what holds before anything is filled in (for buttons)."""
    check = _GUARDS.get(case.action)
    if check is not None:
        check(case, soft)


def return_until(task: Task, office: Office) -> datetime | None:
    """End of the window for 退件, from dispatch; None before dispatch. Afterwards the task is deemed accepted."""
    rule = office.rule(task.level)
    if task.dispatched_at is None or rule is None:
        return None
    if rule.sign_workhours:
        return add_workhours(task.dispatched_at, rule.return_minutes / 60, office)
    return task.dispatched_at + timedelta(minutes=rule.return_minutes)


def _guard_return(case: Case, soft: bool) -> None:
    if case.task.returns >= MAX_RETURNS:
        raise Refused("该任务已经政府办会商裁定，不能再次退件")
    until = return_until(case.task, case.office)
    if until is not None and case.now > until:
        raise Refused(f"退件时限已于 {local(until, case.office):%m月%d日 %H:%M} 截止，视为接收")
    if not soft:
        unit_of(case, other=True)


def unit_of(case: Case, *, other: bool) -> str:
    unit = case.values.get("department", case.task.department)
    if unit not in case.office.departments:
        raise Refused(f"没有编号为“{unit}”的单位")
    if other and unit == case.task.department:
        raise Refused("不能改派给原单位")
    return unit


def _guard_ruling(case: Case, soft: bool) -> None:
    if soft:
        return
    if case.action == "uphold":
        unit_of(case, other=True)
        event_of(case)
    if case.task.returns >= MAX_RETURNS and "consulted" not in case.values:
        raise Refused("第二次退件须由政府办会同编办、司法部门会商裁定，请填写会商记录")


def _guard_move(case: Case, soft: bool) -> None:
    if not soft:
        unit_of(case, other=case.action == "reassign")
        event_of(case)


def event_of(case: Case) -> Event:
    event = case.context.get("event")
    if not isinstance(event, Event):
        raise TypeError(f"{case.action} needs event=…: clocks start anew")
    return event


def _guard_reply(case: Case, soft: bool) -> None:
    if case.reply is None and not soft:
        raise Refused("还没有答复稿")
    if case.action == "approve" and case.reply is not None and case.reply.author == case.user.name:
        raise Refused("审核人不能审核自己起草的答复稿")
    if case.action == "approve" and case.values.get("check", "all") not in (*CHECKS, "all"):
        raise Refused(f"审核事项应为{'、'.join(CHECKS.values())}之一")


def _guard_submit(case: Case, soft: bool) -> None:
    """Nothing with a citizen's personal data goes to review; what an office publishes of itself may stand."""
    _guard_reply(case, soft)
    if case.reply is None or soft:
        return
    found = personal(case.reply.text, public_numbers(case.office))
    if found:
        raise Refused("；".join(problem.text for problem in found))


def _guard_draft(case: Case, soft: bool) -> None:
    treatment = case.values.get("treatment")
    if treatment is not None and treatment not in TREATMENTS:
        raise Refused(f"答复方式应为{'、'.join(TREATMENTS)}之一")


def _guard_publish(case: Case, soft: bool) -> None:
    if case.task.role == "support":
        raise Refused("协办单位不单独发布，由牵头单位统一发布")
    reply = case.reply
    if reply is None:
        if soft:
            return
        raise Refused("还没有答复稿")
    missing = [text for mark, text in CHECKS.items() if getattr(reply, f"{mark}_by") is None]
    if missing:
        raise Refused(f"尚未完成{'、'.join(missing)}，不能发布")
    late = [t for t in case.children if t.state in UNSUBMITTED]
    if late and not soft and "without_support" not in case.values:
        names = "、".join(name(t.department, case.office) for t in late)
        raise Refused(f"协办单位{names}尚未报送；如需先行发布，请填写“未报，先行发布”的理由")


def _guard_close(case: Case, soft: bool) -> None:
    task = case.task
    if task.state == "review" and task.role != "support":
        raise Refused("审核中的任务不能办结，请先发布或退回")
    if task.state == "verifying" and "officer" not in case.user.roles and task.rule not in ("R1", "R8"):
        raise Refused("尚未答复，不能办结")
    early = task.state not in ("published", "tracking", "evaluated")
    if early and not soft and "reason" not in case.values:
        raise Refused("未发布答复即办结，必须填写理由")


def _guard_extend(case: Case, soft: bool) -> None:
    task = case.task
    if case.action == "extend_approve":
        if task.extend_until is None:
            raise Refused("没有待批复的延期申请")
        return
    if task.extensions >= MAX_EXTENSIONS:
        raise Refused("延期只能批准一次")
    if task.extend_until is not None:
        raise Refused("已有延期申请待批复")
    due = min(
        (d.due_at for d in task.deadlines if d.step in ("reply", "resolve") and d.kind != "statutory"), default=None
    )
    if due is None or case.now >= due:
        raise Refused("延期须在时限届满前申请；法定时限不能延期")
    if not soft and until_of(case) <= due:
        raise Refused(f"延期后的时间应晚于现有时限 {local(due, case.office):%m月%d日 %H:%M}")


def until_of(case: Case) -> datetime:
    try:
        until = datetime.fromisoformat(case.values["until"])
    except ValueError as error:
        raise Refused("“延期至”应是日期和时间，例如 2025-10-09T17:30") from error
    return until if until.tzinfo is not None else until.replace(tzinfo=local(case.now, case.office).tzinfo)


def _guard_merge(case: Case, soft: bool) -> None:
    if soft:
        return
    into = case.context.get("into")
    if not isinstance(into, Task):
        raise TypeError("merge needs into=Task")
    if into.id == case.task.id:
        raise Refused("不能并入自身")
    if into.state in FINAL:
        raise Refused(f"目标任务{STATE_NAMES[into.state]}，不能并入")


def _guard_note(case: Case, soft: bool) -> None:
    step = case.values.get("step")
    if step is not None and step not in {d.step for d in case.task.deadlines if d.step == "press"}:
        raise Refused("只有新闻发布会环节可以用记录的方式完成")


def _guard_acknowledge(case: Case, soft: bool) -> None:
    """Only a post that was told, and each for itself; an officer writes down what was said on the telephone."""
    waiting = waited_for(case.task, case.office, case.now)
    if not waiting:
        raise Refused("没有等待确认知悉的岗位")
    if not soft and case.values["post"] not in waiting:
        raise Refused(f"等待确认知悉的岗位是{'、'.join(name(post, case.office) for post in waiting)}")
    if not soft and "officer" in case.user.roles and "leader" not in case.user.roles and "text" not in case.values:
        raise Refused("代为登记的，请写明何时、以何种方式报告")


_GUARDS: dict[Action, Callable[[Case, bool], None]] = {
    "return": _guard_return,
    "uphold": _guard_ruling,
    "reject_return": _guard_ruling,
    "confirm": _guard_move,
    "reassign": _guard_move,
    "draft": _guard_draft,
    "submit": _guard_submit,
    "approve": _guard_reply,
    "reject": _guard_reply,
    "publish": _guard_publish,
    "close": _guard_close,
    "extend_request": _guard_extend,
    "extend_approve": _guard_extend,
    "merge": _guard_merge,
    "note": _guard_note,
    "acknowledge": _guard_acknowledge,
}
