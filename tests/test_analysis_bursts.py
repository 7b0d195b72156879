"""Bursts: formulas by hand, no look-ahead, cold start, words."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bursts import (
    Baseline,
    Thresholds,
    baseline_of,
    detect,
    doubling_words,
    event_speed,
    ewma,
    poisson_tail,
    seasonal_z,
    thresholds,
)
from analysis.bursts_day import tail

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def day_and_night(days: int) -> list[float]:
    return [20.0 if 8 <= h < 22 else 2.0 for _ in range(days) for h in range(24)]


def test_usual_rhythm_is_no_burst() -> None:
    assert not detect(day_and_night(30), rate=20)


def test_sudden_burst_rings_in_its_first_hour() -> None:
    counts = day_and_night(20)
    counts[19 * 24 + 3] += 30
    found = detect(counts, rate=20)
    assert [b.hour for b in found][:1] == [19 * 24 + 3]
    assert found[0].path == "fast"
    assert found[0].usual == 2


def test_slow_burst_rings_by_smoothing() -> None:
    counts = day_and_night(20)
    for i in range(12):
        counts[18 * 24 + 9 + i] += 15
    found = detect(counts, rate=20, above=Thresholds(day=math.inf))
    assert found
    assert found[0].path == "slow"
    assert detect(counts, rate=20)[0].hour <= found[0].hour, "the day's sum sees it no later"
    assert found[0].hour - (18 * 24 + 9) <= 5


def test_few_never_burst() -> None:
    assert detect([0.0] * 24 * 20 + [4.0]) == []
    assert detect([0.0] * 24 * 20 + [8.0])


def test_a_thin_stream_rings_by_its_day() -> None:
    counts = [1.0 if h == 12 and d % 7 == 0 else 0.0 for d in range(28) for h in range(24)]
    for hour in (9, 11, 14, 16, 17, 20):
        counts[27 * 24 + hour] += 1
    assert detect(counts[: 27 * 24 + 17]) == [], "four in a day are not enough"
    (first, *_) = detect(counts)
    assert (first.path, first.hour, first.count) == ("day", 27 * 24 + 17, 5)
    assert first.usual == pytest.approx(3 / 26)
    busy = [1.0 if h in (9, 11, 14, 16, 17, 20) else 0.0 for d in range(28) for h in range(24)]
    assert detect(busy) == [], "six a day as on every day"
    assert detect(counts[21 * 24 :]) == [], "six days say nothing yet"
    uneven = [float(d % 3 == 0) if h in (9, 11, 14, 16, 17, 20) else 0.0 for d in range(28) for h in range(24)]
    assert detect(uneven) == [], "a stream that always comes in lots"


def test_tail_of_the_next_day_by_hand() -> None:
    assert tail(0, 3, 5) == 1
    assert tail(1, 0, 1) == pytest.approx(1 - math.sqrt(0.5))
    assert tail(1, 0.5, 3) == pytest.approx(1 / 4)
    assert tail(2, 0.5, 3) == pytest.approx(1 / 16), "geometric with p = 3/4"
    assert tail(2_000, 27_000, 27) < 1e-90


def test_cold_start_goes_by_the_citys_rate() -> None:
    assert detect([9.0], rate=8.0) == []
    assert [b.path for b in detect([9.0], rate=0.5)] == ["cold"]


def test_holidays_are_compared_with_holidays() -> None:
    off = [d % 7 >= 5 for d in range(28) for _ in range(24)]
    counts = [2.0 if o else 30.0 for o in off]
    counts[26 * 24 + 10] = 25.0  # a Saturday like a working day
    hours = [b.hour for b in detect(counts, rate=30)]
    assert 26 * 24 + 10 not in hours
    hours = [b.hour for b in detect(counts, rate=30, holidays=off)]
    assert 26 * 24 + 10 in hours


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=24 * 16, max_size=24 * 17), st.integers(0, 24 * 15))
def test_no_look_ahead(counts: list[int], cut: int) -> None:
    whole, part = detect(counts, rate=20), detect(counts[:cut], rate=20)
    assert [(b.hour, b.path) for b in whole if b.hour < cut] == [(b.hour, b.path) for b in part]


def test_poisson_tail() -> None:
    assert poisson_tail(0, 3) == 1
    assert poisson_tail(1, 2) == pytest.approx(1 - math.exp(-2))
    assert poisson_tail(3, 1) == pytest.approx(1 - math.exp(-1) * 2.5)
    assert poisson_tail(5, 0) == 0
    assert 0 <= poisson_tail(10_000, 9_000) < 1e-20
    assert poisson_tail(1, 5_000) == pytest.approx(1)


def test_seasonal_z_by_hand() -> None:
    z, usual = seasonal_z([3.0] * 24 * 3 + [9.0])
    assert np.isnan(z[:24]).all()
    assert usual[-1] == 3
    assert z[-1] == pytest.approx((9 - 3) / 2)
    assert list(ewma([1.0, math.nan, 1.0], 0.5)) == [0.5, 0.5, 0.75]
    assert list(ewma([])) == [0]


def test_baseline_has_the_hours_in_their_place() -> None:
    usual = baseline_of(day_and_night(14)[5:], first_hour=5)
    assert usual.median[7] == 2
    assert usual.median[8] == 20
    assert usual.z(20, 8) == 0
    assert baseline_of([]) == Baseline()


def test_event_speed_is_the_smoothed_count_of_sixty_minute_steps() -> None:
    assert event_speed([2] + [0] * 23, NOW) == pytest.approx(0.6)
    assert event_speed([0, 2] + [0] * 22, NOW) == pytest.approx(0.42)
    usual = Baseline(median=(4.0,) * 24, spread=(2.0,) * 24)
    assert event_speed([8] + [0] * 23, NOW, usual) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(5, "不到10分钟翻一番"), (40, "约40分钟翻一番"), (300, "约5小时翻一番"), (60 * 60, "约2天翻一番")],
)
def test_doubling_in_words(minutes: int, words: str) -> None:
    stamps = [-minutes * 60_000_000] * 4 + [-1_000_000] * 4
    assert doubling_words(stamps, 0) == words
    assert doubling_words(stamps[:5], 0) == ""


@pytest.mark.parametrize("allowed", [0.4, 1.0, 4.0])
def test_quiet_streams_ring_no_more_often_than_the_office_allows(allowed: float) -> None:
    rng = np.random.default_rng(3)
    hour = np.arange(40 * 24) % 24
    mean = 5 * (0.15 + np.exp(-(((hour - 20) / 5.0) ** 2)) + 0.7 * np.exp(-(((hour - 11) / 4.0) ** 2)))
    above = thresholds(allowed)
    streams = 40
    rung = 0
    for _ in range(streams):
        hours = [b.hour for b in detect(list(rng.negative_binomial(5, 5 / (5 + mean))), rate=50, above=above)]
        rung += sum(n == 0 or at - hours[n - 1] > 12 for n, at in enumerate(hours))
    assert 0 < rung / streams / 26 * 30 <= 1.5 * allowed  # 1.5: forty streams are few


def test_thresholds_fall_with_what_is_allowed() -> None:
    rates = [0.1, 0.3, 1.0, 3.0, 10.0]
    found = [thresholds(rate) for rate in rates]
    assert thresholds() == Thresholds()
    assert all(a.slow > b.slow and a.fast > b.fast and a.rare < b.rare for a, b in pairwise(found))
    for bad in (0.0, -1.0, 11.0, float("nan")):
        with pytest.raises(ValueError, match="false alarms"):
            thresholds(bad)
