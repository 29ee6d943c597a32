"""The two closed forms of EASE: over items (Cholesky of the Gram matrix), and over customers (Woodbury)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
#: Columns of the Gram matrix built, mirrored or divided at a time.
WIDE = 512
#: Directions whose share of the answer is below float32's last digit are left out.
LEAST = 1e-7


def smaller(memory_mb: float, items: int, customers: int) -> bool:
    """Whether the customer form is the smaller one, and fits: float64 eigenvectors of customers x customers.

    >>> smaller(100.0, 5000, 1000), smaller(100.0, 1000, 5000), smaller(1.0, 5000, 1000)
    (True, False, False)
    """
    return customers < items and customers * (3 * items + 6 * customers) <= memory_mb * 1_000_000 / 4


def most(memory_mb: float, items: int, customers: int) -> int:
    """How many items fit: all of them in the customer form, else those of one square matrix.

    >>> most(1.0, 10_000, 1_000_000), most(1000.0, 10_000, 1_000_000)
    (476, 10000)
    """
    if smaller(memory_mb, items, customers):
        return items
    # a tenth for blocks and the sparse matrix
    return min(items, int((memory_mb * 1_000_000 / 4 / 1.1) ** 0.5))


def by_items(cells: Any, regularisation: float) -> Floats:
    """B (items x items): -P / diag P with P = (X'X + regularisation I)^-1, in one square of memory."""
    from scipy.linalg.lapack import spotrf, spotri

    size = cells.shape[1]
    gram = np.empty((size, size), np.float32, order="F")
    by_item = cells.T.tocsr()
    for start in range(0, size, WIDE):
        gram[:, start : start + WIDE] = (by_item @ cells[:, start : start + WIDE]).toarray()
    if not size:
        return gram
    gram[np.diag_indices(size)] += np.float32(regularisation)
    factor, failed = spotrf(gram, lower=1, overwrite_a=1, clean=0)
    if not failed:
        inverse, failed = spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError("the Gram matrix has no Cholesky factor in float32: raise the regularisation")
    _mirror(inverse)
    diagonal = -np.diag(inverse).copy()
    for start in range(0, size, WIDE):
        inverse[:, start : start + WIDE] /= diagonal[start : start + WIDE]
    inverse[np.diag_indices(size)] = 0
    return np.asarray(inverse, np.float32)


def _mirror(square: Floats) -> None:
    """The lower triangle onto the upper one, block by block."""
    size = len(square)
    for start in range(0, size, WIDE):
        stop = min(start + WIDE, size)
        square[start:stop, stop:] = square[stop:, start:stop].T
        here = square[start:stop, start:stop]
        square[start:stop, start:stop] = np.tril(here) + np.tril(here, -1).T


def by_customers(cells: Any, regularisation: float) -> tuple[Floats, Floats]:
    """(W, 1 - diag WW') with P = (I - W W') / regularisation, from the eigenvectors of X X'.

    So B_ij = (W W')_ij / (1 - (W W')_jj) off the diagonal. Eigenvectors, and not a triangular factor, because they mix
    all customers: no column is one person's history.
    """
    dense = np.asarray((cells @ cells.T).toarray(), np.float64)
    if not dense.size:
        return np.zeros((cells.shape[1], 0), np.float32), np.ones(cells.shape[1], np.float32)
    value, vector = np.linalg.eigh(dense)
    kept = value > LEAST * regularisation
    value, vector = value[kept], vector[:, kept]
    # X' u / sqrt(s) are the right singular vectors; each counts s / (s + regularisation)
    directions = np.asarray(cells.T @ (vector / np.sqrt(value + regularisation)), np.float64)
    found = directions.astype(np.float32)
    left = 1.0 - np.einsum("ij,ij->i", directions, directions)
    return found, np.maximum(left, np.finfo(np.float32).eps).astype(np.float32)
