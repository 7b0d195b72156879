"""The optional classifier of departments: learned from an office's own rows, ranked candidates with probabilities.

    title, text ─characters 1-2, words 1-2, hashed→ NB-weighted linear SVM per label ─multinomial Platt→ probabilities

Wang & Manning 2012 (NB-SVM), Platt 1999 (calibration on held-out scores). numpy at run time, scikit-learn to train.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from analysis.characters import fold_batch
from analysis.corpora import UnusableRows, key, read_table
from analysis.features import buckets, orders_of, padded, shortened
from analysis.sentiment import UnusableModel
from analysis.text import plain, sound
from analysis.words import common

BITS = 20  #: each for characters and for words
ORDERS = 2  #: n-grams of 1 to 2 characters; what longer ones would tell, words and pairs of words tell better
_CUT = 1600  #: characters of a text that are cut into words
FOLDS = 5
_SEED = 20160812


Floats = npt.NDArray[np.float32]
Shares = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Counted = tuple[Indices, Floats]  #: columns and counts of one text


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    label: str
    id: str


@dataclass(frozen=True, slots=True)
class Router:
    """Linear scores of hashed features, and their calibration."""

    labels: tuple[str, ...]
    columns: Indices  #: the hashed columns that at least two rows held, rising; shape (m,)
    weights: npt.NDArray[np.float16]  #: shape (m, labels)
    idf: npt.NDArray[np.float16]  #: shape (m,)
    bias: Floats  #: shape (labels,)
    mixing: Floats  #: multinomial Platt: shape (labels, labels)
    offset: Floats
    orders: int = ORDERS  #: n-grams of 1 to so many characters

    def shares(self, texts: Sequence[str]) -> Shares:
        """Probability of each label; shape (texts, labels)."""
        scores = (
            np.stack([self._scores(row) for row in features(texts, self.orders)])
            if texts
            else np.zeros((0, len(self.labels)))
        )
        logits = scores @ self.mixing.T + self.offset
        logits -= logits.max(axis=1, keepdims=True)
        weights = np.exp(logits.astype(np.float64))
        shares: Shares = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def _scores(self, row: Counted) -> Floats:
        places, counts = compact(row, self.columns)
        values = normalised(counts, self.idf[places].astype(np.float32), self.columns[places] >= 1 << BITS)
        scores: Floats = values @ self.weights[places].astype(np.float32) + self.bias
        return scores

    def save(self, path: Path) -> None:
        """Write `departments.npz`."""
        np.savez_compressed(
            path,
            labels=np.array(self.labels),
            columns=self.columns,
            weights=self.weights,
            idf=self.idf,
            bias=self.bias,
            mixing=self.mixing,
            offset=self.offset,
            orders=np.array(self.orders),
        )


def load_router(models: Path | None) -> Router | None:
    """The classifier of a folder of models, if an office has trained one."""
    path = None if models is None else models / "departments.npz"
    if path is None or not path.exists():
        return None
    try:
        with np.load(path) as file:
            labels = tuple(str(label) for label in file["labels"])
            arrays = {name: file[name] for name in ("columns", "weights", "idf", "bias", "mixing", "offset")}
            return Router(labels=labels, orders=orders_of(file), **arrays)
    except (OSError, ValueError, KeyError) as error:
        raise UnusableModel(f"部门分类模型 {path} 无法读取（{error}），请重新训练或删除该文件") from error


def compact(row: Counted, columns: Indices) -> Counted:
    """A text's columns as places among those that are kept; the others fall away."""
    if not len(columns):
        return row[0][:0], row[1][:0]
    places = np.minimum(np.searchsorted(columns, row[0]), len(columns) - 1)
    known = columns[places] == row[0]
    return places[known], row[1][known]


def normalised(counts: Floats, idf: Floats, is_word: npt.NDArray[np.bool_]) -> Floats:
    """Sublinear tf · idf, each of the two blocks (characters, words) of length one."""
    values = (1 + np.log(counts)) * idf
    for block in (is_word, ~is_word):
        values[block] /= max(float(np.sqrt((values[block] ** 2).sum())), 1e-6)
    return np.asarray(values, np.float32)


def features(texts: Sequence[str], orders: int = ORDERS) -> list[Counted]:
    """Columns and counts of each text: n-grams of 1 to `orders` characters, then words and pairs of words."""
    batch = fold_batch([plain(sound(t)) for t in texts])
    marked, first, last = padded(*shortened(batch.codes, batch.offsets))
    grams = np.stack(list(buckets(marked, BITS, orders)), axis=1).astype(np.int64)
    rows = []
    for folded, a, b in zip(batch.folded, first.tolist(), last.tolist(), strict=True):
        found = np.concatenate((grams[a:b].ravel(), _word_columns(folded)))
        columns, counts = np.unique(found, return_counts=True)
        rows.append((columns, counts.astype(np.float32)))
    return rows


def _word_columns(folded: str) -> npt.NDArray[np.int64]:
    cut = [w for w in common()(folded[:_CUT]) if not w.isspace()]
    grams = cut + [f"{a}_{b}" for a, b in pairwise(cut)]
    hashed = [xxhash.xxh32_intdigest(g.encode("utf-8", "surrogatepass")) >> (32 - BITS) for g in grams]
    return np.array(hashed, np.int64) + (1 << BITS)


def labelled(path: Path) -> list[Labelled]:
    """Rows `title,text,label` of a CSV or JSONL; the same text twice counts once, with two labels not at all."""
    by_key: dict[str, list[Labelled]] = {}
    for number, row in enumerate(read_table(path), 1):
        text, label = row.get("text", "").strip(), row.get("label", "").strip()
        if not text or not label:
            raise UnusableRows(f"{path.name} 第 {number} 条：需要 text 和 label")
        if row.get("label_conflict", "0") in {"1", "1.0"}:
            continue
        whole = f"{row.get('title', '')}\n{text}".strip()
        by_key.setdefault(key(text), []).append(Labelled(whole, label, row.get("id") or str(number)))
    return [rows[0] for rows in by_key.values() if len({r.label for r in rows}) == 1]


def train_departments(data: Path, out: Path) -> dict[str, int]:
    """Learn from labelled rows; writes `departments.npz`. Returns the number of rows by label."""
    rows = labelled(data)
    counts = {label: sum(r.label == label for r in rows) for label in sorted({r.label for r in rows})}
    small = [label for label, n in counts.items() if n < FOLDS]
    if len(counts) < 2 or small:
        raise UnusableRows(f"每个部门至少要 {FOLDS} 条、至少两个部门；不足的：{'、'.join(small) or '全部'}")
    out.mkdir(parents=True, exist_ok=True)
    fit(rows).save(out / "departments.npz")
    return counts


def fit(rows: Sequence[Labelled]) -> Router:
    """The classifier of these rows; calibrated on scores of models that had not seen the row."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    labels = tuple(sorted({r.label for r in rows}))
    y = np.array([labels.index(r.label) for r in rows])
    found = features([r.text for r in rows])
    seen, times = np.unique(np.concatenate([columns for columns, _ in found]), return_counts=True)
    kept = seen[times >= 2]
    raw = [compact(row, kept) for row in found]
    words = kept >= 1 << BITS
    held_out = np.zeros((len(rows), len(labels)), np.float32)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=_SEED).split(y, y):
        weights, bias, idf = _fit([raw[i] for i in train], y[train], words, len(labels))
        held_out[test] = _matrix([raw[i] for i in test], idf, words) @ weights.T + bias
    weights, bias, idf = _fit(raw, y, words, len(labels))
    mixing, offset = _platt(LogisticRegression(C=10, max_iter=1000).fit(held_out, y))
    return Router(
        labels, kept, np.ascontiguousarray(weights.T).astype(np.float16), idf.astype(np.float16), bias, mixing, offset
    )


def _platt(model: Any) -> tuple[Floats, Floats]:
    mixing, offset = model.coef_, model.intercept_
    if len(mixing) == 1:  # two labels: scikit-learn keeps one row for both
        mixing, offset = np.vstack((-mixing, mixing)) / 2, np.concatenate((-offset, offset)) / 2
    return mixing.astype(np.float32), offset.astype(np.float32)


def _matrix(rows: Sequence[Counted], idf: Floats, words: npt.NDArray[np.bool_]) -> Any:
    from scipy.sparse import csr_matrix

    bounds = np.concatenate(([0], np.cumsum([len(columns) for columns, _ in rows])))
    values = np.concatenate([normalised(counts, idf[columns], words[columns]) for columns, counts in rows])
    return csr_matrix((values, np.concatenate([c for c, _ in rows]), bounds), shape=(len(rows), len(idf)))


def _fit(
    rows: Sequence[Counted], y: Indices, words: npt.NDArray[np.bool_], labels: int
) -> tuple[Floats, Floats, Floats]:
    """One against the rest for each label: weights (labels, columns), bias (labels,), idf (columns,)."""
    from scipy.sparse import diags
    from sklearn.svm import LinearSVC

    counts = np.bincount(np.concatenate([columns for columns, _ in rows]), minlength=len(words))
    idf = (np.log((1 + len(rows)) / (1 + counts)) + 1).astype(np.float32)
    x = _matrix(rows, idf, words)
    weights, bias = np.zeros((labels, len(words)), np.float32), np.zeros(labels, np.float32)
    for label in range(labels):
        mine = y == label
        p, q = (np.asarray(x[m].sum(axis=0)).ravel() + 0.1 for m in (mine, ~mine))
        ratio = np.abs(np.log((p / p.sum()) / (q / q.sum())))
        factor = (0.5 * ratio / max(float(ratio.mean()), 1e-9) + 0.5).astype(np.float32)
        model = LinearSVC(C=2, tol=0.01, random_state=_SEED).fit((x @ diags(factor)).tocsr(), mine)
        weights[label], bias[label] = model.coef_.ravel() * factor, model.intercept_[0]
    return weights, bias, idf
