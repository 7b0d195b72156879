"""政策: register a draft, assess what may be said of it, plan for it, release it in step, watch it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime

from fastapi import HTTPException
from starlette.responses import Response

from alerts.foresight import QUESTIONS, Assessment, assessment_problems, rule_problem, unready
from alerts.policies import PART_NAMES, Policy, evaluation_due, fired, foreseen, in_step
from dashboards.policies import (
    KeptPolicy,
    PolicyRefused,
    approve_part,
    assess,
    change,
    consult,
    link,
    linked,
    policies,
    publish_part,
    read,
    release,
    withdraw,
)
from dashboards.policies import register as keep
from dashboards.web.event_actions import moment
from dashboards.web.policy_forms import TRIGGERS, consultation, today, trigger
from dashboards.web.visit import Here, Visit
from storage.ports import DocumentQuery, StaleVersion, Transaction
from storage.query import parse
from storage.types import Event, Role

CONCLUSIONS = ("可以出台", "完善后出台", "暂缓出台")
#: who may do what; lead and staff only for their own department's policies
MAY: Mapping[str, tuple[Role, ...]] = {
    "assess": ("officer", "lead", "staff"),
    "plan": ("officer", "lead", "staff"),
    "consult": ("officer", "lead", "staff"),
    "approve": ("reviewer", "leader"),
    "publish": ("officer", "lead"),
    "release": ("officer", "lead"),
    "withdraw": ("officer", "lead"),
    "link": ("officer",),
}
DEPARTMENTAL: tuple[Role, ...] = ("lead", "staff")


def index(visit: Here) -> Response:
    """Every policy that this user may see, with what is still missing."""
    return listed(visit)


def listed(visit: Visit, status: int = 200, problem: str = "") -> Response:
    """The list and the form for a new draft."""
    with visit.site.ledger.read() as tx:
        found = [p for p in policies(tx) if visit.scope in (None, p.department)]
        rows = [(p, kept.assessment) for p in found if (kept := read(tx, p.id)) is not None]
    return visit.page(
        "policies.html",
        status,
        rows=[(p, a, unready(p, a, today(visit))) for p, a in rows],
        problem=problem,
        parts_of=PART_NAMES,
    )


def register(visit: Here) -> Response:
    """POST: a new draft."""
    department = visit.scope or visit.text("department", 64)
    topic, rule, title = visit.text("topic", 64), visit.text("rule", 500), visit.text("title", 200)
    problem = next(filter(None, mistakes(visit, title, department, topic, rule)), "")
    if problem:
        return listed(visit, 422, problem)
    draft = Policy(
        id="",
        title=title,
        department=department,
        interpreter=visit.text("interpreter", 100) or visit.office.departments[department].first_interpreter,
        topics=(topic,) if topic else (),
        rule=rule,
        groups=visit.text("groups", 500),
        release_on=visit.text("release_on", 10),
    )
    with visit.site.ledger.begin() as tx:
        made = keep(tx, draft, visit.user, visit.now)
    return visit.go(f"/policies/{made.id}", "policy")


def mistakes(visit: Visit, title: str, department: str, topic: str, rule: str) -> tuple[str, ...]:
    """What is wrong with the fields of a new draft, "" for each that is right."""
    day = visit.text("release_on", 10)
    try:
        dated = not day or bool(date.fromisoformat(day))
    except ValueError:
        dated = False
    return (
        "" if title else "请填写政策名称。",
        "" if department in visit.office.departments else "请选择牵头起草部门。",
        "" if topic in ("", *visit.office.topics) else "没有这个专题。",
        "" if dated else "计划发布日期应写作 2026-12-01 的样子。",
        rule_problem(rule) and f"{rule_problem(rule)}。",
    )


def visible(visit: Visit, tx: Transaction, policy_id: str) -> KeptPolicy:
    """The policy if it is this user's department's, or the user is city-wide. 404 otherwise."""
    kept = read(tx, policy_id)
    if kept is None or visit.scope not in (None, kept.policy.department):
        raise HTTPException(404, "没有这项政策，或它不属于您的部门。")
    return kept


def one(visit: Here, policy_id: str) -> Response:
    """One policy with everything that was kept and seen of it."""
    return show(visit, policy_id)


def show(visit: Visit, policy_id: str, status: int = 200, problem: str = "") -> Response:
    """The page, with what was wrong; what the person had typed is in the form again."""
    with visit.site.ledger.read() as tx:
        kept = visible(visit, tx, policy_id)
        policy = kept.policy
        events = list(tx.events.get(linked(tx, policy.id)).values())
        similar = past(visit, tx, policy, {event.id for event in events})
        entries = tx.audit.find(object_id=f"policy:{policy.id}", size=50)
    talk = talk_of(visit, policy)
    level, reasons = foreseen(policy, similar, visit.office)
    return visit.page(
        "policy.html",
        status,
        policy=policy,
        assessment=kept.assessment,
        missing=unready(policy, kept.assessment, today(visit)),
        in_step=in_step(policy, visit.now),
        events=[(event, fired(policy, event, visit.now)) for event in events],
        similar=similar,
        suggested=level,
        reasons=reasons,
        talk=talk,
        evaluation=evaluation_due(policy, talk["negative"], visit.now),
        entries=entries,
        questions=QUESTIONS,
        conclusions=CONCLUSIONS,
        parts_of=PART_NAMES,
        slots=TRIGGERS,
        may=lambda action: may(visit, policy, action),
        problem=problem,
        typed=visit.form,
    )


def past(visit: Visit, tx: Transaction, policy: Policy, own: set[str]) -> list[Event]:
    """Earlier events in which people spoke of the like."""
    if not policy.rule:
        return []
    query = DocumentQuery(words=parse(policy.rule), until=policy.registered_at)
    ids = [name for name, _ in visit.site.documents.facets(query, "event", size=20) if name not in own]
    return list({event.id: event for event in tx.events.get(ids).values()}.values())


def talk_of(visit: Visit, policy: Policy) -> dict[str, int]:
    """How much was said since the draft was registered, and since its release."""
    counts = {"all": 0, "negative": 0, "since": 0}
    if not policy.rule or policy.registered_at is None:
        return counts
    words, store = parse(policy.rule), visit.site.documents
    counts["since"] = store.count(DocumentQuery(words=words, since=policy.registered_at, historic=False))
    if policy.released_at is not None:
        after = DocumentQuery(words=words, since=policy.released_at, historic=False)
        moods = dict(store.facets(after, "sentiment", size=3))
        counts["all"], counts["negative"] = sum(moods.values()), moods.get("negative", 0)
    return counts


def may(visit: Visit, policy: Policy, action: str) -> bool:
    """Whether this user may take this step: by role, and for a department by its own policies."""
    roles = [role for role in MAY[action] if role in visit.user.roles]
    own = visit.user.department == policy.department
    return any(own or role not in DEPARTMENTAL for role in roles)


def act(visit: Here, policy_id: str, action: str) -> Response:
    """POST: one step. What is wrong is shown on the page."""
    step = STEPS.get(action)
    if step is None:
        raise HTTPException(404, "没有这一操作。")
    try:
        with visit.site.ledger.begin() as tx:
            kept = visible(visit, tx, policy_id)
            if not may(visit, kept.policy, action):
                raise HTTPException(403, "您的角色不能办理这一步，或这不是您部门的政策。")
            if visit.text("version", 20) != str(kept.policy.version):
                raise StaleVersion("这项政策刚刚被更新，您的操作没有保存。请核对最新内容后重试。")
            step(visit, tx, kept)
    except PolicyRefused as refusal:
        return show(visit, policy_id, 422, f"{refusal}。")
    except StaleVersion as stale:
        return show(visit, policy_id, 409, str(stale))
    return visit.go(f"/policies/{policy_id}", "policy")


def _assess(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    answers = {code: visit.text(f"q_{code}", 2000) for code in QUESTIONS}
    kind, detail, level = visit.text("conclusion", 10), visit.text("detail", 1000), visit.text("level", 2)
    problems = assessment_problems(answers, kind)
    if (kind and kind not in CONCLUSIONS) or not level.isdigit() or int(level) > len(visit.office.levels):
        problems.append("请选择评估结论和预计等级")
    if problems:
        raise PolicyRefused("；".join(problems))
    policy = kept.policy
    suggested, reasons = foreseen(policy, past(visit, tx, policy, set(linked(tx, policy.id))), visit.office)
    row = Assessment(
        policy=policy.id,
        answers=answers,
        level=int(level),
        suggested=suggested,
        reasons=tuple(reasons),
        conclusion=f"{kind}：{detail}" if detail else kind,
        author=visit.user.name,
        at=visit.now,
    )
    assess(tx, row, visit.user, visit.now)


def _plan(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    triggers = tuple(t for n in range(1, TRIGGERS + 1) if (t := trigger(visit, n)) is not None)
    if not triggers:
        raise PolicyRefused("预案至少要有一个条件和对应的措施")
    change(
        tx,
        replace(kept.policy, triggers=triggers),
        "policy.plan",
        visit.user,
        visit.now,
        "；".join(t.text for t in triggers),
    )


def _consult(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    consult(tx, kept.policy, consultation(visit), visit.user, visit.now)


def _approve(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    approve_part(tx, kept.policy, visit.text("part", 20), visit.user, visit.now)


def _publish(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    at: datetime | None = moment(visit.text("at", 30), visit.office.timezone)
    publish_part(tx, kept.policy, visit.text("part", 20), at or visit.now, visit.user, visit.now)


def _release(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    release(tx, kept, visit.user, visit.now, today(visit))


def _withdraw(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    reason = visit.text("reason", 500)
    if not reason:
        raise PolicyRefused("请填写理由")
    withdraw(tx, kept.policy, visit.user, visit.now, reason)


def _link(visit: Visit, tx: Transaction, kept: KeptPolicy) -> None:
    event = tx.events.get([name := visit.text("event", 300).rsplit("/", 1)[-1]]).get(name)
    if event is None:
        raise PolicyRefused("没有这个事件")
    link(tx, event.id, kept.policy.id, visit.user, visit.now)


STEPS: Mapping[str, Callable[[Visit, Transaction, KeptPolicy], None]] = {
    "assess": _assess,
    "plan": _plan,
    "consult": _consult,
    "approve": _approve,
    "publish": _publish,
    "release": _release,
    "withdraw": _withdraw,
    "link": _link,
}
