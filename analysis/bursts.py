"""When does a stream of hourly counts burst? Seasonal robust z, smoothed, with a fast path for the sudden ones.

    counts ─seasonal_z→ z ─ewma→ E;   alarm when E > 2.6, or z > 6.6 at once;   never below five an hour
    a stream too thin for that: the last 24 hours against the days before (`analysis.bursts_day`)

Under fourteen days of history the tail of a Poisson distribution decides (p < 1e-4 against the city-wide rate).
Thresholds are chosen by false alarms: at most one per stream and thirty days (`benchmarks/events_bursts.py`).

Formulas: z_t = (x_t - median) / max(1.4826 MAD, sqrt(median + 1)) over the same hour of earlier days;
E_t = λ z_t + (1 - λ) E_{t-1} (Roberts 1959).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from analysis import bursts_day

Series = npt.NDArray[np.float64]

DAY = 24
HISTORY_DAYS = 14
LAMBDA = 0.3
SLOW = 2.6  #: threshold of the EWMA; with FAST at most one false alarm per stream and 30 days
#: false alarms per stream and 30 days → both thresholds times this (`benchmarks/events_bursts.py`, 500 quiet streams)
_STRICTNESS = ((0.1, 1.32), (0.2, 1.21), (0.4, 1.11), (1.0, 1.0), (2.0, 0.86), (4.0, 0.75), (8.0, 0.63), (13.0, 0.52))
FALSE_ALARMS = (0.1, 10.0)  #: what an office may choose
FAST = 6.6  #: threshold of a single hour
RARE = 1e-4  #: Poisson tail of the cold start
FEWEST = 5  #: an hour with fewer is never a burst
_SAME_KIND = 4  #: earlier days of the same kind (working or not) that are needed to compare only with those


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The usual hourly count of a stream (topic, place, source kind): median and spread per hour of the day."""

    median: tuple[float, ...] = (0.0,) * DAY
    spread: tuple[float, ...] = (1.0,) * DAY  #: max(1.4826 MAD, sqrt(median + 1))
    zone: tzinfo = UTC  #: whose hours of the day these are

    def z(self, count: float, hour: int) -> float:
        """Robust z of one hour's count."""
        return (count - self.median[hour % DAY]) / max(self.spread[hour % DAY], 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """An hour in which the alarm rang, and the measured values."""

    hour: int  #: index into the counts
    count: float
    usual: float  #: median of the same hour, or the city-wide rate in a cold start
    z: float
    ewma: float
    path: str  #: "slow" | "fast" | "cold" | "day": then count and usual are of 24 hours


def baseline_of(counts: Sequence[float], first_hour: int = 0) -> Baseline:
    """From the last fourteen days of hourly counts, oldest first; `first_hour` is the local hour of counts[0].

    Hours never seen count as usually empty.
    """
    recent = list(counts)[-HISTORY_DAYS * DAY :]
    offset = first_hour + len(counts) - len(recent)
    medians, spreads = [0.0] * DAY, [1.0] * DAY
    for hour in range(DAY):
        same = np.array(recent[(hour - offset) % DAY :: DAY], np.float64)
        if len(same):
            medians[hour], spreads[hour] = _centre(same)
    return Baseline(median=tuple(medians), spread=tuple(spreads))


def backdrop(days: Sequence[Sequence[float]], off: Sequence[bool], today_off: bool, zone: tzinfo) -> Baseline | None:
    """What an event of today stands out from: the noise of its stream, by hour of the day.

    days: the stream's counts of fourteen whole days, 24 hours each; off: which of them were no working days. Where
    four or more are of today's kind, only they count. The median is 0, for an event brings its own documents on top of
    the usual ones; the spread is max(1.4826 MAD, sqrt(median + 1)) of the stream. None where that is 1 at every hour:
    nothing but the quiet stream that is assumed anyway.
    """
    same = [day for day, free in zip(days, off, strict=True) if free == today_off]
    rows = np.asarray(same if len(same) >= _SAME_KIND else days, np.float64)
    if not rows.size:
        return None
    middle = np.median(rows, axis=0)
    mad = np.median(np.abs(rows - middle), axis=0)
    spread = tuple(np.maximum(1.4826 * mad, np.sqrt(middle + 1)).tolist())
    return Baseline(spread=spread, zone=zone) if any(s > 1 for s in spread) else None


def _centre(values: Series) -> tuple[float, float]:
    middle = float(np.median(values))
    mad = float(np.median(np.abs(values - middle)))
    return middle, max(1.4826 * mad, math.sqrt(middle + 1))


def seasonal_z(counts: Sequence[float] | Series, holidays: Sequence[bool] | None = None) -> tuple[Series, Series]:
    """z of every hour against the same hour of up to fourteen earlier days, and that median; never looks ahead.

    `holidays` marks hours of non-working days: where four or more earlier days are of the same kind, only they count.
    Without any earlier day z and median are nan. Shapes (n,), (n,).
    """
    x = np.asarray(counts, np.float64)
    earlier = np.full((HISTORY_DAYS, len(x)), np.nan)
    for day in range(1, HISTORY_DAYS + 1):
        earlier[day - 1, day * DAY :] = x[: max(0, len(x) - day * DAY)]
    if holidays is not None:
        earlier = _same_kind(earlier, np.asarray(holidays, np.bool_))
    usual, z = np.full(len(x), np.nan), np.full(len(x), np.nan)
    known = earlier[:, DAY:]
    if known.size:
        usual[DAY:] = np.nanmedian(known, axis=0)
        mad = np.nanmedian(np.abs(known - usual[DAY:]), axis=0)
        z[DAY:] = (x[DAY:] - usual[DAY:]) / np.maximum(1.4826 * mad, np.sqrt(usual[DAY:] + 1))
    return z, usual


def _same_kind(earlier: Series, off: npt.NDArray[np.bool_]) -> Series:
    """Keep of each hour's earlier days only those of its own kind, where there are enough of them."""
    same = np.zeros(earlier.shape, np.bool_)
    for day in range(1, HISTORY_DAYS + 1):
        same[day - 1, day * DAY :] = off[day * DAY :] == off[: max(0, len(off) - day * DAY)]
    enough = (same & ~np.isnan(earlier)).sum(axis=0) >= _SAME_KIND
    return np.where(same | ~enough, earlier, np.nan)


def ewma(z: Sequence[float] | Series, smoothing: float = LAMBDA) -> Series:
    """E_t = λ z_t + (1-λ) E_{t-1} from E_0 = 0; hours without a z carry the value on. Shape (n,), at least (1,)."""
    values = np.asarray(z, np.float64)
    out = np.zeros(max(1, len(values)))
    level = 0.0
    for t, value in enumerate(values):
        level = level if math.isnan(value) else smoothing * value + (1 - smoothing) * level
        out[t] = level
    return out


def poisson_tail(count: float, rate: float) -> float:
    """P(X >= count) for a Poisson variable of this mean; 1 for count <= 0. Exact sum, also for large means."""
    n = math.ceil(count)
    if n <= 0:
        return 1.0
    if rate <= 0:
        return 0.0
    log_rate, step, total = math.log(rate), n, 0.0
    while True:
        term = math.exp(step * log_rate - rate - math.lgamma(step + 1))
        total += term
        step += 1
        if step > rate and term <= total * 1e-12 + 1e-300:
            return min(1.0, total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Above which a stream bursts."""

    slow: float = SLOW  #: of the EWMA
    fast: float = FAST  #: of a single hour's z
    rare: float = RARE  #: Poisson tail of the cold start
    day: float = bursts_day.RARE  #: of `analysis.bursts_day.rarity`


DEFAULT = Thresholds()


def thresholds(false_alarms: float = 1.0) -> Thresholds:
    """For at most so many false alarms per stream and thirty days, .1 to 10; ValueError for others.

    Between the measured rates the factor is interpolated over the logarithm of the rate.
    """
    low, high = FALSE_ALARMS
    if not low <= false_alarms <= high:
        raise ValueError(f"false alarms per stream and 30 days: {false_alarms}, not {low} to {high}")
    rates, factors = zip(*_STRICTNESS, strict=True)
    factor = float(np.interp(math.log(false_alarms), np.log(rates), factors))
    day = bursts_day.RARE - math.log10(false_alarms)
    return Thresholds(slow=SLOW * factor, fast=FAST * factor, rare=RARE * false_alarms, day=day)


def detect(
    counts: Sequence[float],
    *,
    rate: float = 1.0,
    holidays: Sequence[bool] | None = None,
    above: Thresholds = DEFAULT,
    fewest: float = FEWEST,
    since: int = 0,
) -> list[Burst]:
    """Every hour from `since` on in which the alarm rings, oldest first; a run of hours is one episode to fold.

    `rate` is the city-wide hourly rate that the cold start (under fourteen days) is measured against.
    """
    z, usual = seasonal_z(counts, holidays)
    warm = HISTORY_DAYS * DAY
    smooth = ewma(np.where(np.arange(len(z)) < warm, np.nan, z))
    days = bursts_day.rarity(counts, since=since)
    found = []
    for t in range(since, len(counts)):
        count, path, against = float(counts[t]), "", rate
        if count >= fewest and t < warm:
            path = "cold" if poisson_tail(count, rate) < above.rare else ""
        elif count >= fewest and (z[t] > above.fast or smooth[t] > above.slow):
            path, against = "fast" if z[t] > above.fast else "slow", float(usual[t])
        if not path and days[t] > above.day:
            path, against = "day", bursts_day.usual(counts, t)[0]
            count = float(sum(counts[max(0, t + 1 - DAY) : t + 1]))
        if path:
            level = float(smooth[t]) if t >= warm else 0.0
            found.append(Burst(hour=t, count=count, usual=against, z=float(z[t]), ewma=level, path=path))
    return found


def event_speed(hours: Sequence[int], now: datetime, baseline: Baseline | None = None) -> float:
    """EWMA of the robust z of the last sixty-minute steps, the one that ends at `now` first, up to the oldest document.

    Steps end at `now`, so a value never depends on where the clock's hour begins. Without a baseline a quiet stream
    (median 0, spread 1) is assumed: ten posts in an hour are z = 10. An empty hour is no news: z = 0.
    """
    level, smoothing, kept = 0.0, LAMBDA, 1 - LAMBDA
    if baseline is None:
        for count in reversed(hours):
            level = smoothing * count + kept * level
        return level
    for ago in range(len(hours) - 1, -1, -1):
        z: float = hours[ago]
        if z:
            z = baseline.z(z, (now - timedelta(hours=ago)).astimezone(baseline.zone).hour)
        level = LAMBDA * z + (1 - LAMBDA) * level
    return level


def doubling_hours(stamps: Sequence[int], now: int) -> float | None:
    """How long the count needed to double; None under six documents or when it stands still.

    stamps: microseconds in order, none after `now`.
    """
    if len(stamps) < 6:
        return None
    hours = (now - stamps[len(stamps) // 2 - 1]) / 3_600_000_000
    return hours if 0 < hours <= 72 else None


def doubling_words(stamps: Sequence[int], now: int) -> str:
    """「约40分钟翻一番」; empty where there is nothing to say."""
    hours = doubling_hours(stamps, now)
    if hours is None:
        return ""
    minutes = hours * 60
    if minutes < 10:
        return "不到10分钟翻一番"
    if minutes < 90:
        return f"约{10 * round(minutes / 10)}分钟翻一番"
    if hours < 36:
        return f"约{hours:.0f}小时翻一番"
    return f"约{hours / 24:.0f}天翻一番"
