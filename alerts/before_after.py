"""Did the talk change after the answer? An interrupted time series that says 「无法判断」 where it cannot know.

    ln(y+.5) = b0 + b1 t + b2 D + b3 (t-T0) D  (+ hour of day)      D = 1 from the answer on, hourly counts y
    b2 = jump of the level, b3 = change of the decay; Newey-West errors; rank among placebo cuts of the same event

A naive comparison of 12 hours before and after calls 37 % of answers without any effect a success, because all talk
fades (RESPONSE_RULES 4.3); HAC errors alone still find 7 to 8 %, hence the placebo cuts. Volume alone is no success
either: answers may spread both moods (Huang et al. 2021), and what was removed must not count as calm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

MIN_POINTS = 12  #: hours on each side
SHOCK_HOURS = 6.0
PEAK_HOURS = 3.0
Z95 = 1.96
#: share of placebo cuts that may look at least as strong
PLACEBO_LIMIT = 0.10
#: with fewer cuts than this no rank can reach the limit: then only what is beyond doubt counts
MIN_PLACEBOS = 9
Z_WITHOUT_PLACEBO = 3.0
#: above this share of vanished posts a fall proves nothing
REMOVED_LIMIT = 0.10

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What can be said; `verdict` is 无法判断, 未见明显变化, 明显回落, 回落加快 or 明显上升."""

    verdict: str
    text: str  #: Chinese, one sentence, never claims a cause
    reasons: tuple[str, ...] = ()  #: why it cannot be judged, or what to keep in mind
    level_change: float | None = None  #: share: -0.3 = 30 % lower than the trend foretold
    level_low: float | None = None
    level_high: float | None = None
    half_life_before: float | None = None  #: hours; None where it was not falling
    half_life_after: float | None = None
    placebo_rank: float | None = None  #: share of cuts at least as strong, the real one included
    expected: tuple[float, ...] = ()  #: the trend continued, for the hours after the answer


@dataclass(frozen=True, slots=True)
class _Fit:
    beta: Array
    error: Array


def judge(
    counts: Sequence[int],
    start: datetime,
    answered_at: datetime,
    *,
    other_shocks: Sequence[datetime] = (),
    removed_share: float = 0.0,
) -> Effect:
    """Judge hourly `counts` from the hour `start` on (same zone or UTC) around one answer.

    `other_shocks`: further replies, hot lists, new facts. `removed_share`: of the posts before, 0..1, now invisible.
    """
    cut = math.ceil((answered_at - start) / timedelta(hours=1))
    y = np.asarray(counts, dtype=np.float64)
    reasons = _unjudgeable(y, cut, answered_at, other_shocks, removed_share)
    if reasons:
        return Effect(verdict="无法判断", text=f"无法判断：{'；'.join(reasons)}。", reasons=reasons)
    logs = np.log(y + 0.5)
    hours = (start.hour + np.arange(len(y))) % 24
    fit = _fit(logs, hours, cut)
    ranks = _placebo(logs, hours, cut, fit)
    limit = Z95 if ranks is not None else Z_WITHOUT_PLACEBO
    rank_level, rank_slope = ranks or (0.0, 0.0)
    level, error = float(fit.beta[2]), float(fit.error[2])
    slope, slope_error = float(fit.beta[3]), float(fit.error[3])
    jumped = abs(level) > limit * error and rank_level <= PLACEBO_LIMIT
    bent = slope < -limit * slope_error and rank_slope <= PLACEBO_LIMIT
    before, after = _half_life(float(fit.beta[1])), _half_life(float(fit.beta[1]) + slope)
    verdict = "明显回落" if jumped and level < 0 else "明显上升" if jumped else "回落加快" if bent else "未见明显变化"
    low, high = (math.expm1(level - Z95 * error), math.expm1(level + Z95 * error))
    return Effect(
        verdict=verdict,
        text=_sentence(verdict, math.expm1(level), low, high, before, after),
        reasons=(
            "同期其他因素未排除，不能据此断定由回应引起",
            *(() if ranks is not None else ("数据较短，没有足够的时点可供对照，结论仅供参考",)),
        ),
        level_change=math.expm1(level),
        level_low=low,
        level_high=high,
        half_life_before=before,
        half_life_after=after,
        placebo_rank=min(ranks) if ranks is not None else None,
        expected=tuple(float(v) for v in np.exp(_counterfactual(fit, hours, cut)) - 0.5),
    )


def _unjudgeable(
    y: Array, cut: int, answered_at: datetime, shocks: Sequence[datetime], removed: float
) -> tuple[str, ...]:
    reasons = []
    if cut < MIN_POINTS or len(y) - cut < MIN_POINTS:
        reasons.append(f"回应前后应各有至少 {MIN_POINTS} 个小时的数据，现为 {max(cut, 0)} 和 {max(len(y) - cut, 0)}")
    elif cut - int(np.argmax(y[:cut])) <= PEAK_HOURS:
        reasons.append(f"热度在回应前 {PEAK_HOURS:g} 小时内刚到顶，回落可能是自然现象")
    if any(abs(s - answered_at) <= timedelta(hours=SHOCK_HOURS) for s in shocks if s != answered_at):
        reasons.append(f"回应前后 {SHOCK_HOURS:g} 小时内另有回应或重大变化")
    if removed > REMOVED_LIMIT:
        reasons.append(f"{removed:.0%} 的信息已不可见，减少不能视为成效")
    return tuple(reasons)


def _design(n: int, cut: int, hours: NDArray[np.int64]) -> Array:
    t = np.arange(n, dtype=np.float64)
    after = (t >= cut).astype(np.float64)
    columns = [np.ones(n), t, after, (t - cut) * after]
    if n >= 48:  # two days: the rhythm of the day can be told from the decay
        angle = 2 * np.pi * hours / 24
        columns += [np.sin(angle), np.cos(angle)]
    return np.column_stack(columns)


def _fit(logs: Array, hours: NDArray[np.int64], cut: int) -> _Fit:
    """Least squares with Newey-West errors, lag 4 (n/100)^(2/9) (Newey & West 1994)."""
    x = _design(len(logs), cut, hours)
    bread = np.linalg.pinv(x.T @ x)
    beta = bread @ x.T @ logs
    scores = x * (logs - x @ beta)[:, None]
    meat = scores.T @ scores
    lags = int(4 * (len(logs) / 100) ** (2 / 9))
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (lags + 1)) * (cross + cross.T)
    n, k = x.shape
    covariance = bread @ meat @ bread * (n / max(1, n - k))
    return _Fit(beta=beta, error=np.sqrt(np.maximum(np.diag(covariance), 1e-12)))


def _placebo(logs: Array, hours: NDArray[np.int64], cut: int, real: _Fit) -> tuple[float, float] | None:
    """Share of all possible cuts (the real one included) whose jump, and whose bend, is at least as strong.

    Cuts within six hours of the real one would see the same jump and are left out. None where
    fewer than MIN_PLACEBOS are left.
    """
    spots = [c for c in range(MIN_POINTS, len(logs) - MIN_POINTS + 1) if abs(c - cut) > SHOCK_HOURS]
    if len(spots) < MIN_PLACEBOS:
        return None
    fits = [_fit(logs, hours, c) for c in spots]
    strengths = np.array([[abs(f.beta[2] / f.error[2]), -f.beta[3] / f.error[3]] for f in fits])
    level, slope = abs(real.beta[2] / real.error[2]), -real.beta[3] / real.error[3]
    total = len(spots) + 1
    return (1 + int((strengths[:, 0] >= level).sum())) / total, (1 + int((strengths[:, 1] >= slope).sum())) / total


def _counterfactual(fit: _Fit, hours: NDArray[np.int64], cut: int) -> Array:
    x = _design(len(hours), cut, hours)
    x[:, 2:4] = 0.0
    found: Array = (x @ fit.beta)[cut:]
    return found


def _half_life(slope: float) -> float | None:
    """ln 2 / decay per hour; None where it does not fall."""
    return math.log(2) / -slope if slope < -1e-6 else None


def _sentence(verdict: str, change: float, low: float, high: float, before: float | None, after: float | None) -> str:
    halves = f"半衰期由{_hours(before)}变为{_hours(after)}"
    if verdict in ("明显回落", "明显上升"):
        word = "低" if change < 0 else "高"
        return f"回应后讨论量比原趋势{word} {abs(change):.0%}（95% 区间 {low:+.0%} 至 {high:+.0%}），{halves}。"
    if verdict == "回落加快":
        return f"回应后讨论量回落加快，{halves}。"
    return f"回应前后未见明显变化（比原趋势 {change:+.0%}，95% 区间 {low:+.0%} 至 {high:+.0%}）。"


def _hours(value: float | None) -> str:
    return "（未回落）" if value is None else f" {value:.0f} 小时"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareChange:
    """Difference of the negative share, after minus before, with a 95 % interval."""

    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    text: str


def share_change(negative_before: int, total_before: int, negative_after: int, total_after: int) -> ShareChange:
    """Newcombe's hybrid score interval (1998, method 10) for two independent shares; small samples stay honest."""
    if not total_before or not total_after:
        text = "无法判断：回应前后至少一侧没有数据。"
        return ShareChange(before=None, after=None, difference=None, low=None, high=None, text=text)
    p, q = negative_before / total_before, negative_after / total_after
    p_low, p_high = _wilson(negative_before, total_before)
    q_low, q_high = _wilson(negative_after, total_after)
    difference = q - p
    low = difference - math.hypot(q - q_low, p_high - p)
    high = difference + math.hypot(q_high - q, p - p_low)
    clear = low > 0 or high < 0
    words = ("下降" if difference < 0 else "上升") if clear else "变化不明显"
    interval = f"95% 区间 {low:+.1%} 至 {high:+.1%}；样本 {total_before}、{total_after}"
    text = f"负面占比 {p:.0%} → {q:.0%}，{words}（{interval}）。"
    return ShareChange(before=p, after=q, difference=difference, low=low, high=high, text=text)


def _wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson score interval, 95 %."""
    p, z2 = k / n, Z95 * Z95
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
