"""Policies before and after their release: three parts at once, time to be heard, and a 预案 whose triggers are live.

    draft ─ risk of talk, from what similar policies met ─ 预案 with triggers ─ package of three approved parts
          ─ release → watch period: triggers fire on events → 「已触发」, and many critical opinions suggest 后评估

文件与解读方案、解读材料同步组织、同步审签、同步发布; 征求意见一般不少于30日 (国务院令第713号). Pure; types of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from alerts.deadlines import spell
from storage.types import Event, Level, Office, Reason

PartName = Literal["document", "plan", "material"]
PART_NAMES: dict[PartName, str] = {"document": "文件", "plan": "解读方案", "material": "解读材料"}
#: 国务院令第713号: 公开征求意见一般不少于30日, shorter only with a public reason
CONSULTATION_DAYS = 30
#: how long a released policy is watched for its 预案
WATCH = timedelta(days=30)
#: opinions within the watch period that suggest an evaluation (editable by the office; 713号 gives no number)
EVALUATION_OPINIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the three parts of a package."""

    approved_at: datetime | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One condition of a 预案; every figure that is given must be reached."""

    code: str
    text: str  #: what to do: 口径, 责任人
    min_documents: int | None = None
    min_negative_share: float | None = None
    min_level: Level | None = None
    flags: tuple[str, ...] = ()
    floor: Level = 0  #: the matter is at least this level once the condition is met; 0 = its level stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """征求意见 on a draft, or the reason why there is none."""

    begin: str = ""  #: ISO dates, both inclusive
    end: str = ""
    link: str = ""  #: where people could read the draft and answer
    short_reason: str = ""  #: the public reason for fewer than CONSULTATION_DAYS
    opinions: int | None = None  #: how many came; None until it is counted
    adopted: int = 0
    uptake: str = ""  #: how they were taken up, and why others were not
    exempt: str = ""  #: why no consultation is needed, or why the release does not wait for its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy with its package, its interpreter and its 预案."""

    id: str
    title: str
    department: str  #: 牵头起草部门
    parts: Mapping[PartName, Part] = field(default_factory=dict)
    interpreter: str = ""  #: 第一解读人: a post
    released_at: datetime | None = None
    topics: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rule: str = ""  #: boolean rule by which talk about it is known; "" = by topic, or where a person says so
    groups: str = ""  #: 涉及群体
    release_on: str = ""  #: planned, ISO date
    registered_by: str = ""
    registered_at: datetime | None = None
    consultation: Consultation | None = None
    withdrawn_at: datetime | None = None
    version: int = 1  #: optimistic lock


def release_problems(policy: Policy) -> list[str]:
    """What still stands against a release, in Chinese; empty when all three parts are approved."""
    missing = [PART_NAMES[p] for p in PART_NAMES if _part(policy, p).approved_at is None]
    problems = [f"{'、'.join(missing)}尚未审签，三件应同步审签、同步发布"] if missing else []
    if not policy.interpreter:
        problems.append("尚未确定第一解读人")
    return problems


def _part(policy: Policy, name: PartName) -> Part:
    return policy.parts.get(name, Part())


def in_step(policy: Policy, now: datetime) -> tuple[bool | None, str]:
    """Whether the interpretation was published on the document's day; None before the document is out.

    What is not out yet counts as late from the day after.
    """
    document = _part(policy, "document").published_at
    if document is None:
        return None, "文件尚未发布"
    late = []
    for name in ("plan", "material"):
        at = _part(policy, name).published_at
        if (at or now).astimezone(document.tzinfo).date() > document.date():
            state = "晚发布" if at is not None else "尚未发布，已晚"
            late.append(f"{PART_NAMES[name]}{state} {spell((at or now) - document)}")
    return (False, "；".join(late)) if late else (True, "解读与文件同步")


def consultation_problems(start: date, end: date, short_reason: str = "", decided_at: date | None = None) -> list[str]:
    """What is wrong with a consultation; days are counted with the first and the last."""
    days = (end - start).days + 1
    problems = []
    if days < 1:
        problems.append("截止日期早于开始日期")
    elif days < CONSULTATION_DAYS and not short_reason.strip():
        problems.append(f"征求意见仅 {days} 日，少于 {CONSULTATION_DAYS} 日，须公开说明缩短的理由（国务院令第713号）")
    if decided_at is not None and decided_at <= end:
        problems.append("征求意见尚未截止即作出决定")
    return problems


def unheard(consultation: Consultation | None, today: date) -> list[str]:
    """What of the consultation stands against a release on this day, in Chinese; an exemption needs its reason only."""
    if consultation is None:
        return ["尚未登记征求意见情况（或不征求意见的理由）"]
    if consultation.exempt:
        return []
    begin, end = date.fromisoformat(consultation.begin), date.fromisoformat(consultation.end)
    problems = consultation_problems(begin, end, consultation.short_reason, today)
    if not problems and consultation.opinions is None:
        problems.append("尚未登记收到的意见数和采纳情况")
    return problems


def fired(policy: Policy, event: Event, now: datetime) -> list[Reason]:
    """The triggers of the 预案 that this event meets within the watch period; `foresight.at_least` makes them floors.

    A policy with a rule of its own is known by its words; the caller has matched them. Without one the topic decides.
    """
    if policy.released_at is None or not policy.released_at <= now < policy.released_at + WATCH:
        return []
    if event.historic or (not policy.rule and policy.topics and event.topic not in policy.topics):
        return []
    return [
        Reason(code=f"plan.{policy.id}.{t.code}", text=f"《{policy.title}》预案条件已触发：{t.text}")
        for t in policy.triggers
        if meets(t, event)
    ]


def meets(trigger: Trigger, event: Event) -> bool:
    """Whether every figure that the trigger gives is reached; one without any never fires."""
    share = event.negative / event.documents if event.documents else 0.0
    given = (trigger.min_documents, trigger.min_negative_share, trigger.min_level)
    if given == (None, None, None) and not trigger.flags:
        return False
    return (
        (trigger.min_documents is None or event.documents >= trigger.min_documents)
        and (trigger.min_negative_share is None or share >= trigger.min_negative_share)
        and (trigger.min_level is None or event.level >= trigger.min_level)
        and (not trigger.flags or not set(trigger.flags).isdisjoint(event.flags))
    )


def foreseen(policy: Policy, similar: Sequence[Event], office: Office) -> tuple[Level, list[Reason]]:
    """The level that talk about a draft may reach, from what similar policies met and from its topics, with reasons.

    The highest level that at least one in four of the similar events reached; a sensitive topic is at least the
    second lowest. A frame for the 风险评估, not a forecast: people decide.
    """
    reasons: list[Reason] = []
    levels = sorted((e.level for e in similar if not e.sample), reverse=True)
    level = levels[max(0, (len(levels) + 3) // 4 - 1)] if levels else 0
    if levels:
        text = f"{len(levels)} 起相似政策舆情，四分之一以上达到{office.level_name(level)}"
        evidence = tuple(e.id for e in similar[:5])
        reasons.append(Reason(code="policy.similar", text=text, evidence=evidence))
    sensitive = [
        office.topics[t].name for t in policy.topics if t in office.topics and office.topics[t].sensitivity >= 0.6
    ]
    if sensitive:
        level = max(level, min(2, len(office.levels)))
        reasons.append(Reason(code="policy.topic", text=f"涉及敏感主题：{'、'.join(sensitive)}"))
    if not reasons:
        reasons.append(Reason(code="policy.unknown", text="没有相似政策的舆情记录，请人工研判"))
    return level, reasons


def evaluation_due(policy: Policy, critical_opinions: int, now: datetime) -> Reason | None:
    """后评估 suggested where many opinions came within the watch period (713号: 意见较多的可以组织后评估)."""
    if policy.released_at is None or now < policy.released_at or critical_opinions < EVALUATION_OPINIONS:
        return None
    text = f"《{policy.title}》发布以来负面意见 {critical_opinions} 条，建议启动决策后评估（国务院令第713号）"
    return Reason(code="policy.evaluate", text=text)
