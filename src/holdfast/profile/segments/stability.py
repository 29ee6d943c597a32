"""Do the groups come back? Clusterings of resampled customers held against each other.

A segment that resampling does not find again is an accident of this draw of customers (Hennig 2007, *Cluster-wise
assessment of cluster stability*: Jaccard 0.75 and more is a stable group, below 0.6 none).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: Fit to rows with a seed; returns what assigns any rows to groups 0, 1, ...
Fitter = Callable[[Floats, int], Callable[[Floats], Whole]]


@dataclass(frozen=True, eq=False)
class Stability:
    """`jaccard`: for each group, how much of it came back on average; `ari`: agreement of whole clusterings (1 is the same)."""

    jaccard: Floats
    ari: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"jaccard": [round(float(one), 4) for one in self.jaccard], "ari": round(self.ari, 4)}


def stability(rows: Floats, labels: Whole, fit: Fitter, *, resamples: int, seed: int) -> Stability:
    """Fit to bootstrap samples of `rows`, assign all rows, and hold the groups against `labels`."""
    rng = np.random.default_rng([seed, 41])
    groups = int(labels.max()) + 1
    jaccard, ari = np.zeros((resamples, groups)), np.zeros(resamples)
    for b in range(resamples):
        drawn = rng.integers(0, len(rows), len(rows))
        table = contingency(labels, fit(rows[drawn], int(rng.integers(2**31)))(rows))
        union = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
        jaccard[b] = (table / np.maximum(union, 1)).max(axis=1)
        ari[b] = adjusted_rand(table)
    return Stability(jaccard.mean(axis=0), float(ari.mean()))


def contingency(one: Whole, other: Whole) -> Floats:
    """How many rows are in group i of one and group j of the other."""
    width = int(other.max()) + 1
    counts = np.bincount(one * width + other, minlength=(int(one.max()) + 1) * width)
    return np.asarray(counts.reshape(-1, width), np.float64)


def adjusted_rand(table: Floats) -> float:
    """Agreement of two clusterings corrected for chance (Hubert & Arabie 1985): 1 the same, 0 by chance.

    >>> adjusted_rand(np.array([[3.0, 0], [0, 5]])), round(adjusted_rand(np.array([[2.0, 2], [2, 2]])), 3)
    (1.0, -0.167)
    """

    def pairs(x: Any) -> float:
        return float((x * (x - 1) / 2).sum())

    both, left, right = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    total = pairs(table.sum())
    expected = left * right / total if total else 0.0
    most = (left + right) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)
