"""Silences, inhibition and quiet hours: why a message is not sent, or not yet.

None of them ever touches what is urgent (Ⅰ, Ⅱ), a breach, or a rise out of the lowest level.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.calendar import quiet_until
from alerts.catalogue import lineage
from storage.types import Deadline, Event, Level, Office

MAX_SILENCE = timedelta(hours=24)
#: reasons that go out at any hour and through any silence
ALWAYS = frozenset(
    {
        "BREACH",
        "ADJUDICATE",
        "LEVEL_UP",
        "WATCHDOG",
        "CHANNEL_DEAD",
        "HEARTBEAT",
        "UNSIGNED",
        "INFORMED",
        "UNACKNOWLEDGED",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Staff have decided that a matter needs no further messages for a while; it ends with the event."""

    id: str
    author: str
    approver: str
    reason: str
    start: datetime
    end: datetime
    event: str | None = None
    topics: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    level_to: Level = 1  #: matches this level and lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Umbrella:
    """A wider event that speaks for this one: while it is open and signed, the same department is not told twice."""

    event: str
    department: str
    level: Level
    open: bool
    signed: bool
    children: tuple[str, ...] = ()  #: the events under it; () = every other matter of the department


def silence_problems(silence: Silence, office: Office) -> list[str]:
    """Why a silence cannot be accepted, in Chinese; empty when it can."""
    problems = []
    if not silence.reason.strip():
        problems.append("请填写静默理由")
    if silence.approver == silence.author:
        problems.append("批准人不能是申请人本人")
    if not silence.start < silence.end <= silence.start + MAX_SILENCE:
        problems.append("静默时间最长 24 小时，结束应晚于开始")
    top = office.rule(min(silence.level_to, len(office.levels)))
    if silence.level_to >= len(office.levels) or (top is not None and top.urgent):
        problems.append("红色、橙色等紧急等级不能静默")
    if not (silence.event or silence.topics or silence.areas or silence.departments):
        problems.append("请指明静默的事件、主题、区域或单位")
    return problems


def silenced(
    event: Event, department: str, silences: Iterable[Silence], office: Office, now: datetime
) -> Silence | None:
    """The silence that holds now for this event and department; never for an urgent level."""
    rule = office.rule(event.level)
    if rule is not None and rule.urgent:
        return None
    areas = set(lineage(event.area, office))
    for row in silences:
        fits = (
            row.start <= now < row.end
            and event.level <= row.level_to
            and (row.event is None or row.event == event.id)
            and (not row.topics or event.topic in row.topics)
            and (not row.areas or not areas.isdisjoint(row.areas))
            and (not row.departments or department in row.departments)
        )
        if fits and not silence_problems(row, office):
            return row
    return None


def inhibited(event: Event, department: str, umbrellas: Iterable[Umbrella]) -> Umbrella | None:
    """The open and signed umbrella of the same department over this event whose level is at least the event's own.

    An umbrella never speaks for itself: its own reminders go on.
    """
    fitting = (
        u
        for u in umbrellas
        if u.department == department
        and u.open
        and u.signed
        and u.level >= event.level
        and u.event != event.id
        and (not u.children or event.id in u.children)
    )
    return next(fitting, None)


def mute(
    reason: str,
    event: Event,
    department: str,
    silences: Iterable[Silence],
    umbrellas: Iterable[Umbrella],
    office: Office,
    now: datetime,
) -> tuple[str, str] | None:
    """(code of the suppression, Chinese words) or None. What is urgent is never muted."""
    rule = office.rule(event.level)
    if reason in ALWAYS or (rule is not None and rule.urgent):
        return None
    quiet = silenced(event, department, silences, office, now)
    if quiet is not None:
        return f"SILENCED:{quiet.id}", f"静默中：{quiet.reason}（{quiet.approver}批准）"
    over = inhibited(event, department, umbrellas)
    if over is not None:
        return f"INHIBITED:{over.event}", "上级事件已由本单位签收办理，不再单独通知"
    return None


def send_time(reason: str, level: Level, clocks: Sequence[Deadline], office: Office, now: datetime) -> datetime:
    """When a message may go out: now, after the grouping wait, or when quiet hours end.

    Quiet hours defer only the lowest level. A clock that runs out before they end is not deferred at all.
    """
    rule = office.rule(level)
    if reason in ALWAYS or (rule is not None and rule.urgent):
        return now
    grouped = rule is not None and reason in ("FIRST", "NEW_DEPT", "UPDATED")
    at = now + timedelta(seconds=rule.group_wait_seconds) if rule is not None and grouped else now
    if level > 1:
        return at
    morning = quiet_until(at, office)
    if any(d.met_at is None and now < d.due_at < morning for d in clocks):
        return now
    return max(at, morning)
