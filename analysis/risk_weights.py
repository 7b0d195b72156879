"""Weights from pairwise comparisons (analytic hierarchy process, Saaty 1980), and whether they are coherent."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: mean consistency index of random reciprocal matrices of order n (Saaty 1980)
_RANDOM_INDEX = {3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45, 10: 1.49}


def _matrix(matrix: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    a = np.asarray(matrix, np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not 2 <= len(a) <= 10:
        raise ValueError(f"判断矩阵须为 2 至 10 阶方阵，收到 {a.shape}")
    if not (np.isfinite(a).all() and (a > 0).all()):
        raise ValueError("判断矩阵的每一项须为正数")
    if not np.allclose(a * a.T, 1, rtol=0.02):
        raise ValueError("判断矩阵须互反：第 i 行第 j 列与第 j 行第 i 列互为倒数")
    return a


def weights(matrix: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Principal eigenvector of a positive reciprocal matrix, summing to 1. ValueError (Chinese) for anything else."""
    values, vectors = np.linalg.eig(_matrix(matrix))
    main = np.abs(vectors[:, int(np.argmax(values.real))].real)
    return tuple(float(v) for v in main / main.sum())


def consistency(matrix: Sequence[Sequence[float]]) -> float:
    """CR = ((λmax - n)/(n - 1)) / RI; below .1 the judgements are coherent enough to use. 0 for n = 2."""
    a = _matrix(matrix)
    n = len(a)
    if n == 2:
        return 0.0
    largest = float(np.max(np.linalg.eigvals(a).real))
    return max(0.0, (largest - n) / (n - 1) / _RANDOM_INDEX[n])
