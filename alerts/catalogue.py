"""派单目录: which departments are responsible for a topic and a place. Versioned data, not a model's guess.

a person's decision  >  DutyRule of the topic  >  departments of the topic  >  the model's best candidate
"""

from collections.abc import Iterator
from dataclasses import dataclass

from storage.types import DepartmentGuess, DutyRule, Level, Office, Reason, Topic

#: the reason of a DepartmentGuess that is a person's word, as the pages keep it in the assessment
BY_HAND = "人工更正"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What routing looks at. Built by the application from the event and its assessments."""

    level: Level
    topic: str | None = None
    area: str | None = None  #: id of a Place
    areas: tuple[str, ...] = ()  #: every place of ours that the event happens in, `area` included or not
    departments: tuple[DepartmentGuess, ...] = ()  #: candidates, best first
    kinds: tuple[str, ...] = ()  #: kinds of the event's documents
    flags: tuple[str, ...] = ()
    incident_grade: str | None = None  #: 事件等级, set by people
    event: str = ""
    text_kind: str = "other"
    duty: DutyRule | None = None  #: the topic's rule that fits the text, where the caller has matched it
    decided: tuple[str, ...] = ()  #: departments that a person has decided, lead first
    drafting: str | None = None  #: 牵头起草部门 of the policy that the event is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The departments the catalogue names, lead first, and why."""

    departments: tuple[str, ...]
    sure: bool  #: False where only the model speaks, below `office.confirm_below`
    reason: Reason


def choose(facts: Facts, office: Office) -> Choice:
    """The responsible departments; never empty: what nobody is responsible for goes to the office itself."""
    topic = office.topics.get(facts.topic or "")
    if facts.decided:
        return _choice(facts.decided, "catalogue.person", "责任单位由工作人员确定", office)
    duty = facts.duty or _named_rule(topic, facts.departments)
    if duty is not None:
        basis = f"派单目录（{duty.basis}）" if duty.basis else "派单目录"
        return _choice(duty.departments, "catalogue.rule", f"{basis}：内容符合“{duty.when}”", office)
    if topic is not None and topic.departments:
        return _choice(topic.departments, "catalogue.topic", f"派单目录：主题“{topic.name}”", office)
    return _guess(facts.departments, office)


def _choice(ids: tuple[str, ...], code: str, why: str, office: Office) -> Choice:
    names = "、".join(name(i, office) for i in ids)
    return Choice(departments=ids, sure=True, reason=Reason(code=code, text=f"{why}，对应{names}"))


def _named_rule(topic: Topic | None, guesses: tuple[DepartmentGuess, ...]) -> DutyRule | None:
    """The catalogue's clause that the best candidate's own reason names."""
    if topic is None or not guesses:
        return None
    best = guesses[0]
    fitting = (r for r in topic.rules if r.basis and r.basis in best.reason and best.id in r.departments[:1])
    return next(fitting, None)


def _guess(guesses: tuple[DepartmentGuess, ...], office: Office) -> Choice:
    known = [g for g in guesses if g.id in office.departments]
    if not known:
        own = own_office(office)
        text = f"派单目录未涉及，也无可信的推荐单位，交{name(own, office)}研究确定"
        return Choice(departments=(own,), sure=False, reason=Reason(code="catalogue.none", text=text))
    best = known[0]
    sure = best.probability >= office.confirm_below
    text = f"派单目录未涉及，推荐{name(best.id, office)}（把握 {best.probability:.0%}；{best.reason}）"
    tail = "" if sure else f"，低于 {office.confirm_below:.0%}，需人工确认"
    reason = Reason(code="catalogue.model", text=text + tail, weight=best.probability)
    return Choice(departments=(best.id,), sure=sure, reason=reason)


def name(department: str, office: Office) -> str:
    """Chinese name of a department or duty post; the id itself where it is unknown."""
    unit = office.departments.get(department)
    if unit is not None:
        return unit.name
    post = office.recipients.get(department)
    return post.name if post is not None else department


def own_office(office: Office) -> str:
    """The 政府办: the first department of type "office", else the first of all."""
    offices = [d.id for d in office.departments.values() if d.type == "office"]
    return (offices or list(office.departments))[0]


def lineage(area: str | None, office: Office) -> Iterator[str]:
    """The place and everything it lies in, innermost first; a loop in the gazetteer ends the walk."""
    seen: set[str] = set()
    while area is not None and area not in seen:
        seen.add(area)
        yield area
        place = office.places.get(area)
        area = place.parent if place is not None else None


def town_of(area: str | None, office: Office) -> str | None:
    """The town or street in charge of a place: the innermost one on the way up the gazetteer."""
    by_area = {d.area: d.id for d in office.departments.values() if d.area is not None}
    return next((by_area[a] for a in lineage(area, office) if a in by_area), None)
