"""Burst detectors on a replayed stream: hourly counts of each topic, place and kind of source, as the running program
counts them (`dashboards.bursts`), and what each detector would catch at equal false alarms."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import numpy as np

from analysis.bursts import DAY
from analysis.bursts_compare import Series, detectors, episodes, threshold_for
from analysis.bursts_day import FEWEST, in_a_day
from analysis.risk_tally import HOUR, micros
from app.replay_prepared import Arrival, Prepared
from app.townstream import Incident

_WARM = 2 * DAY  #: hours of a stream before alarms count; two days are the least that a seasonal value can be read from
_LATE = timedelta(hours=6)  #: an alarm this long after the peak is none
Key = tuple[str, str]  #: "topic" | "area" | "kind", and its id


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorFigures:
    """One detector, its threshold set to at most as many false episodes per stream and month as the office allows."""

    name: str
    threshold: float
    false_per_month: float
    caught: int  #: incidents for which one of their streams rang
    due: int  #: incidents whose streams were counted long enough before
    delay_hours: float | None  #: median from the incident's first document to the alarm
    streams: int = 0
    able: int = 0  #: streams that have 24 hours with enough documents to ring at all


def compare(prepared: Prepared, truth: Sequence[Incident], most: float = 1.0) -> tuple[DetectorFigures, ...]:
    """All detectors, each at no more false episodes per stream and thirty days than `most`.

    Thresholds are chosen on the same stream, so the figures compare them and promise nothing.
    """
    streams = streams_of(prepared)
    if not streams:
        return ()
    own = _touched(prepared, truth, streams)
    quiet = {
        key: _quiet(counts, [i for i in truth if key in own[i.id]], prepared.origin) for key, counts in streams.items()
    }
    due = [i for i in truth if own[i.id] and _hour(i.start, prepared.origin) >= _WARM]
    able = sum(bool((in_a_day(counts)[_WARM:] >= FEWEST).any()) for counts in streams.values())
    found = []
    for name, detector in detectors(_WARM).items():
        values = {key: detector(counts) for key, counts in streams.items()}

        def false(threshold: float, values: dict[Key, Series] = values) -> float:
            hits = sum(bool(quiet[t][h]) for t, v in values.items() for h in episodes(v, threshold, _WARM))
            days = sum(float(q[_WARM:].sum()) for q in quiet.values()) / DAY
            return hits / days * 30 if days else 0.0

        threshold = threshold_for(false, most)
        rang = [[_delay(i, values[key], threshold, prepared.origin) for key in sorted(own[i.id])] for i in due]
        delays = [min(known) for row in rang if (known := [delay for delay in row if delay is not None])]
        found.append(
            DetectorFigures(
                name=name, threshold=threshold, false_per_month=false(threshold), caught=len(delays), due=len(due),
                delay_hours=median(delays) if delays else None, streams=len(streams), able=able,
            )
        )  # fmt: skip
    return tuple(found)


def streams_of(prepared: Prepared) -> dict[Key, Series]:
    """Documents an hour of each stream, by the time they came in."""
    if not prepared.arrivals:
        return {}
    hours = (prepared.arrivals[-1].at - prepared.origin) // HOUR + 1
    found: dict[Key, Series] = {}
    for arrival in prepared.arrivals:
        for key in _keys(arrival):
            found.setdefault(key, np.zeros(hours))[(arrival.at - prepared.origin) // HOUR] += 1
    return found


def _keys(arrival: Arrival) -> list[Key]:
    """The streams that a document is counted in."""
    member = arrival.member
    place = [("area", member.area)] if member.area and member.ours else []
    return [*(("topic", topic) for topic in arrival.topics), *place, ("kind", member.kind)]


def _touched(prepared: Prepared, truth: Sequence[Incident], streams: Collection[Key]) -> dict[str, set[Key]]:
    """Incident → the streams that its documents are counted in; that of its topic where none are named."""
    keys = {a.member.document: _keys(a) for a in prepared.arrivals}
    found = {i.id: {key for document in i.documents for key in keys.get(document, ())} for i in truth}
    return {i.id: found[i.id] or {("topic", i.topic)} & set(streams) for i in truth}


def _hour(at: datetime, origin: int) -> int:
    return (micros(at) - origin) // HOUR


def _quiet(counts: Series, incidents: Sequence[Incident], origin: int) -> Series:
    """1 for hours without one of these incidents, 0 for their hours and the two days after their peak."""
    found = np.ones(len(counts))
    for i in incidents:
        found[max(0, _hour(i.start, origin)) : _hour(i.peak_at, origin) + 2 * DAY] = 0
    return found


def _delay(incident: Incident, values: Series, threshold: float, origin: int) -> float | None:
    first, last = _hour(incident.start, origin), _hour(incident.peak_at + _LATE, origin)
    hits = [h for h in np.flatnonzero(values > threshold) if first <= h <= last]
    return float(hits[0] - first + 1) if hits else None
