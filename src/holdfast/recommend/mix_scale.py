"""Scores of different lanes on one scale, customer by customer: 0 is nothing to say, 1 the lane's first choice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.recommend import Scores

#: `range`: between the row's lowest and highest; `softmax`: exp of standard deviations below the best; `rank`: 1/log2(1+rank).
SCALES = ("range", "softmax", "rank")
#: Ranks beyond this one say nothing.
DEPTH = 200


def scaled(scores: Scores, how: str) -> Scores:
    """(customers x items) in [0, 1]; equal scores stay equal, -inf becomes 0.

    >>> scaled(np.array([[1.0, 3.0, -np.inf, 2.0]], np.float32), "range").round(2).tolist()
    [[0.009999999776482582, 1.0, 0.0, 0.5]]
    """
    if how not in SCALES:
        raise UsageError(f"scale {how!r}", remedy=f"one of: {', '.join(SCALES)}")
    if not scores.size:
        return scores.astype(np.float32)
    finite = np.isfinite(scores)
    if how == "rank":
        return _ranked(scores, finite)
    top = np.where(finite, scores, -np.inf).max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    below = np.where(finite, top - np.where(finite, scores, 0.0), 0.0)
    if how == "range":
        width = np.maximum(below.max(axis=1, keepdims=True), 1e-12)
        found = np.maximum(1.0 - below / width, 0.01)
    else:
        n = np.maximum(finite.sum(axis=1, keepdims=True), 1)
        mean = below.sum(axis=1, keepdims=True) / n
        spread = np.sqrt(np.where(finite, (below - mean) ** 2, 0.0).sum(axis=1, keepdims=True) / n)
        found = np.exp(-below / np.maximum(spread, 1e-12))
    return np.where(finite, found, 0.0).astype(np.float32)


def ranks(scores: Scores, depth: int = DEPTH) -> NDArray[np.float32]:
    """1 for the best of a row, equal scores share the better rank; `depth` + 1 beyond it, and for -inf.

    >>> ranks(np.array([[1.0, 3.0, -np.inf, 3.0]], np.float32)).tolist()
    [[3.0, 1.0, 201.0, 1.0]]
    """
    rows, width = scores.shape
    found = np.full(scores.shape, depth + 1, np.float32)
    if not scores.size:
        return found
    some = min(depth, width)
    edge = -np.partition(-scores, some - 1, axis=1)[:, some - 1 : some]
    for row in range(rows):
        inside = np.flatnonzero((scores[row] >= edge[row]) & np.isfinite(scores[row]))
        mine = -scores[row, inside]
        found[row, inside] = np.minimum(np.searchsorted(np.sort(mine), mine, side="left") + 1, depth + 1)
    return found


def _ranked(scores: Scores, finite: NDArray[np.bool_]) -> Scores:
    place = ranks(scores)
    return np.where(finite & (place <= DEPTH), 1.0 / np.log2(1.0 + place), 0.0).astype(np.float32)
