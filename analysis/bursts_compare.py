"""Burst detectors beside the shipped one, to compare them at equal false alarms on any set of hourly counts.

Each gives one value an hour, 0 where the hour (of the last, the day) holds too few; an alarm is a value above the
detector's threshold, and alarms within a day are one episode. CUSUM: C_t = max(0, C_{t-1} + z_t - k) (Page 1954).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.bursts import DAY, FAST, FEWEST, HISTORY_DAYS, SLOW, ewma, seasonal_z
from analysis.bursts_day import LEAST, RARE, rarity

Series = npt.NDArray[np.float64]
EPISODE = 24  #: hours: an officer is told of a stream once a day
#: thresholds that are tried, the smallest first
GRID = np.linspace(0.2, 20, 200)


def rolling_z(counts: Series) -> Series:
    """z against mean and standard deviation of the 24 hours before."""
    out = np.zeros(len(counts))
    for t in range(DAY, len(counts)):
        past = counts[t - DAY : t]
        out[t] = (counts[t] - past.mean()) / max(float(past.std()), 1.0)
    return out


def seasonal(counts: Series) -> Series:
    """Robust z against the same hour of earlier days; 0 where there is none."""
    return np.nan_to_num(seasonal_z(counts)[0])


def cusum(counts: Series, slack: float = 0.75) -> Series:
    """Cumulative sum of the seasonal z above this slack."""
    out, level = np.zeros(len(counts)), 0.0
    for t, value in enumerate(seasonal(counts)):
        level = max(0.0, level + float(value) - slack)
        out[t] = level
    return out


def smoothed(counts: Series, warm: int = HISTORY_DAYS * DAY) -> Series:
    """EWMA of the seasonal z from this hour on."""
    z = seasonal_z(counts)[0]
    return ewma(np.where(np.arange(len(z)) < warm, np.nan, z)) if len(z) else z


def hourly(counts: Series, warm: int = HISTORY_DAYS * DAY) -> Series:
    """The paths of single hours as one number: the larger of both in units of its own threshold."""
    return np.maximum(smoothed(counts, warm) / SLOW, seasonal(counts) / FAST)


def daily(counts: Series, warm: int = HISTORY_DAYS * DAY) -> Series:
    """`analysis.bursts_day.rarity`, from as many days of history on as the others have."""
    return rarity(counts, least=max(1, min(warm // DAY, LEAST)))


def shipped(counts: Series, warm: int = HISTORY_DAYS * DAY) -> Series:
    """What `detect` does, as one number: the largest of all paths in units of its own threshold."""
    return np.maximum(enough(hourly(counts, warm), counts), daily(counts, warm) / RARE)


def enough(values: Series, counts: Series) -> Series:
    """The values of hours that hold enough; 0 for the others."""
    return np.where(counts >= FEWEST, values, 0.0)


def detectors(warm: int = HISTORY_DAYS * DAY) -> Mapping[str, Callable[[Series], Series]]:
    """Name → detector; those that smooth begin after `warm` hours."""
    return {
        "rolling 24 h z": lambda counts: enough(rolling_z(counts), counts),
        "seasonal z": lambda counts: enough(seasonal(counts), counts),
        "EWMA of seasonal z": lambda counts: enough(smoothed(counts, warm), counts),
        "CUSUM k=.75": lambda counts: enough(cusum(counts), counts),
        "EWMA or fast path": lambda counts: enough(hourly(counts, warm), counts),
        "24 h against the days before": lambda counts: daily(counts, warm),
        "all of these paths (shipped)": lambda counts: shipped(counts, warm),
    }


def episodes(values: Series, threshold: float, warm: int = HISTORY_DAYS * DAY) -> list[int]:
    """First hours of alarms more than a day apart, after the warm-up."""
    found: list[int] = []
    for t in np.flatnonzero(values > threshold):
        if t >= warm and (not found or t - found[-1] > EPISODE):
            found.append(int(t))
    return found


def threshold_for(false: Callable[[float], float], most: float = 1.0) -> float:
    """The lowest threshold whose false episodes per stream and thirty days stay at or under `most`."""
    return float(next((g for g in GRID if false(float(g)) <= most), GRID[-1]))


def false_rate(values: Sequence[Series], threshold: float, warm: int = 14 * DAY) -> float:
    """Episodes per stream and thirty days, over streams without bursts."""
    days = sum(max(0, len(v) - warm) for v in values) / DAY
    found = sum(len(episodes(v, threshold, warm)) for v in values)
    return found / days * 30 if days else 0.0
