"""Who may do what to a task in which state: one table, tested whole. What is not in it is refused.

    confirm ─confirm→ dispatched ─sign→ signed ─verify→ verifying ─draft→ drafted ─submit→ review ─publish→ published
                        │  ↑ uphold       │                 simple path: signed ─draft→      ↑ reject ↓ drafted  │
                        └──┴─ return ─────┴→ return_pending ─reject_return→ signed                              ↓
    any ─merge→ merged         closed ←─close─ published | tracking | evaluated ←─evaluate─ tracking ←─track─────┘

There is no way out of closed or merged: a flare-up is a new task that names the old one.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from storage.types import Role, TaskState

Action = Literal[
    "confirm",
    "sign",
    "verify",
    "draft",
    "submit",
    "approve",
    "reject",
    "publish",
    "track",
    "evaluate",
    "close",
    "return",
    "uphold",
    "reject_return",
    "reassign",
    "assign",
    "extend_request",
    "extend_approve",
    "merge",
    "note",
    "acknowledge",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

ACTION_NAMES: dict[Action, str] = {
    "confirm": "确认派单",
    "sign": "签收",
    "verify": "开始核查",
    "draft": "拟稿",
    "submit": "送审",
    "approve": "审核通过",
    "reject": "审核退回",
    "publish": "发布",
    "track": "转入跟踪",
    "evaluate": "评估",
    "close": "办结",
    "return": "申请退件",
    "uphold": "同意退件并改派",
    "reject_return": "不同意退件",
    "reassign": "改派",
    "assign": "指派承办人",
    "extend_request": "申请延期",
    "extend_approve": "批复延期",
    "merge": "并入其他任务",
    "note": "记录",
    "acknowledge": "确认知悉",
}
STATE_NAMES: dict[TaskState, str] = {
    "confirm": "待确认派单",
    "dispatched": "已交办，待签收",
    "signed": "已签收",
    "verifying": "核查中",
    "drafted": "已拟稿",
    "review": "审核中",
    "published": "已发布",
    "tracking": "跟踪中",
    "evaluated": "已评估",
    "closed": "已办结",
    "return_pending": "退件待裁定",
    "merged": "已并入其他任务",
}
ROLE_NAMES: dict[Role, str] = {
    "admin": "系统管理员",
    "officer": "舆情监测员",
    "reviewer": "审核人",
    "lead": "部门负责人",
    "staff": "部门承办人",
    "leader": "值班领导",
    "api": "外部系统",
}

_STAFF: frozenset[Role] = frozenset({"lead", "staff"})
_LEAD: frozenset[Role] = frozenset({"lead"})
_OFFICER: frozenset[Role] = frozenset({"officer"})
_RULING: frozenset[Role] = frozenset({"officer", "leader"})
_REVIEW: frozenset[Role] = frozenset({"reviewer", "leader"})
_NOTE: frozenset[Role] = frozenset({"lead", "staff", "officer", "reviewer"})
#: roles that count only within the user's own department
DEPARTMENT_ROLES: frozenset[Role] = frozenset({"lead", "staff"})


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an action leads, and whose it is."""

    to: TaskState
    roles: frozenset[Role]


def _row(state: TaskState, **actions: tuple[TaskState, frozenset[Role]]) -> dict[tuple[TaskState, str], Transition]:
    return {(state, name.rstrip("_")): Transition(to, roles) for name, (to, roles) in actions.items()}


def _working(state: TaskState) -> dict[tuple[TaskState, str], Transition]:
    """What can be done to any task that a department works on."""
    return _row(
        state,
        assign=(state, _LEAD),
        extend_request=(state, _LEAD),
        extend_approve=(state, _RULING),
        merge=("merged", _OFFICER),
        note=(state, _NOTE),
        acknowledge=(state, _RULING),
    )


TRANSITIONS: dict[tuple[TaskState, str], Transition] = {
    **_row(
        "confirm",
        confirm=("dispatched", _OFFICER),
        close=("closed", _OFFICER),
        merge=("merged", _OFFICER),
        note=("confirm", _NOTE),
    ),
    **_row(
        "dispatched",
        sign=("signed", _STAFF),
        return_=("return_pending", _LEAD),
        reassign=("dispatched", _OFFICER),
        assign=("dispatched", _LEAD),
        close=("closed", _OFFICER),
        merge=("merged", _OFFICER),
        note=("dispatched", _NOTE),
        acknowledge=("dispatched", _RULING),
    ),
    **_working("signed"),
    **_row(
        "signed",
        verify=("verifying", _STAFF),
        draft=("drafted", _STAFF),
        return_=("return_pending", _LEAD),
        reassign=("dispatched", _OFFICER),
        close=("closed", _OFFICER),
    ),
    **_working("verifying"),
    **_row(
        "verifying",
        draft=("drafted", _STAFF),
        reassign=("dispatched", _OFFICER),
        close=("closed", _OFFICER | _LEAD),
    ),
    **_working("drafted"),
    **_row("drafted", draft=("drafted", _STAFF), submit=("review", _STAFF), close=("closed", _OFFICER)),
    **_working("review"),
    **_row(
        "review",
        approve=("review", _REVIEW),
        reject=("drafted", _REVIEW),
        publish=("published", _LEAD | _OFFICER),
        close=("closed", _OFFICER),
    ),
    **_row(
        "published",
        track=("tracking", _STAFF | _OFFICER),
        evaluate=("evaluated", _LEAD | _OFFICER),
        draft=("drafted", _STAFF),
        close=("closed", _LEAD | _OFFICER),
        merge=("merged", _OFFICER),
        note=("published", _NOTE),
    ),
    **_row(
        "tracking",
        evaluate=("evaluated", _LEAD | _OFFICER),
        draft=("drafted", _STAFF),
        close=("closed", _LEAD | _OFFICER),
        merge=("merged", _OFFICER),
        note=("tracking", _NOTE),
    ),
    **_row(
        "evaluated",
        close=("closed", _LEAD | _OFFICER),
        merge=("merged", _OFFICER),
        note=("evaluated", _NOTE),
    ),
    **_row(
        "return_pending",
        uphold=("dispatched", _RULING),
        reject_return=("signed", _RULING),
        merge=("merged", _OFFICER),
        note=("return_pending", _NOTE),
        acknowledge=("return_pending", _RULING),
    ),
}

#: states in which a department still owes its contribution
UNSUBMITTED: frozenset[TaskState] = frozenset(
    {"confirm", "dispatched", "signed", "verifying", "drafted", "return_pending"}
)
#: states without a way out
FINAL: frozenset[TaskState] = frozenset({"closed", "merged"})

#: what a person must fill in → (required, optional); the pages build their forms from it
FIELDS: dict[Action, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "confirm": ((), ("department",)),
    "sign": ((), ()),
    "verify": ((), ("text",)),
    "draft": (("text",), ("treatment",)),
    "submit": ((), ()),
    "approve": ((), ("check",)),
    "reject": (("reason",), ()),
    "publish": (("channel",), ("link", "without_support")),
    "track": ((), ("text",)),
    "evaluate": ((), ("text",)),
    "close": ((), ("reason",)),
    "return": (("reason", "department", "basis"), ()),
    "uphold": (("department",), ("consulted",)),
    "reject_return": (("reason",), ("consulted",)),
    "reassign": (("department", "reason"), ()),
    "assign": (("assignee",), ()),
    "extend_request": (("until", "reason"), ()),
    "extend_approve": ((), ("refused",)),
    "merge": ((), ()),
    "note": (("text",), ("step",)),
    "acknowledge": (("post",), ("text",)),
}
FIELD_NAMES: dict[str, str] = {
    "text": "内容",
    "treatment": "答复方式",
    "check": "审核事项",
    "reason": "理由",
    "channel": "发布渠道",
    "link": "发布链接",
    "without_support": "未报、先行发布的理由",
    "department": "单位",
    "basis": "派单目录条款",
    "consulted": "会商记录",
    "assignee": "承办人",
    "until": "延期至",
    "refused": "不同意的理由",
    "step": "完成的环节",
    "post": "岗位",
}
TREATMENTS = ("采纳", "解决", "调查处置", "解疑", "纠正")
