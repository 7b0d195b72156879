"""Burst detectors at equal false alarms, on synthetic hourly streams with a daily and weekly rhythm.

    PYTHONPATH=. python benchmarks/events_bursts.py

Negative binomial counts (mean by hour of day and weekend, dispersion 5), 40 days each. Thresholds are set on 24 streams
without bursts to at most one false episode per stream and 30 days (the first 14 days warm up); then 30 streams for each
of three shapes: fast +60/h in 3 h, slow +25/h in 12 h, weak +12/h in 6 h. Printed: threshold, false episodes on 24
further quiet streams, and for each shape median delay in hours and the share found within 24 h. At the end the shipped
thresholds on 400 quiet streams and on 600 thin ones (.1 to 20 documents a day, some of which come in lots).
"""

import numpy as np
import numpy.typing as npt

from analysis.bursts_compare import daily, detectors, enough, episodes, false_rate, hourly, shipped, threshold_for
from analysis.bursts_day import RARE

Series = npt.NDArray[np.float64]
HOURS, WARM = 40 * 24, 14 * 24
SHAPES = {"fast": (60.0, 3, 6), "slow": (25.0, 12, 18), "weak": (12.0, 6, 12)}  # height, hours to rise, hours to last


def quiet(rng: np.random.Generator) -> Series:
    hour, day = np.arange(HOURS) % 24, np.arange(HOURS) // 24
    base = rng.uniform(2, 12)
    mean = base * (0.15 + np.exp(-(((hour - 20) / 5.0) ** 2)) + 0.7 * np.exp(-(((hour - 11) / 4.0) ** 2)))
    mean = mean * np.where(day % 7 >= 5, 0.7, 1.0)
    return rng.negative_binomial(5, 5 / (5 + mean)).astype(np.float64)


def thin(rng: np.random.Generator) -> Series:
    hour, day = np.arange(HOURS) % 24, np.arange(HOURS) // 24
    shape = 0.15 + np.exp(-(((hour - 20) / 5.0) ** 2)) + 0.7 * np.exp(-(((hour - 11) / 4.0) ** 2))
    mean = 10 ** rng.uniform(-1, 1.3) * shape / shape[:24].sum() * np.where(day % 7 >= 5, 0.7, 1.0)
    lots = rng.choice([2.0, 10.0, 1000.0])  # the smaller, the more the days differ
    return rng.poisson(mean * np.repeat(rng.gamma(lots, 1 / lots, HOURS // 24), 24)).astype(np.float64)


def burst(rng: np.random.Generator, height: float, rise: int, last: int) -> tuple[Series, int]:
    counts, start = quiet(rng), int(rng.integers(WARM + 24, HOURS - 72))
    for i in range(last):
        counts[start + i] += rng.poisson(height * min(1.0, (i + 1) / rise))
    return counts, start


def tuned(tune: list[Series]) -> dict[str, float]:
    """Detector → its threshold at one false episode per stream and 30 days on these."""
    found = {}
    for name, detector in detectors().items():
        values = [detector(c) for c in tune]
        found[name] = threshold_for(lambda at, values=values: false_rate(values, at))  # type: ignore[misc]
    return found


def as_shipped(rng: np.random.Generator) -> None:
    for name, streams in (("quiet", [quiet(rng) for _ in range(400)]), ("thin", [thin(rng) for _ in range(600)])):
        hours = false_rate([enough(hourly(c), c) for c in streams], 1.0)
        days, both = false_rate([daily(c) for c in streams], RARE), false_rate([shipped(c) for c in streams], 1.0)
        print(f"shipped thresholds, {name:5} streams: hours {hours:.2f}, days {days:.2f}, together {both:.2f}")


def main() -> None:
    rng = np.random.default_rng(20260302)
    tune, check = [quiet(rng) for _ in range(24)], [quiet(rng) for _ in range(24)]
    streams = {name: [burst(rng, *shape) for _ in range(30)] for name, shape in SHAPES.items()}
    thresholds = tuned(tune)
    for name, detector in detectors().items():
        threshold = thresholds[name]
        false = false_rate([detector(c) for c in check], threshold)
        cells = []
        for shape, rows in streams.items():
            delays = []
            for counts, start in rows:
                hits = [t - start for t in episodes(detector(counts), threshold) if 0 <= t - start < 24]
                delays.append(hits[0] if hits else None)
            found = [d for d in delays if d is not None]
            cells.append(f"{shape} {np.median(found) if found else float('nan'):4.1f} h {len(found) / len(rows):4.0%}")
        print(f"{name:28} > {threshold:5.2f}  false {false:4.2f}  " + "   ".join(cells))
    as_shipped(rng)


if __name__ == "__main__":
    main()
