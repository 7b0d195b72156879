"""How good a model is: figures with confidence intervals and the majority floor, on rows that were never trained on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

_ROUNDS = 500
_SEED = 20160812


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % bootstrap interval, and what the majority class alone would reach."""

    value: float
    low: float
    high: float
    rows: int
    floor: float | None = None


def macro_f1(truth: Indices, guess: Indices, classes: int) -> float:
    """Mean F1 over the classes that occur in truth or guess (Sokolova & Lapalme 2009)."""
    table = np.bincount(truth * classes + guess, minlength=classes * classes).reshape(classes, classes)
    both = table.sum(axis=0) + table.sum(axis=1)
    seen = both > 0
    return float((2 * np.diag(table)[seen] / both[seen]).mean())


def auc(positive: npt.NDArray[np.bool_], score: Shares) -> float:
    """Area under the ROC curve by ranks (Mann–Whitney), ties at half; nan without both classes."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    _, first, counts = np.unique(ordered, return_index=True, return_counts=True)
    ranks = np.empty(len(score))
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    n = int(positive.sum())
    if n == 0 or n == len(positive):
        return float("nan")
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(positive) - n)))


def calibration_error(truth: Indices, shares: Shares, bins: int = 10) -> float:
    """Expected calibration error of the top label, bins of equal size (Guo et al. 2017; Nixon et al. 2019)."""
    top = shares.max(axis=1)
    right = shares.argmax(axis=1) == truth
    order = np.argsort(top, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(abs(top[p].mean() - right[p].mean()) * len(p) for p in parts) / len(top))


def bootstrap(measure: Callable[[Indices], float], rows: int, *, floor: float | None = None) -> Figure:
    """Value over all rows, and its interval over resampled rows (percentile bootstrap, Efron 1979)."""
    chance = np.random.default_rng(_SEED)
    every = np.arange(rows)
    values = [measure(chance.integers(0, rows, rows)) for _ in range(_ROUNDS)] if rows else []
    finite = [v for v in values if v == v]
    low, high = np.quantile(finite, (0.025, 0.975)) if finite else (float("nan"),) * 2
    return Figure(measure(every) if rows else float("nan"), float(low), float(high), rows, floor)


class Measure:
    """A figure as a function of row numbers."""

    def __init__(self, truth: Indices, shares: Shares) -> None:
        self.truth, self.shares = truth, shares

    def __call__(self, rows: Indices) -> float:
        raise NotImplementedError


class MacroF1(Measure):
    def __call__(self, rows: Indices) -> float:
        return macro_f1(self.truth[rows], self.shares[rows].argmax(axis=1), self.shares.shape[1])


class CalledNegative(Measure):
    """Share of rows whose label is negative: a recall on grievances, an error rate on replies."""

    def __call__(self, rows: Indices) -> float:
        return float((self.shares[rows].argmax(axis=1) == 0).mean())


class NegativeAuc(Measure):
    def __call__(self, rows: Indices) -> float:
        return auc(self.truth[rows] == 0, self.shares[rows, 0])


class CalibrationError(Measure):
    def __call__(self, rows: Indices) -> float:
        return calibration_error(self.truth[rows], self.shares[rows])


def majority_f1(truth: Indices, classes: int) -> float:
    """Macro-F1 of always saying the most frequent class."""
    return macro_f1(truth, np.full(len(truth), np.bincount(truth).argmax()), classes)


def figure(kind: type[Measure], truth: Indices, shares: Shares, *, floor: float | None = None) -> Figure:
    """One figure with its interval."""
    return bootstrap(kind(truth, shares), len(truth), floor=floor)
