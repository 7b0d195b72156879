"""All that a replay says, as data and as JSON. The page is `app.replay_page`."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from alerts.calendar import local
from analysis.risk_tally import moment
from app.replay_detectors import DetectorFigures, compare
from app.replay_prepared import Prepared
from app.replay_run import Run, by_event, changed_share, departments, run, variants
from app.replay_truth import Judged, LevelFigures, called, first_reach, judge
from app.townstream import Incident
from storage.types import LevelChange, Office

_SHOWN = 12  #: incidents whose curve is drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What another weight would have done."""

    name: str  #: 「去掉S」「S+20%」
    changed: float  #: share of events at another highest level
    recall: float | None = None  #: of the second highest level and above
    precision: float | None = None
    slow_lead_hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The score of one incident's event, and when it was raised."""

    title: str
    times: tuple[datetime, ...]
    scores: tuple[float, ...]
    marks: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """All figures of one replay."""

    documents: int
    events: int
    days: float
    alerts_per_day: float
    by_day: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  #: day → level → events that first reached it
    by_department: Mapping[str, float] = field(default_factory=dict)  #: alerts a day
    levels: tuple[LevelFigures, ...] = ()
    missed: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    wrong_hours: float = 0.0  #: below the deserved level, between due and peak
    over_hours: float = 0.0  #: above it
    variants: tuple[Variant, ...] = ()
    detectors: tuple[DetectorFigures, ...] = ()
    false_alarms: float = 1.0  #: of a stream in thirty days, at which they are compared
    curves: tuple[Curve, ...] = ()
    changes: tuple[LevelChange, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)  #: event that was raised → what it is called
    thresholds: Mapping[str, float] = field(default_factory=dict)
    timezone: str = "Asia/Shanghai"
    unread: int = 0
    repeated: int = 0  #: delivered again without anything new
    evaluations: int = 0
    prepare_seconds: float = 0.0
    run_seconds: float = 0.0  #: of the grading alone

    @property
    def seconds(self) -> float:
        """Of understanding, grouping and grading."""
        return self.prepare_seconds + self.run_seconds

    def to_json(self) -> str:
        """Everything but the reasons of the changes."""
        data = asdict(replace(self, changes=()))
        data["changes"] = [
            {"event": c.event, "before": c.before, "after": c.after, "cause": c.cause, "score": round(c.score, 1),
             "at": c.at}
            for c in self.changes
        ]  # fmt: skip
        data["seconds"] = self.seconds
        return json.dumps(data, ensure_ascii=False, indent=1, default=str)


def report(
    prepared: Prepared,
    found: Run,
    office: Office,
    truth: Sequence[Incident] | None,
    *,
    compare_weights: bool = True,
) -> ReplayReport:
    """Everything that can be said: without a truth only counts, days, departments and other weights."""
    members = {event: [a.member.document for a in rows] for event, rows in by_event(prepared).items()}
    raised = {c.event for c in found.changes if c.after > c.before}
    days = max(prepared.days, 1.0)
    leads = Counter(departments(prepared, found, office).values())
    base = ReplayReport(
        documents=len({a.member.document for a in prepared.arrivals}),
        events=len(found.events),
        days=prepared.days,
        alerts_per_day=len(raised) / days,
        by_day=_by_day(prepared, found.changes, office),
        by_department={office.departments[d].name: n / days for d, n in leads.most_common()},
        changes=tuple(found.changes),
        titles={event: prepared.titles.get(event, event) for event in sorted(raised)},
        thresholds={rule.word: rule.threshold for rule in office.levels},
        timezone=office.timezone,
        unread=prepared.unread,
        repeated=prepared.repeated,
        evaluations=found.evaluations,
        variants=_variants(prepared, found, office, members, truth) if compare_weights else (),
    )
    if truth is None:
        return base
    judged = judge(found, members, truth, office, prepared.titles)
    return replace(
        base,
        levels=judged.levels,
        missed=judged.missed,
        false=judged.false,
        wrong_hours=judged.under_hours,
        over_hours=judged.over_hours,
        detectors=compare(prepared, truth, office.risk.burst_false_alarms),
        false_alarms=office.risk.burst_false_alarms,
        curves=tuple(_curves(found, members, truth, judged, office, prepared.titles)),
    )


def _by_day(prepared: Prepared, changes: Sequence[LevelChange], office: Office) -> dict[str, dict[str, int]]:
    """Every local day of the stream, those without an alert too."""
    if not prepared.arrivals:
        return {}
    first, last = (local(moment(prepared.arrivals[end].at), office).date() for end in (0, -1))
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    counts: dict[str, dict[str, int]] = {day: {rule.word: 0 for rule in office.levels} for day in days}
    for levels in first_reach(changes).values():
        day = local(levels[1], office).date().isoformat()
        counts.setdefault(day, {rule.word: 0 for rule in office.levels})[office.levels[max(levels) - 1].word] += 1
    return dict(sorted(counts.items()))


def _variants(
    prepared: Prepared,
    usual: Run,
    office: Office,
    members: Mapping[str, Sequence[str]],
    truth: Sequence[Incident] | None,
) -> tuple[Variant, ...]:
    made = []
    for name, other in variants(office).items():
        found = run(prepared, other)
        row = Variant(name=name, changed=changed_share(usual, found))
        if truth is not None:
            high = judge(found, members, truth, other).levels[max(0, len(office.levels) - 2)]
            row = replace(
                row, recall=high.recall, precision=high.precision, slow_lead_hours=high.slow_lead_hours
            )  # fmt: skip
        made.append(row)
    return tuple(made)


def _curves(
    found: Run,
    members: Mapping[str, Sequence[str]],
    truth: Sequence[Incident],
    judged: Judged,
    office: Office,
    titles: Mapping[str, str],
) -> list[Curve]:
    """The gravest incidents, each by the event that holds most of it."""
    made = []
    for i in sorted(truth, key=lambda i: (-office.level(i.level), i.id))[:_SHOWN]:
        own = set(i.documents)
        event = max(found.events, key=lambda e: (len(own.intersection(members[e])), e), default=None)
        if event is None or own.isdisjoint(members[event]):
            continue
        points = found.courses[event].points
        marks = {f"升{office.levels[level - 1].word}": at for level, at in judged.reached.get(i.id, {}).items()}
        marks |= {"应达此级": i.due_at, "高峰": i.peak_at}
        level = office.level_name(office.level(i.level))
        title = f"{called(i, members, titles)}应为{level}，{'突发' if i.fast else '缓发'}"
        made.append(
            Curve(title=title, times=tuple(t for t, _ in points), scores=tuple(s for _, s in points), marks=marks)
        )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One event that would have been raised otherwise."""

    event: str
    before: int  #: highest level with the present weights
    after: int  #: with the others
    earlier_hours: float | None  #: how much earlier the lower of both levels is reached; negative: later


def difference(usual: Run, other: Run) -> list[Difference]:
    """Which past alerts would have come, gone, or come at another time (more than ten minutes)."""
    one, two = first_reach(usual.changes), first_reach(other.changes)
    found = []
    for event in sorted(one.keys() | two.keys()):
        before, after = max(one.get(event, {0: None})), max(two.get(event, {0: None}))
        both = min(before, after)
        moved = (one[event][both] - two[event][both]) / timedelta(hours=1) if both else None
        if before != after or (moved is not None and abs(moved) > 1 / 6):
            found.append(Difference(event=event, before=before, after=after, earlier_hours=moved))
    return found
