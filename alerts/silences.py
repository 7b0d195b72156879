"""Silences, inhibition, quiet hours and the hourly cap: why a message is not sent, or not yet.

None of them ever touches what is urgent (Ⅰ, Ⅱ), a breach, or a rise out of the lowest level.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.calendar import local, quiet_until
from alerts.catalogue import lineage
from alerts.duty import contact
from alerts.notices import compose, suppressed
from storage.types import Deadline, Delivery, Event, Level, Office

MAX_SILENCE = timedelta(hours=24)
#: reasons that go out at any hour and through any silence
ALWAYS = frozenset(
    {"BREACH", "ADJUDICATE", "LEVEL_UP", "WATCHDOG", "CHANNEL_DEAD", "HEARTBEAT", "UNSIGNED", "INFORMED"}
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


def inhibited(level: Level, department: str, umbrellas: Iterable[Umbrella]) -> Umbrella | None:
    """The open and signed umbrella of the same department whose level is at least this one."""
    fitting = (u for u in umbrellas if u.department == department and u.open and u.signed and u.level >= level)
    return next(fitting, None)


def send_time(reason: str, level: Level, clocks: Sequence[Deadline], office: Office, now: datetime) -> datetime:
    """When a message may go out: now, after the grouping wait, or when quiet hours end.

    Quiet hours defer only the lowest level. A clock that runs out before they end is not deferred at all.
    """
    rule = office.rule(level)
    if rule is None or rule.urgent or reason in ALWAYS:
        return now
    wait = timedelta(seconds=rule.group_wait_seconds) if reason in ("FIRST", "NEW_DEPT", "UPDATED") else timedelta()
    at = now + wait
    if level > 1:
        return at
    morning = quiet_until(at, office)
    if any(d.met_at is None and now < d.due_at < morning for d in clocks):
        return now
    return max(at, morning)


def cap_per_hour(rows: Iterable[Delivery], sent: Mapping[str, int], office: Office, now: datetime) -> list[Delivery]:
    """Keep each department within `office.messages_per_hour`, urgent messages excepted.

    `sent`: messages of the last hour by recipient. What is above becomes a stored THROTTLED row, and one digest for
    the next full hour tells the department to look at its list: nothing is lost, nobody is flooded.
    """
    counts = dict(sent)
    kept: list[Delivery] = []
    for row in rows:
        if row.status != "pending" or row.recipient not in office.departments:
            kept.append(row)
            continue
        counts[row.recipient] = counts.get(row.recipient, 0) + 1
        if row.urgent or counts[row.recipient] <= office.messages_per_hour:
            kept.append(row)
            continue
        hour = local(now, office).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        why = f"本小时已达 {office.messages_per_hour} 条，{hour:%H:%M} 合并提醒（原因 {row.reason}）"
        kept.append(suppressed("THROTTLED", row.alert, row.task, row.recipient, f"{row.reason}|{row.epoch}", why, now))
        kept += _digest(row.recipient, hour, office, now)
    return list({row.idem_key: row for row in kept}.values())


def _digest(recipient: str, hour: datetime, office: Office, now: datetime) -> list[Delivery]:
    rows = compose(
        "DIGEST",
        f"digest|{recipient}|{hour.isoformat()}",
        contact(recipient, office, now),
        office,
        now,
        subject_text="【汇总】另有多项任务有新动态",
        body=f"上一小时消息较多，未逐条发送。请登录系统查看本单位任务：{office.base_url.rstrip('/')}/tasks",
        level=0,
        not_before=hour,
    )
    return [replace(row, urgent=False) for row in rows]
