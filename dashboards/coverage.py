"""What was seen and what was not: the coverage line, the state of each source, and its hours.

The state is the crawler's own (`crawlers.rhythm.state`), as `minsheng doctor` and the daily word say it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawlers.advice import advice, reasons
from crawlers.rhythm import state
from storage.ports import Transaction
from storage.types import Office, Source, SourceHour, SourceState

WATCH_HOURS = 24
#: what the state of a source is judged by
HISTORY = timedelta(days=14)
#: what a report and the board call by name: nothing of such a source may be read as "nothing happened"
TROUBLED: frozenset[SourceState] = frozenset({"failing", "refused", "expired", "silent", "slow"})
_ORDER: tuple[SourceState, ...] = ("failing", "refused", "expired", "silent", "slow", "new", "ok", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One source over the last day and the week before."""

    source: Source
    state: SourceState
    reason: str  #: the state in one Chinese sentence
    advice: str  #: what to do about it; "" where nothing is to be done
    polled: int
    unchanged: int  #: of `polled`: 304, or the same list
    new: int
    updated: int
    duplicate: int
    rejected: int
    errors: int
    reasons: tuple[tuple[str, int], ...]  #: why something was rejected or failed, the most frequent first
    before: float  #: new items per day over the six days before
    delay_minutes: float | None  #: publish → seen, mean over the new items of the day
    last_new: datetime | None
    last_error: str | None
    hours: tuple[int, ...]  #: new items in each of the last 24 hours, oldest first

    @property
    def troubled(self) -> bool:
        """Whether its silence must not be read as calm."""
        return self.state in TROUBLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One line: how much of what should be seen is seen."""

    enabled: int
    well: int
    troubled: tuple[Health, ...]  #: not gathered as it should be
    latest: datetime | None  #: when the youngest document came in
    waiting: int  #: documents acknowledged and not yet understood
    parked: int  #: documents that could not be processed (at most 100 are counted)


def coverage(tx: Transaction, office: Office, latest: datetime | None, now: datetime) -> Coverage:
    """The coverage line as of now."""
    rows = health(office, tx.frontier.hours(None, now - HISTORY), now)
    enabled = [row for row in rows if row.state != "off"]
    return Coverage(
        enabled=len(enabled),
        well=sum(row.state not in TROUBLED for row in enabled),
        troubled=tuple(row for row in enabled if row.state in TROUBLED),
        latest=latest,
        waiting=tx.intake.waiting(),
        parked=len(tx.intake.parked(100)),
    )


def health(office: Office, hours: Iterable[SourceHour], now: datetime) -> list[Health]:
    """Every configured source with its figures, the troubled ones first. `hours`: the last two weeks."""
    by_source: dict[str, list[SourceHour]] = defaultdict(list)
    for hour in hours:
        by_source[hour.source].append(hour)
    rows = [one(source, by_source[source.id], now) for source in office.sources.values()]
    return sorted(rows, key=lambda row: (_ORDER.index(row.state), row.source.name))


def one(source: Source, hours: Sequence[SourceHour], now: datetime) -> Health:
    """The figures of one source. `hours`: its last two weeks."""
    start = now - timedelta(hours=WATCH_HOURS)
    day = [hour for hour in hours if hour.hour >= start]
    new = _sum(day, "new")
    with_news = [hour.hour for hour in hours if hour.new]
    errors = [hour for hour in day if hour.errors]
    judged = state(source, hours, now)
    return Health(
        source=source,
        state=judged.state,
        reason=judged.reason,
        advice=advice(source, judged.state),
        polled=_sum(day, "polled"),
        unchanged=_sum(day, "unchanged"),
        new=new,
        updated=_sum(day, "updated"),
        duplicate=_sum(day, "duplicate"),
        rejected=_sum(day, "rejected"),
        errors=_sum(day, "errors"),
        reasons=tuple(reasons(day)),
        before=_sum([hour for hour in hours if now - timedelta(days=7) <= hour.hour < start], "new") / 6,
        delay_minutes=sum(hour.delay_seconds for hour in day) / new / 60 if new else None,
        last_new=max(with_news, default=None),
        last_error=max(errors, key=lambda hour: hour.hour).last_error if errors else None,
        hours=tuple(hour.new for hour in by_hour(source.id, day, now)),
    )


def _sum(hours: Iterable[SourceHour], name: str) -> int:
    return sum(getattr(hour, name) for hour in hours)


def by_hour(source: str, hours: Iterable[SourceHour], now: datetime, back: int = WATCH_HOURS) -> list[SourceHour]:
    """One row for each of the last `back` hours, oldest first, the running one last; an hour in which nothing was
    asked has a row of zeroes, since "not looked" must be told from "looked, and nothing there"."""
    there = {hour.hour: hour for hour in hours if hour.source == source}
    running = now.replace(minute=0, second=0, microsecond=0)
    wanted = [running - timedelta(hours=n) for n in range(back - 1, -1, -1)]
    return [there.get(at) or SourceHour(source=source, hour=at) for at in wanted]
