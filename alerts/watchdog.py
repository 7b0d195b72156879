"""Silence must never be read as calm: what is due and unseen, a word every morning, and sources that lag.

Pure: the application hands in what it sees and writes the rows; their keys keep one message per matter and hour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from alerts.calendar import calendar_warnings, local
from alerts.deadlines import spell
from alerts.notices import NOBODY, Reach, system
from storage.types import Delivery, Office

#: nothing may be due this long without anybody looking at it
UNSEEN = timedelta(minutes=5)
MORNING = time(8, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the morning message says of the last 24 hours."""

    gathered: int
    alerts: int
    open_tasks: int
    overdue_tasks: int
    channels_ok: int
    channels: int
    sources_ok: int
    sources: int
    parked: int = 0


def stuck(
    waiting: Iterable[Delivery],
    heartbeats: Mapping[str, datetime],
    office: Office,
    now: datetime,
    *,
    rhythm: Mapping[str, timedelta] | None = None,
    reach: Reach = NOBODY,
) -> list[Delivery]:
    """Alarms for messages due for five minutes and not sent, and for loops that have not run for five minutes.

    `waiting`: rows of the outbox not finished yet. `heartbeats`: name of a loop ("发送", "时限巡检") → its last run.
    `rhythm`: how far apart the runs of a loop are meant to be, where it is more than a minute.
    """
    late = [d for d in waiting if d.status in ("pending", "temp_fail", "leased") and _due(d) < now - UNSEEN]
    late = [d for d in late if d.reason != "WATCHDOG" and (d.lease_until is None or d.lease_until < now)]
    hour = local(now, office).strftime("%Y-%m-%dT%H")
    rows: list[Delivery] = []
    if late:
        oldest = min(_due(d) for d in late)
        waited = spell(now - oldest)
        text = f"【系统告警】有 {len(late)} 条消息到时未发出，最早一条已等待 {waited}，请检查发送进程和通知渠道"
        rows += system("WATCHDOG", f"outbox|{hour}", text, office, now, reach=reach)
    for name, last in sorted(heartbeats.items()):
        if last < now - UNSEEN - (rhythm or {}).get(name, timedelta()):
            text = f"【系统告警】“{name}”已 {spell(now - last)}没有运行，请检查系统进程"
            rows += system("WATCHDOG", f"loop|{name}|{hour}", text, office, now, reach=reach)
        elif last > now + UNSEEN:
            text = f"【系统告警】系统时钟比“{name}”上次运行时慢 {spell(last - now)}，请校准服务器时间"
            rows += system("WATCHDOG", f"clock|{name}|{hour}", text, office, now, reach=reach)
    return rows


def resumed(name: str, last: datetime, office: Office, now: datetime, *, reach: Reach = NOBODY) -> list[Delivery]:
    """A loop that runs again after a gap says so, once for each gap: nobody could be told while it stood still."""
    if now - last <= UNSEEN:
        return []
    text = (
        f"【系统恢复】“{name}”已恢复，此前 {spell(now - last)}没有运行（停机、数据库中断或服务器时间被调整），"
        "期间到时的提醒现已补发"
    )
    return system("WATCHDOG", f"resumed|{name}|{last.isoformat()}", text, office, now, urgent=False, reach=reach)


def failed(name: str, error: str, until: datetime, office: Office, now: datetime) -> list[Delivery]:
    """A timed job that ended with an error of the program: once an hour for each job."""
    here = local(until, office)
    text = f"【系统告警】“{name}”出错停止，系统已自动重启，{here:%H:%M} 再次运行；错误：{error}，请告知系统管理员"
    return system("WATCHDOG", f"fault|{name}|{local(now, office):%Y-%m-%dT%H}", text, office, now)


def _due(row: Delivery) -> datetime:
    return max(row.not_before, row.next_at) if row.next_at is not None else row.not_before


def morning(counts: Counts, office: Office, now: datetime, *, reach: Reach = NOBODY) -> list[Delivery]:
    """The daily word at 08:30 local time; empty before it, and the same row (dropped by its key) after it."""
    here = local(now, office)
    if here.time() < MORNING:
        return []
    fine = counts.channels_ok == counts.channels and counts.sources_ok == counts.sources and not counts.overdue_tasks
    head = "系统正常" if fine else "系统运行，有事项需关注"
    lines = [
        f"【{head}】{here:%m月%d日} 过去24小时：采集 {counts.gathered} 条，预警 {counts.alerts} 起",
        f"在办任务 {counts.open_tasks} 件，超时限 {counts.overdue_tasks} 件",
        f"通知渠道 {counts.channels_ok}/{counts.channels} 正常，信息来源 {counts.sources_ok}/{counts.sources} 正常",
    ]
    if counts.parked:
        lines.append(f"无法处理而搁置的信息 {counts.parked} 条")
    lines += calendar_warnings(office, now)
    return system("HEARTBEAT", here.date().isoformat(), "\n".join(lines), office, now, urgent=False, reach=reach)


def lagging(
    last_seen: Mapping[str, datetime | None],
    office: Office,
    now: datetime,
    *,
    limit: timedelta = timedelta(hours=24),
    reach: Reach = NOBODY,
) -> list[Delivery]:
    """One alarm a day that names the sources whose newest item is older than `limit` (or which never gave one).

    `last_seen`: id of an enabled source → max(published_at) of what it gave.
    """
    late = {s: at for s, at in sorted(last_seen.items()) if at is None or at < now - limit}
    if not late:
        return []
    names = [office.sources[s].name if s in office.sources else s for s in late]
    shown = "、".join(names[:5]) + (f"等 {len(names)} 个来源" if len(names) > 5 else "")
    text = f"【系统告警】{shown}超过 {spell(limit)}没有新信息，可能已中断，不代表没有舆情"
    day = local(now, office).date().isoformat()
    return system("WATCHDOG", f"lag|{day}|{'|'.join(late)}", text, office, now, urgent=False, reach=reach)
