"""`minsheng route`: what the configuration would do with an event, before it is live. No store, nothing is written."""

from datetime import datetime

from alerts.catalogue import Facts, name
from alerts.deadlines import deadlines
from alerts.routing import Routing, route
from storage.types import Deadline, Event, Office, Task


def explain(facts: Facts, office: Office, now: datetime) -> dict[str, object]:
    """The answer of `minsheng route --json` (DESIGN section 5): rule, departments, deadlines, reasons, recipients.

    ValueError in Chinese for a topic, area or level that the configuration does not know.
    """
    _check(facts, office)
    routing = route(facts, office)
    clocks = example_clocks(facts, routing, office, now)
    units = [(routing.lead, "lead"), *((s, "support") for s in routing.support)]
    return {
        "rule": routing.rule,
        "route": routing.route_id,
        "confirm": routing.confirm,
        "reply": routing.reply,
        "departments": [{"id": u, "name": name(u, office), "role": role} for u, role in units],
        "copies": [{"id": c, "name": name(c, office)} for c in routing.copies],
        "deadlines": [
            {
                "kind": d.kind,
                "step": d.step,
                "hours": d.hours,
                "workdays": d.workdays,
                "document": d.basis,
                "text": d.text,
                "due_at": d.due_at.isoformat(),
            }
            for d in clocks
        ],
        "reasons": [{"code": r.code, "text": r.text} for r in routing.reasons],
        "recipients": [{"id": r, "name": name(r, office)} for r in routing.recipients],
    }


def example_clocks(facts: Facts, routing: Routing, office: Office, now: datetime) -> tuple[Deadline, ...]:
    """The clocks of an example that became public and was dispatched now."""
    event = Event(
        id="example",
        title="示例",
        first_at=now,
        last_at=now,
        detected_at=now,
        level=facts.level,
        incident_grade=facts.incident_grade,
        flags=facts.flags,
    )
    task = Task(
        id="example",
        event="example",
        alert="",
        department=routing.lead,
        role="lead",
        title="示例",
        level=facts.level,
        state="dispatched",
        rule=routing.rule,
        reasons=routing.reasons,
        created_at=now,
        dispatched_at=now,
    )
    return deadlines(task, event, office, now, kinds=facts.kinds)


def _check(facts: Facts, office: Office) -> None:
    if facts.topic is not None and facts.topic not in office.topics:
        raise ValueError(f"没有主题“{facts.topic}”；可用：{'、'.join(office.topics)}")
    if facts.area is not None and facts.area not in office.places:
        raise ValueError(f"没有区域“{facts.area}”，请查看 places.toml")
    if not 0 <= facts.level <= len(office.levels):
        raise ValueError(f"没有等级 {facts.level}；可用 1 至 {len(office.levels)}")
