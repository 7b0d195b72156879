"""Steps of local time: pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from storage.ports import Bucket, StoreError

Step = Literal["hour", "day", "week", "month"]
_MOST = 20_000  #: buckets of one histogram
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def buckets(cells: Mapping[int, tuple[int, int]], step: Step, timezone: str) -> list[Bucket]:
    """Cells (start in ms, UTC → documents, negative) summed into local steps, empty ones between first and last too.

    A week begins on Monday. StoreError above 20,000 buckets: a hostile date must not fill the memory.
    """
    if not cells:
        return []
    zone = ZoneInfo(timezone)
    sums: dict[datetime, tuple[int, int]] = {}
    for start, (docs, negative) in cells.items():
        at = floor((_EPOCH + timedelta(milliseconds=start)).astimezone(zone), step)
        before = sums.get(at, (0, 0))
        sums[at] = (before[0] + docs, before[1] + negative)
    at, last = min(sums), max(sums)
    result: list[Bucket] = []
    while at <= last:
        if len(result) >= _MOST:
            raise StoreError("时间跨度过大，图上画不下：请缩小时间范围，或改按更长的时段统计")
        docs, negative = sums.get(at, (0, 0))
        result.append(Bucket(start=at, count=docs, negative=negative))
        at = following(at, step)
    return result


def floor(at: datetime, step: Step) -> datetime:
    """Start of the step that a local time lies in."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if step == "hour":
        return hour
    day = hour.replace(hour=0, fold=0)
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def following(at: datetime, step: Step) -> datetime:
    """Start of the next step; hours go by real time, days and longer by the calendar."""
    if step == "hour":
        return (at.astimezone(UTC) + timedelta(hours=1)).astimezone(at.tzinfo)
    if step == "month":
        return floor(at + timedelta(days=32), "month")
    return at + timedelta(days=7 if step == "week" else 1)
