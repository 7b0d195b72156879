"""How often to look: from the source's own rhythm, and whether its silence is unlike it.

Interval ∝ 1/√(estimated rate of items) with an hour-of-day profile. That the square root is the optimum for the mean
delay on a fixed budget of polls follows from Cho and Garcia-Molina, "Effective page refresh policies" (2003).
"""

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from crawlers.dates import CHINA
from storage.types import Source, SourceHour, SourceState

SHORTEST = timedelta(minutes=2)
LONGEST = timedelta(hours=24)
#: interval of a source that brings one item an hour; chosen so that 300 mixed sources cost a poll per source in 2 h
ONE_AN_HOUR = timedelta(minutes=100)
#: weight of an hour halves after so many hours: a rhythm changes with the season
HALF_LIFE = 96.0
#: without any history a source is looked at this often
START = timedelta(minutes=30)
#: prefixes of SourceHour.last_error that name a state; officials read them
EXPIRED, REFUSED = "令牌失效：", "被拒绝："
_PROFILE_WEIGHT = 6.0
_MISSED = 8.0  #: items that should have come by now before a source is called silent


class Health(NamedTuple):
    """State of a source and one Chinese sentence for the board."""

    state: SourceState
    reason: str


def hourly_rate(hours: Sequence[SourceHour], now: datetime) -> float:
    """Items per hour, recent hours weighing more; 0.0 without history.

    Counts the hours since the first record, since an hour without a row brought nothing that we saw.
    """
    if not hours:
        return 0.0
    first = min(h.hour for h in hours)
    span = max(1.0, (now - first).total_seconds() / 3600)
    items = sum((h.new + h.updated) * _weight(now - h.hour) for h in hours)
    exposure = (1 - 0.5 ** (span / HALF_LIFE)) * HALF_LIFE / math.log(2)
    return float(items / exposure)


def profile(hours: Sequence[SourceHour]) -> tuple[float, ...]:
    """Share of each local hour of the day relative to the mean (24 values, mean 1), smoothed towards 1."""
    counts = [0.0] * 24
    for hour in hours:
        counts[hour.hour.astimezone(CHINA).hour] += hour.new + hour.updated
    total = sum(counts)
    smooth = [(counts[(i - 1) % 24] + 2 * counts[i] + counts[(i + 1) % 24]) / 4 for i in range(24)]
    prior = _PROFILE_WEIGHT
    return tuple((c + prior) / (total / 24 + prior) for c in smooth)


def next_due(
    source: Source, hours: Sequence[SourceHour], now: datetime, failures: int = 0, seed: int | None = None
) -> datetime:
    """When to look again. `hours`: the last two weeks of this source. Never in the past, never later than a day.

    `failures` in a row double the interval; jitter (±25 %, from `seed`) keeps sick sources from coming back together.
    """
    if failures:
        return _out_of_quiet(source, now + back_off(failures, seed, least=_interval(source, hours, now)))
    return _out_of_quiet(source, now + _interval(source, hours, now))


def _interval(source: Source, hours: Sequence[SourceHour], now: datetime) -> timedelta:
    if source.interval_minutes is not None:
        return timedelta(minutes=max(0.02, source.interval_minutes))
    rate = hourly_rate(hours, now)
    if rate <= 0:
        young = not hours or now - min(h.hour for h in hours) < timedelta(hours=6)
        return START if young else LONGEST / 4
    shares = profile(hours)
    local = now.astimezone(CHINA)
    ahead = (shares[local.hour] + shares[(local.hour + 1) % 24]) / 2
    return min(max(ONE_AN_HOUR / math.sqrt(max(1e-6, rate * ahead)), SHORTEST), LONGEST)


def back_off(failures: int, seed: int | None = None, least: timedelta = timedelta(0)) -> timedelta:
    """Waiting time after so many failures in a row: 2, 4, 8 … minutes up to a day, ±25 %."""
    minutes = min(1440.0, 2.0 * 2 ** min(failures - 1, 12))
    jitter = 0.75 + 0.5 * random.Random(seed).random()
    return max(timedelta(minutes=minutes * jitter), min(least, LONGEST))


def revisit(published: datetime | None, now: datetime) -> datetime | None:
    """When to look at an article or a thread again: an hour after it appeared, then at thrice its age, for two days."""
    if published is None:
        return None
    age = now - published
    if age > timedelta(hours=36):
        return None
    return now + max(timedelta(hours=1), 2 * age)


def _out_of_quiet(source: Source, due: datetime) -> datetime:
    if source.quiet_hours is None:
        return due
    start, end = source.quiet_hours
    local = due.astimezone(CHINA)
    inside = start <= local.hour < end if start <= end else local.hour >= start or local.hour < end
    if not inside:
        return due
    opening = local.replace(hour=end % 24, minute=0, second=0, microsecond=0)
    return opening if opening > local else opening + timedelta(days=1)


def state(source: Source, hours: Sequence[SourceHour], now: datetime) -> Health:
    """State of a source from its last two weeks. "Not seen" is never "nothing happened": silence is named 静默.

    An hour in which only duplicates were counted, which happens when documents are understood, was no look.
    """
    if not source.enabled:
        return Health("off", "已停用")
    rows = sorted((h for h in hours if h.polled or h.errors or h.new or h.updated), key=lambda h: h.hour)
    if not rows:
        return Health("new", "尚未采集")
    last = rows[-1]
    if last.errors and not (last.new or last.unchanged or last.updated):
        return _failing(rows)
    if now - last.hour > _patience(source, hours, now):
        return Health("slow", f"已有{_span(now - last.hour)}未轮询，采集进程可能没有运行")
    return _silence(rows, now)


def _failing(rows: Sequence[SourceHour]) -> Health:
    error = rows[-1].last_error or "未说明原因"
    if error.startswith(EXPIRED):
        return Health("expired", error)
    if error.startswith(REFUSED):
        return Health("refused", error)
    good = [r for r in rows if r.new or r.unchanged or r.updated]
    since = f"，上次成功：{good[-1].hour.astimezone(CHINA):%m月%d日%H时}" if good else "，从未成功"
    return Health("failing", f"采集失败：{error}{since}")


def _silence(rows: Sequence[SourceHour], now: datetime) -> Health:
    bringing = [r for r in rows if r.new or r.updated]
    if not bringing:
        return Health("new" if now - rows[0].hour < timedelta(days=1) else "silent", "尚未采到内容")
    last = bringing[-1].hour + timedelta(hours=1)
    before = [r for r in rows if r.hour <= bringing[-1].hour]
    rate, shares = hourly_rate(before, last), profile(before)
    expected, at = 0.0, last
    while at < now:
        expected += rate * shares[at.astimezone(CHINA).hour] * min(1.0, (now - at).total_seconds() / 3600)
        at += timedelta(hours=1)
    if expected >= _MISSED and now - last > timedelta(hours=3):
        return Health("silent", f"静默：已有{_span(now - last)}没有新内容，按以往规律此时应已有约{expected:.0f}条")
    return Health("ok", f"正常，最近一次有新内容：{bringing[-1].hour.astimezone(CHINA):%m月%d日%H时}")


def _patience(source: Source, hours: Sequence[SourceHour], now: datetime) -> timedelta:
    return timedelta(hours=2) + 2 * min(_interval(source, hours, now), LONGEST)


def _span(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.0f}天" if hours >= 48 else f"{max(1, round(hours))}小时"


def _weight(age: timedelta) -> float:
    return float(0.5 ** (max(0.0, age.total_seconds()) / 3600 / HALF_LIFE))
