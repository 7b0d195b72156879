"""Burst detectors beside the shipped one, to compare them at equal false alarms on any set of hourly counts.

Each gives one value an hour; an alarm is a value above the detector's threshold, and alarms within twelve hours are one
episode. CUSUM: C_t = max(0, C_{t-1} + z_t - k) (Page 1954).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.bursts import DAY, FAST, FEWEST, HISTORY_DAYS, SLOW, ewma, seasonal_z

Series = npt.NDArray[np.float64]
EPISODE = 12  #: hours
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


def shipped(counts: Series, warm: int = HISTORY_DAYS * DAY) -> Series:
    """What `detect` does, as one number: the larger of both paths in units of its own threshold."""
    return np.maximum(smoothed(counts, warm) / SLOW, seasonal(counts) / FAST)


def detectors(warm: int = HISTORY_DAYS * DAY) -> Mapping[str, Callable[[Series], Series]]:
    """Name → detector; those that smooth begin after `warm` hours."""
    return {
        "rolling 24 h z": rolling_z,
        "seasonal z": seasonal,
        "EWMA of seasonal z": lambda counts: smoothed(counts, warm),
        "CUSUM k=.75": cusum,
        "EWMA or fast path (shipped)": lambda counts: shipped(counts, warm),
    }


def episodes(values: Series, counts: Series, threshold: float, warm: int = HISTORY_DAYS * DAY) -> list[int]:
    """First hours of alarms at least twelve hours apart, after the warm-up."""
    found: list[int] = []
    for t in np.flatnonzero((values > threshold) & (counts >= FEWEST)):
        if t >= warm and (not found or t - found[-1] > EPISODE):
            found.append(int(t))
    return found


def threshold_for(false: Callable[[float], float], most: float = 1.0) -> float:
    """The lowest threshold whose false episodes per stream and thirty days stay at or under `most`."""
    return float(next((g for g in GRID if false(float(g)) <= most), GRID[-1]))


def false_rate(values: Sequence[Series], counts: Sequence[Series], threshold: float, warm: int = 14 * DAY) -> float:
    """Episodes per stream and thirty days, over streams without bursts."""
    days = sum(max(0, len(c) - warm) for c in counts) / DAY
    found = sum(len(episodes(v, c, threshold, warm)) for v, c in zip(values, counts, strict=True))
    return found / days * 30 if days else 0.0
