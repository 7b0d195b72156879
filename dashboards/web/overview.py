"""总览: what is new, what grows, what is due, and what was not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from dashboards.bursts import current
from dashboards.charts import padded, volume_chart
from dashboards.coverage import Coverage, coverage
from dashboards.site import Site
from dashboards.web.visit import Here
from storage.ports import DocumentQuery, FacetField, Transaction
from storage.types import Event, Office, Task

#: a task in one of these states waits for somebody
OPEN_STATES = (
    "confirm",
    "dispatched",
    "signed",
    "verifying",
    "drafted",
    "review",
    "published",
    "tracking",
    "evaluated",
    "return_pending",
)
GROWTH_HOURS = 6
ALIVE = ("open", "quiet")


@dataclass(frozen=True, slots=True)
class Growing:
    """An event with its documents of the last hours and of as many hours before."""

    event: Event
    now: int
    before: int


def page(visit: Here) -> Response:
    """The whole page."""
    return visit.page("overview.html", **figures(visit), chart=chart(visit))


def live(visit: Here) -> Response:
    """The part that is asked for again and again."""
    return visit.page("overview_live.html", **figures(visit))


def figures(visit: Here) -> dict[str, object]:
    """Everything above and beside the chart."""
    site, scope = visit.site, visit.scope
    with site.ledger.read() as tx:
        found: dict[str, object] = {
            "levels": levels(tx, visit.office, scope),
            "top": tx.events.find(level_from=1, department=scope, status=ALIVE, historic=False, sort="level", size=10)[
                0
            ],
            "newest": tx.events.find(department=scope, status=ALIVE, historic=False, sort="newest", size=8)[0],
            "growing": growing(site, tx, scope, visit.now),
            "due": due(tx, scope, visit.now),
            "bursts": current(tx, visit.now) if scope is None else [],
            "tasks": tx.tasks.counts(scope, now=visit.now),
            "coverage": seen(tx, site, visit) if scope is None else None,
        }
    day = DocumentQuery(since=visit.now - timedelta(hours=24), historic=False, filters=limited(scope))
    found["today"] = site.documents.count(day)
    found["topics"] = site.documents.facets(day, "topic", size=10)
    return found


def limited(scope: str | None) -> dict[FacetField, Sequence[str]]:
    """The document filter of a department; none for city-wide roles."""
    return {"department": [scope]} if scope else {}


def levels(tx: Transaction, office: Office, scope: str | None) -> list[tuple[int, int]]:
    """(level, open events at it), highest first."""
    if scope is None:
        counts = tx.events.counts()
        return [(rank, counts.get(f"level:{rank}", 0)) for rank in range(len(office.levels), 0, -1)]
    events, _ = tx.events.find(level_from=1, department=scope, status=ALIVE, historic=False, size=1000)
    return [(rank, sum(e.level == rank for e in events)) for rank in range(len(office.levels), 0, -1)]


def due(tx: Transaction, scope: str | None, now: datetime) -> list[Task]:
    """Tasks whose next deadline lies within a day, the nearest first."""
    found, _ = tx.tasks.find(
        department=scope, states=OPEN_STATES, historic=False, due_before=now + timedelta(hours=24), size=8
    )
    return found


def growing(site: Site, tx: Transaction, scope: str | None, now: datetime) -> list[Growing]:
    """Events that brought more documents in the last six hours than in the six before, fastest first."""
    step = timedelta(hours=GROWTH_HOURS)
    recent = site.documents.facets(
        DocumentQuery(since=now - step, historic=False, filters=limited(scope)), "event", size=40
    )
    earlier = DocumentQuery(
        since=now - 2 * step, until=now - step, historic=False, filters={"event": [event for event, _ in recent]}
    )
    before = dict(site.documents.facets(earlier, "event", size=40)) if recent else {}
    events = tx.events.get([event for event, _ in recent])
    rows = [
        Growing(events[key], count, before.get(key, 0))
        for key, count in recent
        if key in events and events[key].status in ALIVE and count >= 3 and count > before.get(key, 0)
    ]
    return sorted(rows, key=lambda row: (row.before - row.now, row.event.id))[:6]


def seen(tx: Transaction, site: Site, visit: Here) -> Coverage:
    """The coverage line."""
    return coverage(tx, visit.office, site.documents.latest(), visit.now)


def chart(visit: Here) -> dict[str, object]:
    """Documents by hour over two days."""
    query = DocumentQuery(since=visit.now - timedelta(hours=48), historic=False, filters=limited(visit.scope))
    zone = visit.names.zone
    buckets = visit.site.documents.histogram(query, step="hour", timezone=visit.office.timezone)
    start = (visit.now - timedelta(hours=47)).astimezone(zone)
    return volume_chart(padded(buckets, start, visit.now, timedelta(hours=1)), zone)
