"""Grade a prepared stream: every event through its course, with this configuration.

Fast enough to do it again for every weight one would like to try: no store, no text, no second grouping.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerts.routing import route
from analysis.bursts import HISTORY_DAYS
from app.replay_course import Rhythm
from app.replay_prepared import Arrival, Prepared, course_of, routing_facts
from app.replay_tracks import Tracks, tracks
from app.replay_walk import Outcome, Walk
from app.replay_weighed import Weighed
from storage.types import LevelChange, Office


@dataclass(slots=True)
class Run:
    """What one configuration would have done with a prepared stream."""

    courses: dict[str, Outcome] = field(default_factory=dict)
    changes: list[LevelChange] = field(default_factory=list)  #: by time, then event
    evaluations: int = 0

    @property
    def events(self) -> dict[str, Outcome]:
        """Courses of what became an event."""
        return {key: course for key, course in self.courses.items() if course.event is not None}


def run(prepared: Prepared, office: Office) -> Run:
    """Grade every event up to three days after the last document."""
    rhythm = Rhythm.of(office, prepared.origin)
    end = (prepared.arrivals[-1].at if prepared.arrivals else 0) + rhythm.active + rhythm.usual
    usual = prepared.usual(office) if prepared.days >= HISTORY_DAYS - 1 else None
    events = by_event(prepared)
    kept = tracks_of(prepared, events, office, end)
    weighed = Weighed(kept, office, rhythm, usual)
    found = Run()
    for event, arrivals in events.items():
        if event in kept.spans:
            span = kept.spans[event]
            made = Walk(weighed, span, Outcome(event, span.event, _weighed=weighed, _rows=span.rows)).go()
        else:
            course = course_of(event, arrivals, office, rhythm, usual)
            course.advance(prepared.closed.get(event, end))
            made = Outcome.of(course)
        found.courses[event] = made
        found.changes += made.changes
        found.evaluations += made.evaluations
    found.changes.sort(key=lambda c: (c.at, c.event))
    return found


def tracks_of(prepared: Prepared, events: Mapping[str, Sequence[Arrival]], office: Office, end: int) -> Tracks:
    """The stream's tracks, made once for all configurations that differ in weights and thresholds only."""
    kept = prepared.tracks
    if not isinstance(kept, Tracks) or not kept.fits(office):
        kept = prepared.tracks = tracks(events, prepared.closed, end, office)
    return kept


def by_event(prepared: Prepared) -> dict[str, list[Arrival]]:
    """Event → its arrivals in order."""
    found: dict[str, list[Arrival]] = {}
    for arrival in prepared.arrivals:
        found.setdefault(arrival.member.event, []).append(arrival)
    return found


def departments(prepared: Prepared, found: Run, office: Office) -> dict[str, str]:
    """Event that reached a level → the department that would have led it."""
    arrivals = by_event(prepared)
    raised = {c.event for c in found.changes if c.after > c.before}
    return {
        event: route(routing_facts(made, arrivals[event][:40], found.courses[event].peak), office).lead
        for event in sorted(raised)
        if (made := found.courses[event].event) is not None
    }


def weighted(office: Office, weights: Mapping[str, float]) -> Office:
    """The office with other weights of the factors."""
    return replace(office, risk=replace(office.risk, weights=dict(weights)))


def variants(office: Office, shift: float = 0.2) -> dict[str, Office]:
    """Each factor left out (「去掉S」), and its weight moved up and down by a fifth (「S+20%」)."""
    usual = office.risk.weights
    made = {f"去掉{code}": weighted(office, {**usual, code: 0.0}) for code in usual}
    for code in usual:
        for by in (-shift, shift):
            made[f"{code}{by:+.0%}"] = weighted(office, {**usual, code: usual[code] * (1 + by)})
    return made


def changed_share(usual: Run, other: Run) -> float:
    """Share of events whose highest level is another one."""
    keys: Sequence[str] = list(usual.events)
    return sum(usual.courses[k].peak != other.courses[k].peak for k in keys) / max(1, len(keys))
