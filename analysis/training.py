"""Training: labelled rows → model files. scikit-learn (extra `train`) is needed here and only here.

    rows ─n-grams→ sparse matrix ─┬─ NB-weighted linear SVM ──┐
                                  └─ logistic regression ─────┤ once on all groups, once on the group's own rows,
                                                              │ out of fold
                                     multinomial stacking ────┘ → one table and calibration per group

Wang & Manning 2012 (NB-SVM); Wolpert 1992 (stacking). All parts are linear, so the sum is one table again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.adapting import adapted
from analysis.characters import fold_batch
from analysis.corpora import TWO_WAY, Row, UnusableRows, gold_labels, own_rows, research_rows, with_gold
from analysis.features import BITS, ORDERS, buckets, padded, shortened
from analysis.sentiment import LABELS, Table, load
from analysis.text import plain, sound

FOLDS = 4
_STEP = 2000
_HAND_READ = 50  #: fewer hand-read rows move nothing
_SEED = 20160812

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


class MissingExtra(ImportError):
    """scikit-learn is not installed."""


def matrix(texts: Sequence[str], bits: int = BITS, orders: int = ORDERS) -> Any:
    """n-gram counts over the root of the number of n-grams; scipy CSR of shape (texts, 2^bits)."""
    try:
        from scipy.sparse import csr_matrix, vstack
    except ModuleNotFoundError as error:
        raise MissingExtra("训练需要 scikit-learn，请先安装：pip install 'minsheng[train]'") from error
    parts = []
    for start in range(0, len(texts), _STEP):
        batch = fold_batch([plain(sound(t)) for t in texts[start : start + _STEP]])
        marked, first, last = padded(*shortened(batch.codes, batch.offsets))
        every = np.stack(list(buckets(marked, bits, orders)), axis=1)
        spans = last - first
        kept = np.concatenate([every[a:b].ravel() for a, b in zip(first.tolist(), last.tolist(), strict=True)])
        bounds = np.concatenate(([0], np.cumsum(spans * orders)))
        values = np.repeat(1 / np.sqrt(spans * orders), spans * orders).astype(np.float32)
        part = csr_matrix((values, kept.astype(np.int32), bounds), shape=(len(spans), 1 << bits))
        part.sum_duplicates()
        parts.append(part)
    return vstack(parts).tocsr()


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores x @ weights.T + bias; shapes (3, 2^bits), (3,)."""

    weights: Floats
    bias: Floats

    def scores(self, x: Any) -> Floats:
        """Shape (n, 3)."""
        found: Floats = np.asarray(x @ self.weights.T, np.float32) + self.bias
        return found


def idf(x: Any) -> Floats:
    """Inverse document frequency by bucket, 0 where fewer than two texts hold it."""
    counts = np.bincount(x.indices, minlength=x.shape[1])
    weights = np.log((1 + x.shape[0]) / (1 + counts)) + 1
    return np.where(counts < 2, 0, weights / 8).astype(np.float32)


def fit_linear(x: Any, y: Indices, *, nb: bool) -> Linear:
    """One against the rest for each label that has rows: NB-weighted SVM, or plain logistic regression."""
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    common = idf(x)
    weights = np.zeros((len(LABELS), x.shape[1]), np.float32)
    bias = np.full(len(LABELS), -4.0, np.float32)
    for label in range(len(LABELS)):
        mine = y == label
        if mine.sum() < FOLDS or mine.all():
            continue
        factor = common * (_log_count_ratio(x, mine) if nb else 1)
        model = (
            LinearSVC(C=0.3, tol=0.02, max_iter=60, random_state=_SEED)
            if nb
            else LogisticRegression(C=8, solver="liblinear", dual=True, tol=0.02, max_iter=40, random_state=_SEED)
        )
        model.fit((x @ diags(factor)).tocsr(), mine.astype(int))
        weights[label], bias[label] = model.coef_.ravel() * factor, model.intercept_[0]
    return Linear(weights, bias)


def _log_count_ratio(x: Any, mine: npt.NDArray[np.bool_], mix: float = 0.25) -> Floats:
    p = np.asarray(x[mine].sum(axis=0)).ravel() + 0.1 / 8
    q = np.asarray(x[~mine].sum(axis=0)).ravel() + 0.1 / 8
    ratio = np.abs(np.log((p / p.sum()) / (q / q.sum())))
    mixed: Floats = ((1 - mix) * ratio / ratio[ratio > 0].mean() + mix).astype(np.float32)
    return mixed


@dataclass(frozen=True, slots=True)
class _Part:
    model: Linear
    held_out: Floats  #: scores of every row, from a model that did not see it


def _part(x: Any, y: Indices, rows: Indices, folds: Indices, *, nb: bool) -> _Part:
    model = fit_linear(x[rows], y[rows], nb=nb)
    scores = model.scores(x)
    for fold in range(FOLDS):
        out = rows[folds[rows] == fold]
        scores[out] = fit_linear(x[rows[folds[rows] != fold]], y[rows[folds[rows] != fold]], nb=nb).scores(x[out])
    return _Part(model, scores)


def _stack(parts: Sequence[_Part], y: Indices, rows: Indices, balance: float) -> tuple[Linear, Floats]:
    """The parts joined by a multinomial regression on held-out scores; and the joint held-out log-odds, (rows, 2)."""
    from sklearn.linear_model import LogisticRegression

    inputs = np.hstack([part.held_out[rows] for part in parts])
    counts = np.bincount(y[rows], minlength=len(LABELS))
    weights = (counts.max() / np.maximum(counts, 1)) ** balance
    top = LogisticRegression(C=1, max_iter=500).fit(inputs, y[rows], sample_weight=weights[y[rows]])
    mixing = np.zeros((len(LABELS), inputs.shape[1]), np.float32)
    bias = np.full(len(LABELS), -6.0, np.float32)
    if len(top.classes_) == 2:
        mixing[top.classes_[1]], bias[top.classes_[1]] = top.coef_[0], top.intercept_[0]
        bias[top.classes_[0]] = 0.0
    else:
        mixing[top.classes_], bias[top.classes_] = top.coef_, top.intercept_
    joined = sum(mixing[:, 3 * i : 3 * i + 3] @ part.model.weights for i, part in enumerate(parts))
    offset = mixing @ np.concatenate([part.model.bias for part in parts]) + bias
    scores = inputs @ mixing.T + bias
    return Linear(np.asarray(joined, np.float32), offset), scores[:, [0, 2]] - scores[:, [1]]


#: how far rare labels are raised in the stacking, as a power of the inverse frequency: what macro-F1 on training rows
#: left out asked for, without spoiling the calibration (docs/model-card.md)
BALANCE = {"news": 0.4, "social": 0.2, "message": 0.0}


def train_sentiment(data: Path, out: Path) -> dict[str, int]:
    """Learn from a folder of research sets, or correct the shipped tables by an office's own rows.

    Writes `sentiment.npz`; returns row counts by group.
    """
    return _from_research(data, out) if data.is_dir() else _from_own(data, out)


def _from_own(data: Path, out: Path) -> dict[str, int]:
    rows = [r for r in own_rows(data) if not r.test]
    base = load(None)
    tables = dict(base.tables)
    y = np.array([r.label for r in rows], np.int64)
    owners = np.array(["message" if r.group == "reply" else r.group for r in rows])
    for name in np.unique(owners).tolist():
        mine = np.flatnonzero(owners == name)
        if len(np.unique(y[mine])) < 2:
            continue  # rows of one label say nothing of what tells it from the others: the shipped table stays
        x = matrix([rows[i].text for i in mine], orders=base.tables[name].orders)
        tables[name] = adapted(base.tables[name], base.tables, x, y[mine], [rows[i].group for i in mine])
    if all(tables[name] is base.tables[name] for name in tables):
        raise UnusableRows(f"{data.name} 里没有一类来源含有 negative、neutral、positive 中的至少两种标注，不能训练")
    tables["reply"] = replace(tables["reply"], weights=tables["message"].weights, scale=tables["message"].scale)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "sentiment.npz", allow_pickle=False, **_kept(tables))
    return {name: int((owners == name).sum()) for name in np.unique(owners).tolist()}


def _from_research(data: Path, out: Path) -> dict[str, int]:
    every = research_rows(data)
    rows = [r for r in every if not r.test and r.label is not None]
    by_hand = with_gold(every, gold_labels(), calibrating=True)
    x = matrix([r.text for r in rows])
    y = np.array([r.label for r in rows], np.int64)
    folds = np.random.default_rng(_SEED).integers(0, FOLDS, len(rows))
    group = np.array(["message" if r.group == "reply" else r.group for r in rows])
    everyone = np.arange(len(rows))
    joint = [_part(x, y, everyone, folds, nb=nb) for nb in (True, False)]
    file: dict[str, npt.NDArray[Any]] = {"orders": np.array(ORDERS)}
    for name in ("news", "social", "message"):
        mine = np.flatnonzero(group == name)
        own = [_part(x, y, mine, folds, nb=nb) for nb in (True, False)]
        counted = np.array([i for i in mine if rows[i].corpus not in TWO_WAY and rows[i].group != "reply"])
        model, _ = _stack([*joint, *own], y, counted, BALANCE[name])
        file |= _entry(name, model)
        if name == "message":
            model = _by_hand(model, by_hand)
            file |= {"bias.message": (model.bias[[0, 2]] - model.bias[1]).astype(np.float32)}
            file |= _reply_entry(model, x[mine], y[mine], np.array([rows[i].group == "reply" for i in mine]), file)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "sentiment.npz", allow_pickle=False, **file)
    return {name: int((group == name).sum()) for name in np.unique(group).tolist()}


def _entry(group: str, model: Linear) -> dict[str, npt.NDArray[Any]]:
    """Two int8 columns against neutral, and what turns their sum into log-odds."""
    pair = model.weights[[0, 2]] - model.weights[1]
    scale = max(float(np.quantile(np.abs(pair), 0.9999)) / 127, 1e-9)
    return {
        f"use.{group}": np.array(group),
        f"weights.{group}": np.clip(np.rint(pair / scale), -127, 127).astype(np.int8),
        f"scale.{group}": np.array(scale),
        f"slope.{group}": np.eye(2, dtype=np.float32),
        f"bias.{group}": (model.bias[[0, 2]] - model.bias[1]).astype(np.float32),
    }


def _by_hand(model: Linear, rows: Sequence[Row]) -> Linear:
    """The threshold of grievances moved to where the rows that were read by hand put it.

    Weak labels come in equal parts of clear grievances and clear questions; what citizens really write does not. Only
    the intercept moves: half of 291 rows carry no more.
    """
    if len(rows) < _HAND_READ:
        return model
    scores = model.scores(matrix([row.text for row in rows]))
    odds = (scores[:, 0] - scores[:, 1]).astype(np.float64)
    wanted = float(np.mean([row.label == 0 for row in rows]))
    low, high = -8.0, 8.0
    for _ in range(50):
        shift = (low + high) / 2
        low, high = (shift, high) if (1 / (1 + np.exp(-odds - shift))).mean() < wanted else (low, shift)
    return Linear(model.weights, model.bias + np.array([shift, 0, 0], np.float32))


def _reply_entry(
    model: Linear, x: Any, y: Indices, reply: npt.NDArray[np.bool_], file: dict[str, npt.NDArray[Any]]
) -> dict[str, npt.NDArray[Any]]:
    """Replies share the table of the messages they answer; known to be replies, they start from neutral.

    Fitted on replies and, at a twentieth of the weight, messages: a grievance that was filed as a reply keeps a voice.
    """
    from sklearn.linear_model import LogisticRegression

    scores = model.scores(x)
    odds = scores[:, [0]] - scores[:, [1]]
    weight = np.where(reply, 1.0, 0.05 * max(reply.sum(), 1) / max((~reply).sum(), 1))
    top = LogisticRegression(C=1).fit(odds, y == 0, sample_weight=weight)
    bias = file["bias.message"]
    slope = np.diag([float(top.coef_[0, 0]), 1.0]).astype(np.float32)
    shift = np.array([bias[0] * slope[0, 0] + top.intercept_[0], bias[1]], np.float32)
    return {"use.reply": np.array("message"), "slope.reply": slope, "bias.reply": shift}


def _kept(tables: Mapping[str, Table]) -> dict[str, npt.NDArray[Any]]:
    """Tables in the form of the model file."""
    file: dict[str, npt.NDArray[Any]] = {"orders": np.array(tables["message"].orders)}
    for group, table in tables.items():
        file |= {
            f"use.{group}": np.array(group),
            f"weights.{group}": np.ascontiguousarray(table.weights.view(np.int8).reshape(-1, 2).T),
            f"scale.{group}": np.array(table.scale),
            f"slope.{group}": table.slope,
            f"bias.{group}": table.bias,
        }
    return file
