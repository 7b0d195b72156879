"""Who answers: the routing list read from top to bottom, then the rules of 国办发〔2016〕61号 and 80号.

    facts ─ list (first match wins unless go_on; nothing is ever unrouted) ─ 派单目录 ─ R8 R1 R7 R3 R4 R5 R2, R6 adds
                                                                                └→ lead, support, copies, recipients

Every rule that fires says on what fact. The legal order of the rules is fixed here; who they point to is configuration.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from alerts.catalogue import Choice, Facts, choose, lineage, name, own_office, town_of
from alerts.lint import lint
from storage.types import Office, Reason, Route, RouteMatch

__all__ = ["Facts", "Routing", "lint", "matches", "route"]

#: the first one that fires names the task (R6 adds to the others, it never replaces them)
ORDER = ("R8", "R1", "R7", "R3", "R4", "R5", "R2")
#: a second candidate of the model this strong makes it a matter of several departments
_SECOND_CANDIDATE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who must answer an event, and why."""

    rule: str  #: R1..R8
    route_id: str
    lead: str
    support: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()  #: told, without a task
    recipients: tuple[str, ...] = ()  #: everyone who gets the first message: departments and duty posts
    confirm: bool = False  #: a person must confirm the lead before it is dispatched
    reasons: tuple[Reason, ...] = ()
    channels: tuple[str, ...] = ()  #: overrides the departments' own
    path: tuple[str, ...] = ()  #: ids of the routes that matched, in order
    reply: bool = True  #: False where the city itself does not answer (R1, R8)


def matches(match: RouteMatch, facts: Facts, lead: str, office: Office) -> bool:
    """Whether every given condition holds. `lead` is the catalogue's department."""
    areas = {a for area in (facts.area, *facts.areas) for a in lineage(area, office)}
    return (
        (not match.topics or facts.topic in match.topics)
        and (not match.departments or lead in match.departments)
        and (not match.areas or not areas.isdisjoint(match.areas))
        and (not match.kinds or not set(facts.kinds).isdisjoint(match.kinds))
        and (not match.flags or not set(facts.flags).isdisjoint(match.flags))
        and (match.level_from is None or facts.level >= office.level(match.level_from))
        and (match.level_to is None or facts.level <= office.level(match.level_to))
    )


def _walk(routes: Sequence[Route], facts: Facts, lead: str, office: Office) -> Iterator[Route]:
    """The routes that apply: everything that matches up to the first without `go_on`."""
    for row in routes:
        if matches(row.match, facts, lead, office):
            yield row
            if not row.go_on:
                return


def route(facts: Facts, office: Office) -> Routing:
    """Route one event. Pure; always delivers: without any match the catalogue's lead, at worst the 政府办, gets it."""
    choice = choose(facts, office)
    found = list(_walk(office.routes, facts, choice.departments[0], office))
    named = next((r for r in found if r.lead is not None), None)
    own = next((r for r in reversed(found) if not r.go_on), None)
    lead, sure, reasons = _lead(named, choice, facts, office)
    support = [_resolve(s, choice, facts, office) for r in found for s in r.support]
    if named is None or named.lead == "@catalogue":
        support = [*choice.departments[1:], *support]
    draft = Routing(
        rule="R2",
        route_id=own.id if own is not None else "(default)",
        lead=lead,
        support=tuple(s for s in support if s is not None),
        copies=tuple(c for r in found for c in (_resolve(c, choice, facts, office) for c in r.copies) if c is not None),
        confirm=not sure,
        reasons=(_path_reason(found, office), *reasons),
        channels=next((r.channels for r in found if r.channels), ()),
        path=tuple(r.id for r in found),
    )
    return _finish(_apply_rules(draft, found, choice, facts, office), office)


def _resolve(who: str | None, choice: Choice, facts: Facts, office: Office) -> str | None:
    if who == "@catalogue":
        return choice.departments[0]
    return town_of(facts.area, office) if who == "@place" else who


def _lead(row: Route | None, choice: Choice, facts: Facts, office: Office) -> tuple[str, bool, tuple[Reason, ...]]:
    """The lead, whether it is sure, and why. A place that no town is in charge of falls back to the catalogue."""
    wanted = row.lead if row is not None else "@catalogue"
    if facts.decided or wanted in ("@catalogue", None):
        return choice.departments[0], choice.sure, (choice.reason,)
    found = _resolve(wanted, choice, facts, office)
    if found is None:
        text = "事发地没有对应的镇街，改按派单目录确定"
        return choice.departments[0], choice.sure, (Reason(code="route.noplace", text=text), choice.reason)
    why = "属地镇街" if wanted == "@place" else "派单规则指定"
    return found, True, (Reason(code="route.lead", text=f"{why}：{name(found, office)}"),)


def _path_reason(found: list[Route], office: Office) -> Reason:
    if not found:
        return Reason(code="route.default", text="没有派单规则适用，按默认规则交派单目录确定的单位")
    text = " → ".join(f"{r.id}{f'（{r.note}）' if r.note else ''}" for r in found)
    return Reason(code="route.path", text=f"适用派单规则：{text}")


def _facts_rules(draft: Routing, choice: Choice, facts: Facts, office: Office) -> Iterator[tuple[str, str]]:
    """(rule, the fact that fired it) for every rule that the facts alone decide."""
    flags = set(facts.flags)
    if "rumour.grave" in flags or ("rumour" in flags and flags & {"casualty", "crowd", "must.emergency"}):
        yield "R8", "内容涉嫌谣言且可能造成严重危害，先移交线索，核查前不要求答复"
    if "policy.national" in flags:
        yield "R1", "涉及国务院重大政策和部署，由国务院有关部门回应，本级上报情况并转发权威口径"
    if facts.drafting is not None:
        yield "R7", f"涉及政策文件，由牵头起草部门{name(facts.drafting, office)}解读回应"
    if (unit := office.departments.get(draft.lead)) is not None and unit.vertical:
        yield "R3", f"{unit.name}实行垂直管理，由其上级部门会同宣传部门组织协调"
    towns = {t for t in (town_of(a, office) for a in (facts.area, *facts.areas)) if t is not None}
    if len(towns) > 1:
        yield "R4", f"涉及{'、'.join(sorted(name(t, office) for t in towns))}，由主管部门牵头，各镇街按属地回应"
    several = _several(choice, facts, office)
    if len(several) > 1:
        yield "R5", f"涉及{'、'.join(name(s, office) for s in several)}，按职责分别办理，统一口径"


def _several(choice: Choice, facts: Facts, office: Office) -> tuple[str, ...]:
    if choice.reason.code != "catalogue.model":
        return choice.departments
    strong = (g.id for g in facts.departments[1:] if g.probability >= _SECOND_CANDIDATE and g.id in office.departments)
    return (*choice.departments, *strong)


def _apply_rules(draft: Routing, found: list[Route], choice: Choice, facts: Facts, office: Office) -> Routing:
    fired = dict(_facts_rules(draft, choice, facts, office))
    for row in found:
        if row.rule in ORDER and not row.go_on:  # a route that only adds copies names no rule
            fired.setdefault(row.rule, f"派单规则“{row.id}”规定{f'：{row.note}' if row.note else ''}")
    if not set(fired) - {"R2"}:
        fired = {"R2": f"一地一部门事项，{name(draft.lead, office)}为第一责任主体"}
    rule = next(r for r in ORDER if r in fired)
    reasons = [
        Reason(code=f"route.{r}", text=f"{r}：{fired[r]}") for r in ORDER if r in fired and (r != "R2" or rule == r)
    ]
    routing = replace(draft, rule=rule, reasons=(*draft.reasons, *reasons))
    for step in ORDER:
        if step in fired:
            routing = _CONSEQUENCES[step](routing, choice, facts, office)
    return _top_leader(routing, facts, office)


def _rumour(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    """R8: a clue for 网信 and 公安; the responsible department is told, and answers only after they did."""
    if _checks_rumours(routing.lead, office):  # a route says so itself: its lead and support stand
        return replace(routing, copies=(*routing.copies, *choice.departments), reply=False)
    holders = [d for d in office.departments if _checks_rumours(d, office)]
    lead, *others = holders or [own_office(office)]
    copies = (routing.lead, *others, *routing.support, *routing.copies)
    return replace(routing, lead=lead, support=(), copies=copies, confirm=False, reply=False)


def _checks_rumours(department: str, office: Office) -> bool:
    unit = office.departments.get(department)
    return unit is not None and any(word in f"{unit.name}{unit.short}" for word in ("网信", "公安"))


def _national(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    return routing if not routing.reply else replace(routing, reply=False)


def _drafting(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    if facts.drafting is None or not routing.reply or facts.drafting == routing.lead:
        return routing
    return replace(routing, lead=facts.drafting, support=(routing.lead, *routing.support), confirm=False)


def _vertical(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    unit = office.departments.get(choice.departments[0])
    superior = unit.superior if unit is not None else None
    return routing if superior is None else replace(routing, copies=(*routing.copies, superior))


def _places(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    if not routing.reply:
        return routing
    towns = tuple(t for t in (town_of(a, office) for a in (facts.area, *facts.areas)) if t is not None)
    lead = routing.lead
    if lead in towns and len(set(towns)) > 1:  # one town cannot lead the others: the department does
        lead = choice.departments[0]
    return replace(routing, lead=lead, support=(*routing.support, routing.lead, *towns))


def _departments(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    several = _several(choice, facts, office)
    return replace(routing, support=(*routing.support, *several)) if routing.reply else routing


def _single(routing: Routing, choice: Choice, facts: Facts, office: Office) -> Routing:
    return routing


_CONSEQUENCES = {
    "R8": _rumour,
    "R1": _national,
    "R7": _drafting,
    "R3": _vertical,
    "R4": _places,
    "R5": _departments,
    "R2": _single,
}


def _top_leader(routing: Routing, facts: Facts, office: Office) -> Routing:
    """R6: 特别重大 is led by the head of the government, who speaks first (国办发〔2016〕80号). Added to the others."""
    if facts.incident_grade != "特别重大":
        return routing
    steps = office.levels[-1].escalation
    leader = max(steps)[1] if steps else office.duty_post
    text = f"R6：事件等级为特别重大，由本级政府主要负责同志牵头并首先发声，同时告知{name(leader, office)}"
    reasons = (*routing.reasons, Reason(code="route.R6", text=text))
    return replace(routing, reasons=reasons, recipients=(*routing.recipients, leader))


def _finish(routing: Routing, office: Office) -> Routing:
    """Each unit once, in its strongest part; recipients = everyone above plus the duty post where a person must act."""
    support = _once(routing.support, {routing.lead})
    copies = _once(routing.copies, {routing.lead, *support})
    posts = (office.duty_post,) if routing.confirm else ()
    recipients = _once((routing.lead, *support, *copies, *posts, *routing.recipients), set())
    return replace(routing, support=support, copies=copies, recipients=recipients)


def _once(ids: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for i in ids if i not in taken))
