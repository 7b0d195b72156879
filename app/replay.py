"""A recorded stream through the whole pipeline on a simulated clock: what would have been raised, and how early.

    documents in order of arrival ─tick→ assess → group → members → risk → level (hysteresis) → changes
                                                                                   └─ truth → ReplayReport

No look-ahead: a document exists from `fetched_at` on, and figures are those it came in with. Every stage is the live
code; only storing, routing and sending are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import groupby
from time import perf_counter

from alerts.levels import LevelState, decide
from analysis.assess import Assessor
from analysis.events import Assignment, Grouper
from analysis.risk import score
from app.facts import member_of, notable, summarise
from app.replay_report import ReplayReport, Trace, report
from app.townstream import Incident
from storage.types import Assessment, Document, Event, LevelChange, Member, Office

__all__ = ["ReplayReport", "replay"]

_BATCH = 1000


@dataclass(slots=True)
class _Matter:
    """One event on its way through the replay."""

    event: Event | None = None
    members: list[Member] = field(default_factory=list)
    state: LevelState = field(default_factory=LevelState)
    incident: bool = False
    previous: str | None = None
    due: datetime | None = None
    newest: datetime | None = None
    trace: Trace = field(default_factory=Trace)


class _Clockwork:
    """The simulated afternoon: ticks, evaluations, closings."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.grouper = Grouper(office)
        self.matters: dict[str, _Matter] = {}
        self.changes: list[LevelChange] = []
        self._agenda: list[tuple[datetime, str]] = []
        self._urgent = timedelta(seconds=office.risk.evaluate_urgent_seconds)
        self._usual = timedelta(seconds=office.risk.evaluate_seconds)

    def take(self, batch: Sequence[tuple[Document, Assessment]], now: datetime) -> None:
        """One tick's documents."""
        self.run_until(now)
        touched = {}
        for (document, assessment), found in zip(batch, self.grouper.assign(batch), strict=True):
            touched[found.event] = self._enter(document, assessment, found)
        for matter in touched.values():
            self._evaluate(matter, now)

    def _enter(self, document: Document, assessment: Assessment, found: Assignment) -> _Matter:
        matter = self.matters.setdefault(found.event, _Matter())
        matter.members.append(member_of(document, assessment, found, self.office, document.fetched_at))
        matter.newest = document.fetched_at
        matter.incident = matter.incident or any(t.incident for t in assessment.topics)
        matter.previous = matter.previous or found.previous
        return matter

    def run_until(self, now: datetime) -> None:
        """Evaluations that fall due before `now`, in order of time."""
        while self._agenda and self._agenda[0][0] < now:
            due, key = heappop(self._agenda)
            if self.matters[key].due == due:  # else it was looked at since
                self._evaluate(self.matters[key], due)

    def _evaluate(self, matter: _Matter, now: datetime) -> None:
        if matter.event is None and not notable(matter.members, matter.incident):
            return
        event = summarise(matter.event, matter.members, title="", sample=False, now=now)
        event = replace(event, previous=event.previous or matter.previous)
        risk = score(event, matter.members, self.office, now)
        change, matter.state = decide(event, risk, matter.state, self.office, now)
        matter.trace.note(now, risk)
        if change is not None:
            self.changes.append(change)
            event = replace(event, level=change.after)
        matter.event = event
        matter.due = self._next(matter, event, now)
        if matter.due is not None:
            heappush(self._agenda, (matter.due, event.id))

    def _next(self, matter: _Matter, event: Event, now: datetime) -> datetime | None:
        """When to look again: soon while it may rise, usually while it has a level, never once it is quiet."""
        if matter.newest is not None and now - matter.newest > timedelta(hours=self.office.risk.quiet_after_hours):
            self.grouper.close(event.id, now)
            return None
        if matter.state.above:
            return now + self._urgent
        return now + self._usual if matter.state.level else None


def replay(
    rows: Iterable[Document],
    office: Office,
    truth: Sequence[Incident] | None = None,
    *,
    assessor: Assessor | None = None,
) -> ReplayReport:
    """Run the documents (any order; they are sorted by `fetched_at`) and compare with the truth where there is one.

    A document that cannot be read is counted and left out. Level states live as long as their event.
    """
    began = perf_counter()
    documents = sorted(rows, key=lambda d: (d.fetched_at, d.id))
    clockwork = _Clockwork(office)
    unread = _run(clockwork, documents, assessor or Assessor(office), office)
    traces = {key: m.trace for key, m in clockwork.matters.items() if m.event is not None}
    members = {key: [m.document for m in matter.members] for key, matter in clockwork.matters.items()}
    made = report(office, documents, members, traces, clockwork.changes, truth)
    return replace(made, unread=unread, seconds=perf_counter() - began)


def _run(clockwork: _Clockwork, documents: Sequence[Document], assessor: Assessor, office: Office) -> int:
    """All ticks; how many documents could not be read."""
    unread = 0
    seconds = office.risk.evaluate_urgent_seconds
    for start in range(0, len(documents), _BATCH):
        part = documents[start : start + _BATCH]
        assessed = [(d, a) for d, a in zip(part, assessor.assess(part), strict=True) if isinstance(a, Assessment)]
        unread += len(part) - len(assessed)
        for _, tick in groupby(assessed, key=lambda pair: int(pair[0].fetched_at.timestamp() // seconds)):
            batch = list(tick)
            clockwork.take(batch, batch[-1][0].fetched_at)
    if documents:
        clockwork.run_until(documents[-1].fetched_at + timedelta(hours=office.risk.quiet_after_hours + 1))
    return unread


def truth_of(data: Mapping[str, object]) -> list[Incident]:
    """Incidents from JSON: {"incidents": [{"id", "level", "documents", "start", "due_at", "peak_at"}]}.

    Times are ISO 8601 with zone; ValueError says what is wrong.
    """
    rows = data.get("incidents")
    if not isinstance(rows, list):
        raise ValueError("真值文件须有 incidents 列表")
    return [_incident_of(row, number) for number, row in enumerate(rows, 1)]


def _incident_of(row: Mapping[str, object], number: int) -> Incident:
    try:
        documents = row["documents"]
        if not isinstance(documents, list):
            raise TypeError("documents")
        times = {k: datetime.fromisoformat(str(row[k])) for k in ("start", "due_at", "peak_at")}
        return Incident(
            id=str(row["id"]),
            topic=str(row.get("topic", "")),
            level=str(row["level"]),
            fast=bool(row.get("fast", False)),
            documents=tuple(str(d) for d in documents),
            rumour=bool(row.get("rumour", False)),
            **times,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"第 {number} 个事件缺少或写错了 {error}") from error
