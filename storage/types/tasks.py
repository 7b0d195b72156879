"""Who must answer, by when, what was sent, and what came back."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from storage.types.documents import Reason
from storage.types.office import Level

TaskState = Literal[
    "dispatched",  # 交办
    "signed",  # 签收
    "verifying",  # 核查
    "drafted",  # 拟稿
    "review",  # 审核
    "published",  # 发布
    "tracking",  # 跟踪
    "evaluated",  # 评估
    "closed",  # 办结
    "return_pending",  # 退件待裁
    "confirm",  # 待确认派单 (the machine is not sure enough)
    "merged",
]
TaskRole = Literal["lead", "support"]
DeadlineKind = Literal["statutory", "local", "internal"]
DeliveryStatus = Literal[
    "pending", "leased", "ok", "temp_fail", "perm_fail", "unknown", "superseded", "suppressed", "dead"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One event for one department. At most one open alert per (event, department): the ledger enforces it."""

    id: str
    event: str
    department: str
    level: Level
    content_hash: str  #: over level, reasons, departments, deadlines; never over heat figures
    reasons: tuple[Reason, ...]
    opened_at: datetime
    closed_at: datetime | None = None
    previous: str | None = None  #: a closed alert never reopens; a flare-up names it
    notified: int = 0  #: repeats sent so far
    next_action_at: datetime | None = None  #: the watchdog looks at this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One clock. `due_at` is computed from the original start; a change of level never restarts it."""

    task: str
    step: str  #: sign | reply | press | resolve | adjudicate | review
    kind: DeadlineKind
    basis: str  #: document number, or the office's own rule
    start_at: datetime
    due_at: datetime
    hours: float | None = None  #: natural hours, where the rule is in hours
    workdays: float | None = None  #: working days, where it is in days
    met_at: datetime | None = None
    text: str = ""  #: Chinese: "48小时内回应"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one department has to do about one event."""

    id: str
    event: str
    alert: str
    department: str
    role: TaskRole
    title: str
    level: Level
    state: TaskState
    rule: str  #: routing rule that fired: R1..R8
    reasons: tuple[Reason, ...]
    created_at: datetime
    dispatched_at: datetime | None = None
    seen_at: datetime | None = None  #: link opened; not the same as signed
    signed_at: datetime | None = None
    signed_by: str | None = None
    assignee: str | None = None
    treatment: str | None = None  #: 采纳 解决 调查处置 解疑 纠正
    parent: str | None = None  #: of a support task
    deadlines: tuple[Deadline, ...] = ()
    returned_to: str | None = None  #: suggested department of a pending return
    return_reason: str | None = None
    return_basis: str | None = None
    returns: int = 0
    previous: str | None = None
    merged_into: str | None = None
    closed_at: datetime | None = None
    note: str = ""
    historic: bool = False
    progress_at: datetime | None = None  #: last step forward after signing; signed without progress re-arms
    extend_until: datetime | None = None  #: 延期: asked for and not yet decided
    extend_reason: str | None = None
    extensions: int = 0  #: approved so far; one is the limit
    #: the level's steps and reminders as they were when the task was dispatched or its level changed; a later edit of
    #: office.toml does not move them. They count while `steps_level` is the task's level; 0 = none kept (older rows)
    escalation: tuple[tuple[float, str], ...] = ()
    reminders: tuple[int, ...] = ()
    steps_level: Level = 0
    acknowledged: tuple[tuple[str, str], ...] = ()  #: (duty post, user) who said 知悉; see LevelRule.acknowledge
    version: int = 1  #: optimistic lock: the second of two people is told, not overwritten


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A draft or a published answer; every version is kept."""

    id: str
    task: str
    version: int
    text: str
    author: str  #: user name
    created_at: datetime
    submitted_at: datetime | None = None
    secrecy_by: str | None = None  #: 保密审查
    legal_by: str | None = None  #: 法核
    wording_by: str | None = None  #: 口径
    rejected: str | None = None  #: reason of a rejection
    published_at: datetime | None = None
    published_by: str | None = None
    channel: str | None = None  #: where it was published
    link: str | None = None
    treatment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the outbox, written in the same transaction as the change that caused it."""

    id: str
    idem_key: str  #: sha256(alert|reason|epoch|recipient|channel): replays cannot double it, true repeats can
    alert: str | None
    task: str | None
    reason: str  #: FIRST LEVEL_UP DEADLINE_75 BREACH REPEAT_UNSIGNED ... and suppressions DUP QUIET SILENCED ...
    epoch: str
    recipient: str  #: user name, department id or duty post
    channel: str  #: id of a channel in office.toml
    subject: str  #: level, title, deadline and link only: this leaves the intranet
    body: str
    created_at: datetime
    not_before: datetime
    status: DeliveryStatus = "pending"
    urgent: bool = False
    attempts: int = 0
    next_at: datetime | None = None
    lease_until: datetime | None = None
    lease_owner: str | None = None
    provider_code: str | None = None
    provider_text: str | None = None
    provider_id: str | None = None
    sent_at: datetime | None = None
    within: str | None = None  #: id of the row whose message carried this one as a line of its list
    address: dict[str, str] = field(default_factory=dict)  #: channel-specific: {"email": ...}
