"""Data of the charts. The browser's part (`static/board.js`) only draws what stands here."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from storage.ports import Bucket
from storage.types import LevelChange, Office, Reply


def volume_chart(buckets: Sequence[Bucket], zone: tzinfo, *, days: bool = False) -> dict[str, object]:
    """Stacked bars: negative and other documents in each step of time."""
    shape = "%m-%d" if days else "%m-%d %H:%M"
    return {
        "kind": "volume",
        "times": [f"{bucket.start.astimezone(zone):{shape}}" for bucket in buckets],
        "negative": [bucket.negative for bucket in buckets],
        "other": [bucket.count - bucket.negative for bucket in buckets],
    }


def trend_chart(
    buckets: Sequence[Bucket],
    changes: Sequence[LevelChange],
    replies: Sequence[Reply],
    office: Office,
    zone: tzinfo,
    *,
    days: bool = False,
) -> dict[str, object]:
    """Volume of one event, with a mark at each change of level and each published reply."""
    chart = volume_chart(buckets, zone, days=days)
    starts = [bucket.start for bucket in buckets]
    marks = [
        {
            "at": step_of(change.at, starts),
            "text": office.levels[change.after - 1].word if change.after else "撤销",
            "kind": "level",
        }
        for change in changes
    ]
    marks += [
        {"at": step_of(reply.published_at, starts), "text": "回应", "kind": "reply"}
        for reply in replies
        if reply.published_at
    ]
    return chart | {"kind": "trend", "marks": [mark for mark in marks if mark["at"] is not None]}


def padded(buckets: Sequence[Bucket], since: datetime, until: datetime, step: timedelta) -> list[Bucket]:
    """The buckets with empty ones before the first and after the last, so that a quiet stretch is seen as one.

    `since` is rounded down to the step counted from local midnight; a change to summer time is not looked at.
    """
    filled = {bucket.start: bucket for bucket in buckets}
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + (since - midnight) // step * step
    starts = []
    while at <= until:
        starts.append(at)
        at += step
    return [filled.get(start, Bucket(start=start, count=0, negative=0)) for start in starts]


def step_of(at: datetime, starts: Sequence[datetime]) -> int | None:
    """Index of the step in which a moment lies; the last one for later moments; None before the first."""
    inside = [index for index, start in enumerate(starts) if start <= at]
    return inside[-1] if inside else None


def shares(rows: Sequence[tuple[str, int]]) -> list[tuple[str, int, float]]:
    """(value, count, share of the largest 0..1) for bars that the server draws."""
    top = max((count for _, count in rows), default=0)
    return [(value, count, count / top) for value, count in rows]
