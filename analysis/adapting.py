"""An office's own rows correct the shipped sentiment tables: a small change is learned on top, nothing is refitted.

    log-odds = (shipped + change) · n-grams, calibrated as shipped      minimise cross-entropy + pull · |change|²

The change touches only n-grams of the office's rows and is held small (a Gaussian prior around the shipped weights;
Chelba & Acero 2004), so texts about other things keep their labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.sentiment import Table

Floats = npt.NDArray[np.float64]
PULL = 0.1  #: chosen on 300 petitions against 340 others (.02-2 tried): AUC .931 → .945, hand-read recall .888 → .897


def adapted(
    table: Table, calibrations: Mapping[str, Table], x: Any, y: npt.NDArray[np.int64], groups: Sequence[str]
) -> Table:
    """The table with the change that its rows ask for.

    `x`: n-gram matrix of the rows (rows, 2^bits); `y`: index of the label; `groups`: whose calibration judges each row.
    """
    from scipy.optimize import minimize

    columns = np.unique(x.indices)
    dense = x[:, columns]
    pair = table.weights.view(np.int8).reshape(-1, 2).astype(np.float64) * table.scale
    shipped = np.asarray(x @ pair)
    slopes = np.stack([calibrations[g].slope for g in groups]).astype(np.float64)
    biases = np.stack([calibrations[g].bias for g in groups]).astype(np.float64)
    wanted = np.eye(3)[y][:, [0, 2]]
    weight = _balanced(y)[:, None]

    def loss(flat: Floats) -> tuple[float, Floats]:
        change = flat.reshape(-1, 2)
        odds = np.einsum("ni,nij->nj", shipped + dense @ change, slopes) + biases
        top = np.maximum(odds.max(axis=1, keepdims=True), 0)
        shares = np.exp(odds - top) / (np.exp(odds - top).sum(axis=1, keepdims=True) + np.exp(-top))
        total = np.log(np.exp(odds - top).sum(axis=1, keepdims=True) + np.exp(-top)) + top
        cross = float((weight * (total - (wanted * odds).sum(axis=1, keepdims=True))).sum()) / len(y)
        slope = np.einsum("nj,nij->ni", weight * (shares - wanted), slopes) / len(y)
        gradient = dense.T @ slope + 2 * PULL * change / len(y)
        return cross + PULL * float((change**2).sum()) / len(y), np.asarray(gradient).ravel()

    found = minimize(loss, np.zeros(2 * len(columns)), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    pair[columns] += found.x.reshape(-1, 2)
    scale = max(float(np.abs(pair).max()) / 127, 1e-9)
    scale = min(scale, 4 * table.scale)  # one loud n-gram must not make all others coarse
    rounded = np.clip(np.rint(pair / scale), -127, 127).astype(np.int8)
    weights = np.ascontiguousarray(rounded).view(np.int16).ravel()
    return replace(table, weights=weights, scale=scale)


def _balanced(y: npt.NDArray[np.int64]) -> Floats:
    """Weights under which every label that occurs counts alike: rows are what people corrected, no sample."""
    counts = np.bincount(y, minlength=3)
    return (len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[y]
