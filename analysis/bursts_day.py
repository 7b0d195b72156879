"""A stream too thin for hours: what came in the last 24 hours, against the days before.

    counts ─sums of 24 hours→ S; earlier days → T of n ─gamma-Poisson→ P(X >= S)

Four documents in an hour are rare in a small office, ten about one subject in a day where one comes a week are not
nothing. With the prior of Jeffreys the next day's count of a Poisson stream is negative binomial, r = T + 1/2,
p = n / (n + 1) (Gelman et al. 2013, 2.6), so that a rate known from few documents is not taken for exact. A stream that
scatters more than a Poisson one is counted in units of its dispersion max(1, variance / mean) (McCullagh & Nelder
1989, 9.2.4).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]

DAY = 24
DAYS = 27  #: earlier days that are looked at, at most ...
LEAST = 7  #: ... and at least
FEWEST = 5  #: a day with fewer is never a burst
RARE = 3.0  #: threshold of `rarity`: .2 false alarms per stream and 30 days (`benchmarks/events_bursts.py`)


def tail(count: float, total: float, days: int) -> float:
    """P(X >= count) for the next day after `days` days with this total; 1 for count <= 0."""
    n = math.ceil(count)
    if n <= 0:
        return 1.0
    r, log_p, log_q = total + 0.5, math.log(days / (days + 1)), -math.log(days + 1)
    sum_, x = 0.0, n
    while True:
        term = math.exp(math.lgamma(x + r) - math.lgamma(r) - math.lgamma(x + 1) + r * log_p + x * log_q)
        sum_ += term
        x += 1
        if term <= sum_ * 1e-9 + 1e-300:
            return min(1.0, sum_)


def in_a_day(counts: Series) -> Series:
    """Documents of the 24 hours that end with each hour; shape (n,)."""
    total = np.concatenate(([0.0], np.cumsum(counts)))
    return total[1:] - total[np.maximum(np.arange(len(counts)) + 1 - DAY, 0)]


def usual(counts: Sequence[float] | Series, hour: int) -> tuple[float, float, int]:
    """Mean a day, dispersion and number of the whole days before the 24 hours that end with this hour."""
    x = np.asarray(counts, np.float64)
    days = min(DAYS, (hour + 1) // DAY - 1)
    if days <= 0:
        return 0.0, 1.0, 0
    sums = x[hour + 1 - (days + 1) * DAY : hour + 1 - DAY].reshape(days, DAY).sum(axis=1)
    mean = float(sums.mean())
    spread = float(sums.var(ddof=1)) / mean if days > 1 and mean > 0 else 1.0
    return mean, max(1.0, spread), days


def rarity(counts: Sequence[float] | Series, *, least: int = LEAST, since: int = 0) -> Series:
    """-log10 P of each hour's last 24 hours; 0 without documents in that hour, under five a day or `least` days before.

    Shape (n,); hours before `since` are not judged. Never looks ahead.
    """
    x = np.asarray(counts, np.float64)
    last = in_a_day(x)
    found = np.zeros(len(x))
    for hour in (since + np.flatnonzero((x[since:] > 0) & (last[since:] >= FEWEST))).tolist():
        mean, dispersion, days = usual(x, hour)
        if days >= least and last[hour] > mean:
            p = tail(last[hour] / dispersion, mean * days / dispersion, days)
            found[hour] = -math.log10(max(p, 1e-300))
    return found
