"""Sentiment: three-way, calibrated per kind of source, by one linear model on hashed characters; numpy at run time.

    Batch → n-grams → one table lookup each → two log-odds against neutral → calibration of the kind → Sentiment

A petition is a polite statement of a grievance, a news text states a disaster without a feeling, an official reply
repeats the complaint it answers: hence one table per group of kinds in the one shipped file. See docs/model-card.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analysis.characters import Batch, word_table
from analysis.features import LONGEST, ORDERS, buckets, edges, orders_of, padded, shortened
from analysis.words import MODELS
from storage.types import Kind, Sentiment, SentimentLabel

LABELS: tuple[SentimentLabel, ...] = ("negative", "neutral", "positive")
#: kind of source → table and calibration that judge it
GROUPS: Mapping[Kind, str] = {
    "news": "news",
    "hotlist": "news",
    "forum": "social",
    "social": "social",
    "message": "message",
    "hotline": "message",
    "reply": "reply",
    "government": "reply",
}
_SPANS = 3  #: clauses that are shown as the ground of a label
_CLAUSE = 24  #: characters of a shown clause

Floats = npt.NDArray[np.float32]


class Scorer(Protocol):
    """Judges a batch; `explain` asks for the clauses that spoke for each label."""

    def score(self, batch: Batch, kinds: Sequence[Kind], *, explain: bool = True) -> list[Sentiment]: ...


@dataclass(frozen=True, slots=True)
class Table:
    """Weights of one group: two int8 per bucket (negative and positive against neutral), scale, calibration."""

    weights: npt.NDArray[np.int16]  #: the two int8 side by side; shape (2^bits,)
    scale: float
    slope: Floats  #: shape (2, 2): calibrated log-odds = raw @ slope + bias
    bias: Floats  #: shape (2,)
    orders: int = ORDERS  #: n-grams of 1 to so many characters

    @property
    def bits(self) -> int:
        return len(self.weights).bit_length() - 1


class OwnScorer:
    """The project's own model."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = dict(tables)

    def score(self, batch: Batch, kinds: Sequence[Kind], *, explain: bool = True) -> list[Sentiment]:
        """Sentiment of each text of the batch, judged as a text of its kind."""
        found: list[Sentiment | None] = [None] * len(kinds)
        groups = [GROUPS[kind] for kind in kinds]
        for group in dict.fromkeys(groups):
            rows = [i for i, g in enumerate(groups) if g == group]
            for i, sentiment in zip(rows, self._judge(batch, rows, self.tables[group], explain), strict=True):
                found[i] = sentiment
        return [s for s in found if s is not None]

    def _judge(self, batch: Batch, rows: Sequence[int], table: Table, explain: bool) -> list[Sentiment]:
        codes, offsets = select(batch, rows)
        marked, positions, first, last = _positions(codes, offsets, table)
        odds = _log_odds(positions, first, last, table)
        shares = probabilities(odds)
        best = shares.argmax(axis=1)
        spans = (
            _Clauses(marked, positions, first, last).spans(batch, rows, table, best) if explain else [()] * len(rows)
        )
        return [
            Sentiment(label=LABELS[b], negative=p[0], neutral=p[1], positive=p[2], spans=s)
            for b, p, s in zip(best.tolist(), shares.tolist(), spans, strict=True)
        ]


def select(batch: Batch, rows: Sequence[int]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Codes of some texts of a batch, cut to what speaks for the tone."""
    if len(rows) == len(batch.folded):
        return shortened(batch.codes, batch.offsets)
    parts = [batch.codes[batch.offsets[i] : min(batch.offsets[i + 1], batch.offsets[i] + LONGEST)] for i in rows]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(p) for p in parts], out=offsets[1:])
    return np.concatenate(parts) if parts else batch.codes[:0], offsets


def _positions(
    codes: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], table: Table
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int16], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Codes with marks, weight of all n-grams that start at each; (positions,), (positions, 2); bounds of each text."""
    marked, first, last = padded(codes, offsets)
    total = np.zeros((len(marked), 2), np.int16)
    for bucket in buckets(marked, table.bits, table.orders):
        total += table.weights.take(bucket).view(np.int8).reshape(-1, 2)
    return marked, total, first, last


def _log_odds(
    positions: npt.NDArray[np.int16], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], table: Table
) -> Floats:
    sums = np.add.reduceat(positions, edges(first, last), axis=0, dtype=np.int64)[::2] if len(first) else positions[:0]
    raw = sums * (table.scale / np.sqrt((last - first) * table.orders))[:, None]
    odds: Floats = (raw @ table.slope + table.bias).astype(np.float32)
    return odds


def probabilities(odds: Floats) -> npt.NDArray[np.float64]:
    """Softmax over (negative, 0, positive); shape (n, 3)."""
    logits = np.stack((odds[:, 0], np.zeros(len(odds), np.float32), odds[:, 1]), axis=1).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    weights = np.exp(logits)
    shares: npt.NDArray[np.float64] = (weights / weights.sum(axis=1, keepdims=True)).round(4)
    return shares


class _Clauses:
    """All clauses of a batch with their weights: what stands between two marks."""

    def __init__(
        self,
        marked: npt.NDArray[np.uint32],
        positions: npt.NDArray[np.int16],
        first: npt.NDArray[np.int64],
        last: npt.NDArray[np.int64],
    ) -> None:
        marks = np.flatnonzero(~word_table()[np.minimum(marked, 0xFFFF)])
        starts = np.concatenate(([0], marks + 1))[: len(marks)]
        self._starts, self._ends = starts, marks
        self._sums = np.add.reduceat(positions, starts, axis=0, dtype=np.int32) if len(starts) else positions[:0]
        self._positions, self._first, self._last = positions, first, last
        self._from, self._to = np.searchsorted(starts, first + 1), np.searchsorted(starts, last)

    def spans(
        self, batch: Batch, rows: Sequence[int], table: Table, best: npt.NDArray[np.int64]
    ) -> list[tuple[tuple[str, float], ...]]:
        """For each text the clauses that spoke loudest for its label; none for a neutral one."""
        texts, clauses, weights = self._loudest(best)
        starts, ends = self._starts[clauses], self._ends[clauses]
        for n in np.flatnonzero(ends - starts > _CLAUSE).tolist():
            starts[n], weights[n] = self._window(starts.item(n), ends.item(n), best.item(texts.item(n)) // 2)
            ends[n] = starts[n] + _CLAUSE
        begins = self._first[texts] + 1
        words = batch.originals(np.asarray(rows, np.int64)[texts], starts - begins, ends - begins)
        factors = table.scale / np.sqrt((self._last - self._first) * table.orders)
        spans = list(zip(words, (weights * factors[texts]).round(3).tolist(), strict=True))
        return [tuple(spans[a:b]) for a, b in pairwise(np.searchsorted(texts, np.arange(len(rows) + 1)).tolist())]

    def _loudest(
        self, best: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Text, clause and weight of the first clauses of each text that count, loudest first."""
        counts = np.where(best == 1, 0, self._to - self._from)
        texts = np.repeat(np.arange(len(best)), counts)
        before = np.cumsum(counts) - counts
        rank = np.arange(len(texts)) - before[texts]
        clauses = self._from[texts] + rank
        weights = self._sums[clauses, best[texts] // 2].astype(np.int64)
        order = np.lexsort((-weights, texts))[rank < _SPANS]
        texts, clauses, weights, rank = texts[order], clauses[order], weights[order], rank[rank < _SPANS]
        counting = np.zeros((len(best), _SPANS), np.bool_)
        counting[texts, rank] = (weights > 0) & (self._ends[clauses] > self._starts[clauses])
        stays = np.logical_and.accumulate(counting, axis=1)[texts, rank]
        return texts[stays], clauses[stays], weights[stays]

    def _window(self, start: int, end: int, column: int) -> tuple[int, int]:
        """Start of the stretch of 24 characters of a long clause with the largest sum, and that sum."""
        sums = np.cumsum(np.concatenate(([0], self._positions[start:end, column].astype(np.int32))))
        gains = sums[_CLAUSE:] - sums[:-_CLAUSE]
        at = int(np.argmax(gains))
        return start + at, int(gains[at])


class SnowScorer:
    """SnowNLP as it ships: the baseline of every benchmark. One score from 0 to 1, read as three classes."""

    def score(self, batch: Batch, kinds: Sequence[Kind], *, explain: bool = True) -> list[Sentiment]:
        """Slow (tens of texts a second) and wrong on most of what a city reads; see docs/quality.md."""
        from snownlp import SnowNLP

        return [_from_snow(float(SnowNLP(t).sentiments) if t.strip() else 0.5) for t in batch.texts]


def _from_snow(score: float) -> Sentiment:
    neutral = 1 - abs(2 * score - 1)
    negative, positive = (1 - score) * (1 - neutral), score * (1 - neutral)
    label = LABELS[int(np.argmax((negative, neutral, positive)))]
    return Sentiment(label=label, negative=round(negative, 4), neutral=round(neutral, 4), positive=round(positive, 4))


class UnusableModel(ValueError):
    """A model file that cannot be read; the message says which, and what to do."""


def load(models: Path | None = None) -> OwnScorer:
    """The model of a folder (`sentiment.npz`), or the shipped one."""
    path = (models or MODELS) / "sentiment.npz"
    return _load(path if path.exists() else MODELS / "sentiment.npz")


@cache
def _load(path: Path) -> OwnScorer:
    try:
        with np.load(path) as file:
            tables = {group: _table(file, group) for group in sorted(set(GROUPS.values()))}
    except (OSError, ValueError, KeyError) as error:
        raise UnusableModel(f"情感模型 {path} 无法读取（{error}），请重新训练或恢复原文件") from error
    return OwnScorer(tables)


def _table(file: Mapping[str, npt.NDArray[np.generic]], group: str) -> Table:
    """Groups may share one table of weights: `use.reply` names the group whose table it is."""
    owner = str(file[f"use.{group}"])
    pair = np.ascontiguousarray(file[f"weights.{owner}"].T.astype(np.int8))
    return Table(
        weights=pair.view(np.int16).ravel(),
        scale=float(file[f"scale.{owner}"]),
        slope=file[f"slope.{group}"].astype(np.float32),
        bias=file[f"bias.{group}"].astype(np.float32),
        orders=orders_of(file),
    )


#: name in `office.toml` → scorer for a folder of models
SCORERS: dict[str, Callable[[Path | None], Scorer]] = {"own": load, "snownlp": lambda _: SnowScorer()}
