"""A simulated town: fixed interval of two hours against our rhythm, on the same number of polls.

    python benchmarks/crawlers_rhythm.py            300 sources, 0.2 to 200 items a day, 90 % of them from 8 to 23 h

The first week teaches and is not scored. Delay is publish → seen.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from crawlers.dates import CHINA
from crawlers.rhythm import next_due
from storage.types import Source, SourceHour

START = datetime(2026, 1, 5, tzinfo=CHINA)
LEARN, DAYS, SOURCES = 7, 21, 300


def items(rate: float, dice: random.Random) -> list[datetime]:
    """Publication times of one source over the whole time, in order."""
    found = []
    for day in range(LEARN + DAYS):
        count = sum(dice.random() < rate / 400 for _ in range(400))
        for _ in range(count):
            hour = dice.uniform(8, 23) if dice.random() < 0.9 else dice.uniform(-1, 8) % 24
            found.append(START + timedelta(days=day, hours=hour))
    return sorted(found)


def watch(source: Source, published: list[datetime], plan: Callable[..., datetime]) -> tuple[list[float], int]:
    """Delays in minutes of the scored items, and the number of scored polls."""
    delays: list[float] = []
    hours: dict[datetime, SourceHour] = {}
    at, seen, polls = START, 0, 0
    scored, end = START + timedelta(days=LEARN), START + timedelta(days=LEARN + DAYS)
    while at < end:
        fresh = 0
        while seen < len(published) and published[seen] <= at:
            if published[seen] >= scored:
                delays.append((at - published[seen]).total_seconds() / 60)
            seen += 1
            fresh += 1
        polls += at >= scored
        hour = at.replace(minute=0, second=0, microsecond=0)
        old = hours.get(hour)
        hours[hour] = SourceHour(source=source.id, hour=hour, polled=1, new=fresh + (old.new if old else 0))
        recent = [h for h in hours.values() if at - h.hour < timedelta(days=14)]
        at = plan(source, recent, at)
    return delays, polls


def main() -> None:
    dice = random.Random(4)
    rates = [0.2 * 1000 ** dice.random() for _ in range(SOURCES)]
    town = [
        (Source(id=str(i), name="", type="list", url="http://a/", kind="news"), items(r, dice))
        for i, r in enumerate(rates)
    ]
    ours = [watch(s, p, next_due) for s, p in town]
    polls = sum(n for _, n in ours)
    same = timedelta(days=DAYS * SOURCES / polls)
    for name, result in (
        ("our rhythm", ours),
        ("fixed, same polls", [watch(s, p, lambda s, h, at: at + same) for s, p in town]),
        ("fixed 2 h", [watch(s, p, lambda s, h, at: at + timedelta(hours=2)) for s, p in town]),
    ):
        delays = sorted(d for ds, _ in result for d in ds)
        count = sum(n for _, n in result)
        mean, p95 = sum(delays) / len(delays), delays[int(len(delays) * 0.95)]
        print(f"{name:18} polls {count:7}  mean {mean:5.1f} min  p95 {p95:6.1f}")


if __name__ == "__main__":
    main()
