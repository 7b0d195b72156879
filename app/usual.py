"""The usual hours of a topic: what an event of today has to stand out from.

    documents of the fourteen days up to the last midnight ─by topic, day and hour→ `analysis.bursts.backdrop`

Looked up once a day and topic. The running program asks the document store's rollups, a replay its own arrivals.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol

from alerts.calendar import is_workday, local
from analysis.bursts import DAY, HISTORY_DAYS, Baseline, backdrop
from analysis.risk_tally import DAY as _DAY
from analysis.risk_tally import micros, moment
from storage.ports import DocumentQuery, DocumentStore
from storage.types import Office

_QUARTER = 900_000_000  #: microseconds
_KEPT = 10_000  #: days and topics kept: a replay goes through the days event by event
#: (local day, hour) → documents
Hours = Mapping[tuple[date, int], int]


class Counting(Protocol):
    """Counts documents of a topic (None: all) by their own time in [since, until), of what had come in by `until`."""

    def __call__(self, topic: str | None, since: datetime, until: datetime) -> Hours: ...


@dataclass(slots=True)
class Usual:
    """Baselines of topics, each computed once a day."""

    office: Office
    counting: Counting
    _known: dict[tuple[date, str], Baseline | None] = field(default_factory=dict)
    _noise: dict[tuple[int, str], float] = field(default_factory=dict)

    def of(self, topic: str | None, now: datetime) -> Baseline | None:
        """None without a topic, with less than fourteen days of history, and for a topic that is quiet at all hours."""
        if topic is None:
            return None
        here = local(now, self.office)
        key = here.date(), topic
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = self._compute(topic, datetime.combine(key[0], time(), here.tzinfo))
        return self._known[key]

    def noise(self, topic: str | None, since: int, until: int) -> float:
        """The widest spread of the topic's usual hours between two moments (microseconds); 1 where nothing is usual."""
        if topic is None:
            return 1.0
        most = 1.0
        for day in range(since // _DAY, until // _DAY + 1):
            if (day, topic) not in self._noise:
                if len(self._noise) >= _KEPT:
                    self._noise.clear()
                ends = (self.of(topic, moment(at)) for at in (day * _DAY, (day + 1) * _DAY - 1))
                self._noise[day, topic] = max(max(b.spread, default=1.0) if b else 1.0 for b in ends)
            most = max(most, self._noise[day, topic])
        return most

    def _compute(self, topic: str, midnight: datetime) -> Baseline | None:
        since = midnight - timedelta(days=HISTORY_DAYS)
        if not self.counting(None, since, since + timedelta(days=1)):
            return None
        found = self.counting(topic, since, midnight)
        by_hour = Counter(hour for (_, hour), count in found.items() if count)
        if max(by_hour.values(), default=0) < 2:  # no hour of the day on a second day: every median is 0
            return None
        days = [since.date() + timedelta(days=n) for n in range(HISTORY_DAYS)]
        rows = [[float(found.get((day, hour), 0)) for hour in range(DAY)] for day in days]
        off = [not is_workday(day, self.office) for day in days]
        zone = midnight.tzinfo or local(midnight, self.office).tzinfo
        return backdrop(rows, off, not is_workday(midnight.date(), self.office), zone) if zone else None


def stored_hours(store: DocumentStore, office: Office) -> Counting:
    """Counted by the document store."""

    def counted(topic: str | None, since: datetime, until: datetime) -> Hours:
        query = DocumentQuery(
            since=since, until=until, historic=False, filters={} if topic is None else {"topic": [topic]}
        )
        buckets = store.histogram(query, step="hour", timezone=office.timezone)
        starts = [(local(b.start, office), b.count) for b in buckets if b.count]
        return {(start.date(), start.hour): count for start, count in starts}

    return counted


@dataclass(slots=True)
class ArrivedHours:
    """Counted from a recorded stream, as far as it had come in. `add` each document once, in order of arrival."""

    office: Office
    _seen: set[str] = field(default_factory=set)
    _times: dict[str | None, list[tuple[int, int]]] = field(default_factory=dict)  # its own time, when it came in
    _hours: dict[int, tuple[date, int]] = field(default_factory=dict)

    def add(self, document: str, topics: tuple[str, ...], at: datetime, came: int) -> None:
        """at: the document's own time; came: when it came in, microseconds."""
        if document in self._seen:
            return
        self._seen.add(document)
        row = micros(at), came
        for topic in (None, *topics):
            rows = self._times.setdefault(topic, [])
            if rows and row < rows[-1]:
                insort(rows, row)
            else:
                rows.append(row)

    def __call__(self, topic: str | None, since: datetime, until: datetime) -> Hours:
        rows, end = self._times.get(topic, []), micros(until)
        counts: Counter[tuple[date, int]] = Counter()
        for at, came in rows[bisect_left(rows, (micros(since),)) : bisect_left(rows, (end,))]:
            if came < end:
                counts[self._hour(at)] += 1
        return counts

    def _hour(self, at: int) -> tuple[date, int]:
        """The local day and hour; time zones differ by whole quarters of an hour."""
        quarter = at // _QUARTER
        if quarter not in self._hours:
            here = local(moment(at), self.office)
            self._hours[quarter] = here.date(), here.hour
        return self._hours[quarter]
