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
    times = sorted(cells)
    at = floor((_EPOCH + timedelta(milliseconds=times[0])).astimezone(ZoneInfo(timezone)), step)
    result: list[Bucket] = []
    done = 0
    while done < len(times):
        if len(result) >= _MOST:
            raise StoreError("时间跨度过大，图上画不下：请缩小时间范围，或改按更长的时段统计")
        after = following(at, step)
        behind = (after.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        count = negative = 0
        while done < len(times) and times[done] < behind:
            docs, bad = cells[times[done]]
            count, negative, done = count + docs, negative + bad, done + 1
        result.append(Bucket(start=at, count=count, negative=negative))
        at = after
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
