"""A replay against what really happened: precision, recall and lead of each level, what was missed, what was false."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

from alerts.calendar import local
from app.replay_run import Run
from app.townstream import Incident
from storage.types import LevelChange, Office


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFigures:
    """One level: an alert is an event's first reach of it or higher; right if its incident deserves it or higher."""

    level: str
    alerts: int
    right: int
    due: int  #: incidents that deserve it or higher
    caught: int
    precision: float | None
    recall: float | None
    lead_hours: float | None  #: median of peak - alert, over those caught
    lead_hours_p25: float | None
    late_share: float | None  #: share of those caught that were raised only after the peak
    delay_minutes: float | None  #: median of alert - due, over the fast ones that deserve exactly this level
    slow_lead_hours: float | None  #: median of peak - alert, over the slow ones that deserve exactly this level


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One run against the truth."""

    levels: tuple[LevelFigures, ...]
    missed: tuple[str, ...]  #: incidents of the two highest levels that never reached theirs, one line each
    false: tuple[str, ...]  #: events that reached the two highest levels without deserving it
    under_hours: float  #: hours below the deserved level between due and peak, over all incidents
    over_hours: float  #: hours above it, over all events, to the end of the replay
    reached: Mapping[str, Mapping[int, datetime]]  #: incident → level → when it or a higher one was first reached


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


def judge(
    found: Run,
    members: Mapping[str, Sequence[str]],
    truth: Sequence[Incident],
    office: Office,
    titles: Mapping[str, str] | None = None,
) -> Judged:
    """Compare. members: event → ids of its documents; titles: event → what it is called."""
    owner = {d: i.id for i in truth for d in i.documents}
    by_event = {e: _majority([owner.get(d) for d in docs]) for e, docs in members.items()}
    deserved = {i.id: office.level(i.level) for i in truth}
    first = first_reach(found.changes)
    reached: dict[str, dict[int, datetime]] = defaultdict(dict)
    for event, levels in first.items():
        incident = by_event.get(event)
        for level, at in levels.items():
            if incident is not None:
                reached[incident][level] = min(at, reached[incident].get(level, at))
    high = max(1, len(office.levels) - 1)
    missed = [i for i in truth if deserved[i.id] >= high and deserved[i.id] not in reached[i.id]]
    false = [e for e, levels in first.items() if high in levels and deserved.get(by_event.get(e) or "", 0) < high]
    return Judged(
        levels=tuple(
            _figures(level, office, first, by_event, deserved, reached, truth)
            for level in range(1, len(office.levels) + 1)
        ),
        missed=tuple(
            f"{called(i, members, titles or {})}（{i.id}，{_topic(i.topic, office)}，{_clock(i.start, office)}起）"
            f"应为{office.level_name(deserved[i.id])}，"
            + (f"最高只到{office.level_name(max(reached[i.id]))}" if reached[i.id] else "始终未预警")
            for i in missed
        ),
        false=tuple(_false(e, first[e], by_event.get(e), deserved, office, titles or {}) for e in false),
        under_hours=sum(_late_hours(i, reached[i.id].get(deserved[i.id])) for i in truth),
        over_hours=_over_hours(found.changes, by_event, deserved),
        reached=reached,
    )


def called(incident: Incident, members: Mapping[str, Sequence[str]], titles: Mapping[str, str]) -> str:
    """「标题」 of the event that holds most of an incident; its id where no event does."""
    own = set(incident.documents)
    shares = {event: len(own.intersection(documents)) for event, documents in members.items()}
    best = max(shares, key=lambda e: (shares[e], e), default="")
    return f"「{titles[best]}」" if shares.get(best) and titles.get(best) else incident.id


def _false(
    event: str,
    levels: Mapping[int, datetime],
    incident: str | None,
    deserved: Mapping[str, int],
    office: Office,
    titles: Mapping[str, str],
) -> str:
    name = f"「{titles[event]}」（{event}）" if titles.get(event) else event
    highest = max(levels)
    right = f"应为{office.level_name(deserved[incident])}（{incident}）" if incident else "属日常内容"
    return f"{name}{_clock(levels[highest], office)}升至{office.level_name(highest)}，{right}"


def _topic(topic: str, office: Office) -> str:
    return office.topics[topic].name if topic in office.topics else topic or "未分专题"


def _clock(at: datetime, office: Office) -> str:
    here = local(at, office)
    return f"{here.month}月{here.day}日{here:%H:%M}"


def first_reach(changes: Sequence[LevelChange]) -> dict[str, dict[int, datetime]]:
    """Event → level → when it or a higher one was first reached."""
    first: dict[str, dict[int, datetime]] = defaultdict(dict)
    for change in changes:
        for level in range(1, change.after + 1):
            first[change.event].setdefault(level, change.at)
    return first


def _majority(owners: Sequence[str | None]) -> str | None:
    """The incident that at least half of an event's documents belong to."""
    owner, count = Counter(owners).most_common(1)[0]
    return owner if 2 * count >= len(owners) else None


def _late_hours(incident: Incident, at: datetime | None) -> float:
    end = min(at, incident.peak_at) if at else incident.peak_at
    return max(0.0, (end - incident.due_at) / timedelta(hours=1))


def _over_hours(
    changes: Sequence[LevelChange], by_event: Mapping[str, str | None], deserved: Mapping[str, int]
) -> float:
    """Hours that events spent above what their incident deserves, up to their last change."""
    since: dict[str, datetime] = {}
    total = 0.0
    for change in changes:
        most = deserved.get(by_event.get(change.event) or "", 0)
        start = since.pop(change.event, None)
        if start is not None:
            total += (change.at - start) / timedelta(hours=1)
        if change.after > most:
            since[change.event] = change.at
    return total


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
    leads = [(i.peak_at - at) / timedelta(hours=1) for i, at in caught]
    exact = [(i, at) for i, at in caught if deserved[i.id] == level]
    slow = [(i.peak_at - at) / timedelta(hours=1) for i, at in exact if not i.fast]
    fast = [(at - i.due_at) / timedelta(minutes=1) for i, at in exact if i.fast]
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
        late_share=sum(lead < 0 for lead in leads) / len(leads) if leads else None,
        delay_minutes=median(fast) if fast else None,
        slow_lead_hours=median(slow) if slow else None,
    )
