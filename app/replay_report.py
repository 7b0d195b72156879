"""What a replay says: per level precision, recall and lead; what was missed; what another weight would have done."""

import html
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles

from app.townstream import Incident
from storage.types import Document, LevelChange, Office, Risk

Point = tuple[datetime, dict[str, float | None], int | None, int | None]


_SPARSE = timedelta(hours=1)


@dataclass(slots=True)
class Trace:
    """An event's evaluations: every new highest score, and otherwise one an hour."""

    points: list[Point] = field(default_factory=list)
    _highest: float = 0.0

    def note(self, now: datetime, risk: Risk) -> None:
        if self.points and now - self.points[-1][0] < _SPARSE and risk.score <= self._highest:
            return
        self._highest = max(self._highest, risk.score)
        self.points.append((now, {f.code: f.x for f in risk.factors}, risk.floor, risk.cap))


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFigures:
    """One level: an alert is an event's first reach of it or higher; right if its incident deserves it or higher."""

    level: str
    alerts: int
    right: int
    due: int  #: incidents that deserve ℓ or higher
    caught: int
    precision: float | None
    recall: float | None
    lead_hours: float | None  #: median of peak - alert, over those caught
    lead_hours_p25: float | None
    delay_minutes: float | None  #: median of alert - due, over the fast ones
    slow_lead_hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """All figures of one replay."""

    documents: int
    events: int
    days: float
    alerts_per_day: float
    levels: tuple[LevelFigures, ...] = ()
    missed: tuple[str, ...] = ()  #: incidents of the two highest levels that never reached theirs, one line each
    false: tuple[str, ...] = ()  #: events that reached the two highest levels without deserving it
    wrong_hours: float = 0.0  #: hours below the deserved level between due and peak, over all incidents
    sensitivity: Mapping[str, float] = field(default_factory=dict)  #: "S+20%" → share of events at another peak level
    ablation: Mapping[str, float] = field(default_factory=dict)  #: factor left out → the same share
    changes: tuple[LevelChange, ...] = ()
    unread: int = 0
    seconds: float = 0.0

    def to_json(self) -> str:
        """Everything but the reasons of the changes."""
        data = asdict(self)
        data["changes"] = [
            {"event": c.event, "before": c.before, "after": c.after, "cause": c.cause, "score": round(c.score, 1),
             "at": c.at.isoformat()}
            for c in self.changes
        ]  # fmt: skip
        return json.dumps(data, ensure_ascii=False, indent=1)

    def to_html(self) -> str:
        """A page of its own, without scripts: tables and bars."""
        rows = "".join(
            f"<tr><td>{html.escape(f.level)}<td>{f.alerts}<td>{f.due}<td>{_share(f.precision)}<td>{_share(f.recall)}"
            f"<td>{_number(f.slow_lead_hours)}<td>{_number(f.delay_minutes)}"
            for f in self.levels
        )
        bars = "".join(
            f"<tr><td>{html.escape(k)}<td><meter max=1 value={v:.3f}></meter> {v:.0%}"
            for k, v in {**self.sensitivity, **{f"去掉 {k}": v for k, v in self.ablation.items()}}.items()
        )
        lines = "".join(f"<li>{html.escape(x)}" for x in self.missed) or "<li>无"
        false = "".join(f"<li>{html.escape(x)}" for x in self.false) or "<li>无"
        return (
            "<!doctype html><html lang=zh><meta charset=utf-8><title>回放评估</title>"
            "<style>body{font-family:sans-serif;max-width:60em;margin:2em auto}"
            "td,th{padding:.2em .8em;text-align:left}</style>"
            f"<h1>回放评估</h1><p>{self.documents}条内容，{self.days:.1f}天，{self.events}个事件，"
            f"日均预警{self.alerts_per_day:.1f}件，低于应有等级合计{self.wrong_hours:.1f}小时。"
            "<h2>各等级</h2><table><tr><th>等级<th>预警<th>应预警<th>准确率<th>召回率<th>缓发提前（小时）<th>突发延迟（分钟）"
            f"{rows}</table><h2>漏报</h2><ul>{lines}</ul><h2>误报</h2><ul>{false}</ul>"
            f"<h2>权重变动后等级改变的事件占比</h2><table>{bars}</table></html>"
        )


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"


def report(
    office: Office,
    documents: Sequence[Document],
    members: Mapping[str, Sequence[str]],
    traces: Mapping[str, Trace],
    changes: Sequence[LevelChange],
    truth: Sequence[Incident] | None,
) -> ReplayReport:
    """Compare what was raised with what should have been. Without a truth only counts and sensitivity."""
    span = (documents[-1].fetched_at - documents[0].fetched_at).total_seconds() / 86400 if documents else 0.0
    ups = [c for c in changes if c.after > c.before]
    first = _first_reach(changes)
    base = ReplayReport(
        documents=len(documents),
        events=len(traces),
        days=span,
        alerts_per_day=len({c.event for c in ups}) / max(span, 1.0),
        sensitivity=_shifts(
            traces, office, {f"{k}{s:+.0%}": (k, 1 + s) for k in office.risk.weights for s in (-0.2, 0.2)}
        ),
        ablation=_shifts(traces, office, {k: (k, 0.0) for k in office.risk.weights}),
        changes=tuple(changes),
    )
    if truth is None:
        return base
    return _against(base, office, members, first, truth)


def _first_reach(changes: Sequence[LevelChange]) -> dict[str, dict[int, datetime]]:
    """Event → level → when it or a higher one was first reached."""
    first: dict[str, dict[int, datetime]] = defaultdict(dict)
    for change in changes:
        for level in range(1, change.after + 1):
            first[change.event].setdefault(level, change.at)
    return first


def _against(
    base: ReplayReport,
    office: Office,
    members: Mapping[str, Sequence[str]],
    first: Mapping[str, Mapping[int, datetime]],
    truth: Sequence[Incident],
) -> ReplayReport:
    owner = {d: i.id for i in truth for d in i.documents}
    by_event = {e: _majority([owner.get(d) for d in docs]) for e, docs in members.items()}
    deserved = {i.id: office.level(i.level) for i in truth}
    reached: dict[str, dict[int, datetime]] = defaultdict(dict)
    for event, levels in first.items():
        incident = by_event.get(event)
        for level, at in levels.items():
            if incident is not None:
                reached[incident][level] = min(at, reached[incident].get(level, at))
    high = max(1, len(office.levels) - 1)
    figures = tuple(
        _figures(level, office, first, by_event, deserved, reached, truth) for level in range(1, len(office.levels) + 1)
    )
    missed = [i for i in truth if deserved[i.id] >= high and deserved[i.id] not in reached[i.id]]
    false = [e for e, levels in first.items() if high in levels and deserved.get(by_event.get(e) or "", 0) < high]
    return ReplayReport(
        **{**{k: getattr(base, k) for k in base.__slots__}, "levels": figures,
           "missed": tuple(f"{i.id}（{i.topic}）应为{office.level_name(deserved[i.id])}，最高到"
                           f"{office.level_name(max(reached[i.id], default=0))}" for i in missed),
           "false": tuple(f"{e}（{by_event.get(e) or '日常内容'}）" for e in false),
           "wrong_hours": sum(_late_hours(i, reached[i.id].get(deserved[i.id])) for i in truth)}
    )  # fmt: skip


def _majority(owners: Sequence[str | None]) -> str | None:
    """The incident that at least half of an event's documents belong to."""
    owner, count = Counter(owners).most_common(1)[0]
    return owner if 2 * count >= len(owners) else None


def _late_hours(incident: Incident, at: datetime | None) -> float:
    end = min(at, incident.peak_at) if at else incident.peak_at
    return max(0.0, (end - incident.due_at).total_seconds() / 3600)


def _figures(
    level: int,
    office: Office,
    first: Mapping[str, Mapping[int, datetime]],
    by_event: Mapping[str, str | None],
    deserved: Mapping[str, int],
    reached: Mapping[str, Mapping[int, datetime]],
    truth: Sequence[Incident],
) -> LevelFigures:
    alerts = [e for e, levels in first.items() if level in levels]
    right = sum(deserved.get(by_event.get(e) or "", 0) >= level for e in alerts)
    due = [i for i in truth if deserved[i.id] >= level]
    caught = [(i, reached[i.id][level]) for i in due if level in reached[i.id]]
    leads = [(i.peak_at - at).total_seconds() / 3600 for i, at in caught]
    exact = [(i, at) for i, at in caught if deserved[i.id] == level]
    slow = [(i.peak_at - at).total_seconds() / 3600 for i, at in exact if not i.fast]
    fast = [(at - i.due_at).total_seconds() / 60 for i, at in exact if i.fast]
    return LevelFigures(
        level=office.level_name(level),
        alerts=len(alerts),
        right=right,
        due=len(due),
        caught=len(caught),
        precision=right / len(alerts) if alerts else None,
        recall=len(caught) / len(due) if due else None,
        lead_hours=median(leads) if leads else None,
        lead_hours_p25=quantiles(leads, n=4)[0] if len(leads) > 1 else None,
        delay_minutes=median(fast) if fast else None,
        slow_lead_hours=median(slow) if slow else None,
    )


def _shifts(traces: Mapping[str, Trace], office: Office, variants: Mapping[str, tuple[str, float]]) -> dict[str, float]:
    """Share of events whose highest level is another one when a factor's weight is multiplied."""
    weights = dict(office.risk.weights)
    usual = {e: _peak(t, weights, office) for e, t in traces.items()}
    found = {}
    for name, (code, by) in variants.items():
        other = {**weights, code: weights[code] * by}
        found[name] = sum(_peak(t, other, office) != usual[e] for e, t in traces.items()) / max(1, len(traces))
    return found


def _peak(trace: Trace, weights: Mapping[str, float], office: Office) -> int:
    return max((_level(point, weights, office) for point in trace.points), default=0)


def _level(point: Point, weights: Mapping[str, float], office: Office) -> int:
    _, values, floor, cap = point
    known = {k: x for k, x in values.items() if x is not None}
    total = sum(weights.get(k, 0.0) for k in known)
    points = 100 * sum(weights.get(k, 0.0) * x for k, x in known.items()) / total if total else 0.0
    level = sum(points >= rule.threshold for rule in office.levels)
    return max(level if cap is None else min(level, cap), floor or 0)
