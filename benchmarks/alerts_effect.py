"""How often the before/after judgement is right: simulated events with a known truth (RESPONSE_RULES 4.3).

python benchmarks/alerts_effect.py [runs]     half-life 18 h, 72 hours, answer at hour 36, negative binomial counts
"""

import sys
from datetime import UTC, datetime, timedelta

import numpy as np

from alerts.before_after import judge

START = datetime(2025, 9, 22, tzinfo=UTC)
HOURS, CUT, HALF_LIFE, PEAK = 72, 36, 18.0, 120.0


def stream(random: np.random.Generator, level: float, speed: float) -> list[int]:
    t = np.arange(HOURS)
    after = t >= CUT
    fall = t + (speed - 1) * np.where(after, t - CUT, 0)
    mean = PEAK * 0.5 ** (fall / HALF_LIFE) * np.where(after, 1 + level, 1.0) * (1 + 0.3 * np.sin(2 * np.pi * t / 24))
    size = 20.0
    return [int(v) for v in random.negative_binomial(size, size / (size + mean))]


def main(runs: int) -> None:
    random = np.random.default_rng(11)
    for name, level, speed in (("no effect", 0.0, 1.0), ("level -30 %", -0.3, 1.0), ("decay twice as fast", 0.0, 2.0)):
        verdicts: dict[str, int] = {}
        for _ in range(runs):
            found = judge(stream(random, level, speed), START, START + timedelta(hours=CUT)).verdict
            verdicts[found] = verdicts.get(found, 0) + 1
        print(f"{name:22}", {k: f"{v / runs:.0%}" for k, v in sorted(verdicts.items())})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
