"""Before a policy is released: what may be said about it, and what is done then (风险评估研判、应对处置预案).

The questions are asked of the drafting department; the answers, the level that people expect and the 预案 are kept with
the policy. Nothing is released without them. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from alerts.notices import for_event
from alerts.policies import Policy, fired, meets, release_problems, unheard
from storage.query import QuerySyntaxError, matches, parse
from storage.types import Delivery, Event, Level, Office, Reason, Risk

#: what is asked before every release, in order; the codes are kept with the answers
QUESTIONS: Mapping[str, str] = {
    "groups": "涉及哪些群体，各约多少人？谁得到好处，谁的负担会加重？",
    "change": "与现行做法相比，群众办事、花钱、资格上能直接感到的变化是什么？",
    "past": "本市或外地类似政策出台后，群众主要议论什么，当时怎样回应？",
    "misread": "哪些表述容易被误读，准备用什么话说清楚？",
    "edge": "过渡期、存量和例外情形怎样衔接？",
    "heard": "征求过谁的意见，主要分歧在哪里，哪些采纳、哪些没有采纳及理由？",
    "timing": "出台时间是否与开学、汛期、节假日或其他政策叠加？",
    "capacity": "窗口、热线和政策咨询人员是否准备好，群众到哪里问、多久有答复？",
}
MIN_ANSWER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """舆情风险评估: answers, the level that talk may reach, what the system suggested, and whose word it is."""

    policy: str
    answers: Mapping[str, str]
    level: Level  #: the level that people expect
    suggested: Level
    reasons: tuple[Reason, ...]  #: of the suggestion
    conclusion: str  #: 可以出台 | 完善后出台 | 暂缓出台, with what is to be done first
    author: str
    at: datetime


def assessment_problems(answers: Mapping[str, str], conclusion: str) -> list[str]:
    """What is still unanswered, in Chinese; empty when everything is there."""
    short = [n for n, code in enumerate(QUESTIONS, 1) if len(answers.get(code, "").strip()) < MIN_ANSWER]
    problems = [f"第 {'、'.join(map(str, short))} 题尚未作答（每题至少 {MIN_ANSWER} 字）"] if short else []
    if not conclusion.strip():
        problems.append("请填写评估结论")
    return problems


def unready(policy: Policy, assessment: Assessment | None, today: date) -> list[str]:
    """What stands against a release on this day: package, consultation, assessment, 预案; in Chinese."""
    problems = [*release_problems(policy), *unheard(policy.consultation, today)]
    if assessment is None:
        problems.append("尚未做舆情风险评估")
    elif assessment.conclusion.startswith("暂缓"):
        problems.append("评估结论为暂缓出台")
    if not policy.triggers:
        problems.append("尚未制定应对处置预案")
    return problems


def rule_problem(rule: str) -> str:
    """What is wrong with the rule by which talk is known, or ""."""
    try:
        parse(rule)
    except QuerySyntaxError as mistake:
        return f"识别词不能使用：{mistake}"
    return ""


def about(policies: Iterable[Policy], texts: Iterable[str]) -> Policy | None:
    """The first policy, the newest registered first, that one of the texts speaks of by its rule."""
    known = [p for p in policies if p.rule and p.withdrawn_at is None]
    known.sort(key=lambda p: (p.registered_at is not None, p.registered_at, p.id), reverse=True)
    looked = list(texts)
    return next((p for p in known if any(matches(parse(p.rule), text) for text in looked)), None)


def at_least(risk: Risk, policy: Policy, event: Event, office: Office, now: datetime) -> Risk:
    """The risk with the floor that the 预案 sets for what the event has reached; unchanged where nothing fired."""
    reasons = fired(policy, event, now)
    if not reasons:
        return risk
    highest = max((t.floor for t in policy.triggers if meets(t, event)), default=0)
    floor = max(risk.floor or 0, min(highest, len(office.levels))) or None
    return replace(risk, floor=floor, reasons=(*risk.reasons, *reasons))


def plan_fired(policy: Policy, event: Event, office: Office, now: datetime) -> list[Delivery]:
    """The drafting department and the duty post hear of each condition once, whatever the level is."""
    rows: list[Delivery] = []
    for reason in fired(policy, event, now):
        epoch = f"{event.id}|{reason.code}"
        for who in dict.fromkeys((policy.department, office.duty_post)):
            rows += for_event("PLAN", event.id, event.title, event.level, None, who, epoch, office, now)
    return rows
