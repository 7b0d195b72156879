"""The factors of `analysis.risk_factors` for many moments at once: the same sums in the same order, so the same digits.

`tests/test_app_replay_tracks.py` holds both against each other, bit by bit. Shapes are (n,) throughout; nan stands
for a missing input.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.bursts import DAY, LAMBDA
from analysis.risk_limits import ELSEWHERE, VOICES

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


def negativity(negative: Floats, people: Whole, strength: Floats, z: float = 1.96) -> Floats:
    """N; nan where no citizen spoke."""
    n = np.maximum(people, 1)
    p = np.minimum(1.0, np.maximum(0.0, negative / n))
    middle = p + z * z / (2 * n)
    spread = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    bound = np.maximum(0.0, (middle - spread) / (1 + z * z / n))
    return np.where(people > 0, bound * (0.5 + 0.5 * strength), np.nan)


def sources(authority: Floats, platforms: Whole, documents: Whole) -> Floats:
    """A; nan without a document."""
    found = np.minimum(1.0, authority + 0.1 * np.maximum(0, platforms - 1))
    return np.where(documents > 0, found, np.nan)


def breadth(outside: Whole, voices: Whole, platforms: Whole, gathering: Whole) -> Floats:
    """C; nan without a voice."""
    wide = 0.3 * np.minimum(1.0, np.where(platforms > 0, (platforms - 1) / 2, 0.0))
    found = np.minimum(1.0, 0.4 * outside / np.maximum(voices, 1) + wide + 0.3 * gathering)
    return np.where(voices > 0, found, np.nan)


def elsewhere(outside: Whole, inside: Whole, voices: Whole) -> npt.NDArray[np.bool_]:
    """`analysis.risk_limits.foreign`."""
    some = (inside == 0) & (outside >= VOICES) & (outside >= ELSEWHERE * voices)
    found: npt.NDArray[np.bool_] = (voices > 0) & (some | (outside == voices))
    return found


def gap(at: Whole, start: Whole, answered: Whole, limit: Floats) -> Floats:
    """R. at, start, answered: microseconds; limit: hours."""
    elapsed = np.maximum(0.0, (at - start) / 3_600_000_000)
    return np.where(answered <= at, 0.0, np.minimum(1.0, elapsed / limit))


def speed(hours: Whole) -> Floats:
    """V in a quiet stream. hours: (24, n) documents of the last steps of sixty minutes, the newest first."""
    level = np.zeros(hours.shape[1])
    for ago in range(DAY - 1, -1, -1):
        level = LAMBDA * hours[ago] + (1 - LAMBDA) * level
    return np.minimum(1.0, np.maximum(0.0, level) / 4)


def heat(millionths: Whole, usual_peak: float) -> Floats:
    """H of the heat of 24 hours, in millionths (below 2**53)."""
    top, one = math.log1p(max(usual_peak, 1.0)), math.log1p
    values = [min(1.0, one(value / 1_000_000) / top) for value in millionths.tolist()]
    return np.array(values, np.float64)


def points(values: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The score, 0..100, as `analysis.risk.points`. values in the order of the card."""
    known = {code: ~np.isnan(x) for code, x in values.items()}
    some = next(iter(values.values()))
    total, found = np.zeros(len(some)), np.zeros(len(some))
    for code, has in known.items():
        total = total + np.where(has, weights.get(code, 0.0), 0.0)
    share = np.where(total > 0, total, 1.0)
    for code, x in values.items():
        found = found + np.where(known[code], 100 * weights.get(code, 0.0) / share * np.nan_to_num(x), 0.0)
    return np.where(total > 0, np.minimum(100.0, found), 0.0)
