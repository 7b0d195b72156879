"""Burst detectors on a replayed stream: hourly counts of each topic, what each would catch at equal false alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import numpy as np

from analysis.bursts import DAY, FEWEST
from analysis.bursts_compare import Series, detectors, episodes, threshold_for
from analysis.risk_tally import HOUR, micros
from app.replay_prepared import Prepared
from app.townstream import Incident

_WARM = 2 * DAY  #: hours of a stream before alarms count; two days are the least that a seasonal value can be read from
_LATE = timedelta(hours=6)  #: an alarm this long after the peak is none


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorFigures:
    """One detector, its threshold set to at most as many false episodes per stream and month as the office allows."""

    name: str
    threshold: float
    false_per_month: float
    caught: int
    due: int  #: incidents whose topic was counted long enough before
    delay_hours: float | None  #: median from the incident's first document to the alarm


def compare(prepared: Prepared, truth: Sequence[Incident], most: float = 1.0) -> tuple[DetectorFigures, ...]:
    """All detectors, each at no more false episodes per stream and thirty days than `most`.

    Thresholds are chosen on the same stream, so the figures compare them and promise nothing.
    """
    streams = _streams(prepared)
    if not streams:
        return ()
    quiet = {topic: _quiet(counts, [i for i in truth if i.topic == topic], prepared.origin) for topic, counts in
             streams.items()}  # fmt: skip
    due = [i for i in truth if i.topic in streams and _hour(i.start, prepared.origin) >= _WARM]
    found = []
    for name, detector in detectors(_WARM).items():
        values = {topic: detector(counts) for topic, counts in streams.items()}

        def false(threshold: float, values: dict[str, Series] = values) -> float:
            hits = sum(bool(quiet[t][h]) for t, v in values.items() for h in episodes(v, streams[t], threshold, _WARM))
            days = sum(float(q[_WARM:].sum()) for q in quiet.values()) / DAY
            return hits / days * 30 if days else 0.0

        threshold = threshold_for(false, most)
        delays = [d for i in due if (d := _delay(i, values[i.topic], streams[i.topic], threshold, prepared.origin))]
        found.append(
            DetectorFigures(
                name=name, threshold=threshold, false_per_month=false(threshold), caught=len(delays), due=len(due),
                delay_hours=median(delays) if delays else None,
            )
        )  # fmt: skip
    return tuple(found)


def _streams(prepared: Prepared) -> dict[str, Series]:
    """Topic → documents an hour, by the time they came in."""
    if not prepared.arrivals:
        return {}
    hours = (prepared.arrivals[-1].at - prepared.origin) // HOUR + 1
    found: dict[str, Series] = {}
    for arrival in prepared.arrivals:
        if arrival.member.topic:
            counts = found.setdefault(arrival.member.topic, np.zeros(hours))
            counts[(arrival.at - prepared.origin) // HOUR] += 1
    return found


def _hour(at: datetime, origin: int) -> int:
    return (micros(at) - origin) // HOUR


def _quiet(counts: Series, incidents: Sequence[Incident], origin: int) -> Series:
    """1 for hours without an incident of this topic, 0 for its hours and the day after its peak."""
    found = np.ones(len(counts))
    for i in incidents:
        found[max(0, _hour(i.start, origin)) : _hour(i.peak_at, origin) + 2 * DAY] = 0
    return found


def _delay(incident: Incident, values: Series, counts: Series, threshold: float, origin: int) -> float | None:
    first, last = _hour(incident.start, origin), _hour(incident.peak_at + _LATE, origin)
    hits = [h for h in np.flatnonzero((values > threshold) & (counts >= FEWEST)) if first <= h <= last]
    return float(hits[0] - first + 1) if hits else None
