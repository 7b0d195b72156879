"""The clocks that a matter would get, without writing anything: for `minsheng route` and the settings page."""

from datetime import datetime

from alerts.deadlines import deadlines
from alerts.routing import Facts, Routing
from storage.types import Deadline, Event, Office, Task


def preview(facts: Facts, routing: Routing, office: Office, now: datetime) -> tuple[Deadline, ...]:
    """Clocks of the lead's task if the matter became public and was dispatched at `now`."""
    event = Event(
        id="preview",
        title="",
        first_at=now,
        last_at=now,
        detected_at=now,
        topic=facts.topic,
        area=facts.area,
        level=facts.level,
        flags=facts.flags,
        incident_grade=facts.incident_grade,
    )
    task = Task(
        id="preview",
        event=event.id,
        alert="preview",
        department=routing.lead,
        role="lead",
        title="",
        level=facts.level,
        state="dispatched",
        rule=routing.rule,
        reasons=(),
        created_at=now,
        dispatched_at=now,
    )
    return deadlines(task, event, office, now, kinds=facts.kinds)
