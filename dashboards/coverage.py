"""What was seen and what was not: the coverage line and the state of each source."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.ports import Transaction
from storage.types import Office, Source, SourceHour, SourceState

WATCH_HOURS = 24
#: a source that brought this many items before and none in the last day is called silent
SILENT_AFTER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One source over the last day and the week before."""

    source: Source
    state: SourceState
    polled: int
    new: int
    errors: int
    rejected: int
    before: float  #: new items per day over the six days before
    delay_minutes: float | None  #: publish → seen, mean over the new items of the day
    last_new: datetime | None
    last_error: str | None
    hours: tuple[int, ...]  #: new items in each of the last 24 hours, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One line: how much of what should be seen is seen."""

    enabled: int
    well: int
    troubled: tuple[Health, ...]  #: silent or failing
    latest: datetime | None  #: when the youngest document came in
    waiting: int  #: documents acknowledged and not yet understood
    parked: int  #: documents that could not be processed (at most 100 are counted)


def coverage(tx: Transaction, office: Office, latest: datetime | None, now: datetime) -> Coverage:
    """The coverage line as of now."""
    rows = health(office, tx.frontier.hours(None, now - timedelta(days=7)), now)
    enabled = [row for row in rows if row.state != "off"]
    return Coverage(
        enabled=len(enabled),
        well=sum(row.state in {"ok", "slow", "new"} for row in enabled),
        troubled=tuple(row for row in enabled if row.state in {"silent", "failing", "refused", "expired"}),
        latest=latest,
        waiting=tx.intake.waiting(),
        parked=len(tx.intake.parked(100)),
    )


def health(office: Office, hours: Iterable[SourceHour], now: datetime) -> list[Health]:
    """Every configured source with its figures, the troubled ones first."""
    by_source: dict[str, list[SourceHour]] = defaultdict(list)
    for hour in hours:
        by_source[hour.source].append(hour)
    order = ["failing", "refused", "expired", "silent", "slow", "new", "ok", "off"]
    rows = [one(source, by_source[source.id], now) for source in office.sources.values()]
    return sorted(rows, key=lambda row: (order.index(row.state), row.source.name))


def one(source: Source, hours: Sequence[SourceHour], now: datetime) -> Health:
    """The figures of one source."""
    start = now - timedelta(hours=WATCH_HOURS)
    day = [hour for hour in hours if hour.hour >= start]
    new = sum(hour.new for hour in day)
    with_news = [hour.hour for hour in hours if hour.new]
    errors = [hour for hour in day if hour.errors]
    before = sum(hour.new for hour in hours if hour.hour < start) / 6
    return Health(
        source=source,
        state=state(source, day, before),
        polled=sum(hour.polled for hour in day),
        new=new,
        errors=sum(hour.errors for hour in day),
        rejected=sum(hour.rejected for hour in day),
        before=before,
        delay_minutes=sum(hour.delay_seconds for hour in day) / new / 60 if new else None,
        last_new=max(with_news, default=None),
        last_error=max(errors, key=lambda hour: hour.hour).last_error if errors else None,
        hours=by_hour(day, now),
    )


def state(source: Source, day: Sequence[SourceHour], before: float) -> SourceState:
    """The state in one word; `day` holds the hours of the last day."""
    if not source.enabled:
        return "off"
    polled, errors, new = (sum(getattr(hour, name) for hour in day) for name in ("polled", "errors", "new"))
    if not polled and not errors:
        return "new" if not before else "silent"
    if errors and errors >= max(1, polled) / 2:
        return "failing"
    if not new and before * 6 >= SILENT_AFTER:
        return "silent"
    return "slow" if before > 2 and new < before / 3 else "ok"


def by_hour(day: Sequence[SourceHour], now: datetime) -> tuple[int, ...]:
    """New items in each of the last 24 hours, oldest first."""
    counts = [0] * WATCH_HOURS
    for hour in day:
        back = int((now - hour.hour).total_seconds() // 3600)
        if 0 <= back < WATCH_HOURS:
            counts[WATCH_HOURS - 1 - back] += hour.new
    return tuple(counts)
