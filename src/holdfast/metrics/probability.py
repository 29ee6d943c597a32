"""How true a probability is: log loss, Brier and its parts, calibration error and table.

Weights work as in `metrics.ranking`: none, one vector, or one row for each bootstrap replicate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.metrics.ranking import answer

Floats = NDArray[np.float64]
_EDGE = 1e-15


def log_loss(happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Mean of -log(probability given to what happened); a coin toss scores 0.693.

    >>> round(log_loss(np.array([1, 0]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    return _mean(log_losses(happened, said), weights)


def log_losses(happened: NDArray[Any], said: NDArray[Any]) -> Floats:
    """The loss of each row."""
    p = np.clip(np.asarray(said, np.float64), _EDGE, 1 - _EDGE)
    return -np.where(np.asarray(happened, bool), np.log(p), np.log1p(-p))


def brier(happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Mean squared distance between probability and what happened.

    >>> brier(np.array([1, 0]), np.array([0.75, 0.25]))
    0.0625
    """
    return _mean((np.asarray(said, np.float64) - np.asarray(happened, np.float64)) ** 2, weights)


def brier_parts(happened: NDArray[Any], said: NDArray[Any], bins: int = 10) -> dict[str, float]:
    """Brier = reliability - resolution + uncertainty + within (Murphy 1973; `within` is what binning adds).

    reliability: how far groups are from what they were told (0 is best); resolution: how much groups differ
    from each other (more is better); uncertainty: base rate x (1 - base rate), nobody's merit.

    >>> parts = brier_parts(np.array([1, 1, 0, 0]), np.array([1.0, 1.0, 0.0, 0.0]))
    >>> parts["reliability"], parts["resolution"], parts["uncertainty"]
    (0.0, 0.25, 0.25)
    """
    y, p = np.asarray(happened, np.float64), np.asarray(said, np.float64)
    groups = bin_of(p, bins)
    n = np.bincount(groups).astype(np.float64)
    rate, told = np.bincount(groups, y) / n, np.bincount(groups, p) / n
    base = y.mean()
    reliability = float((n * (told - rate) ** 2).sum() / len(y))
    resolution = float((n * (rate - base) ** 2).sum() / len(y))
    uncertainty = float(base * (1 - base))
    within = brier(y, p) - (reliability - resolution + uncertainty)
    return {
        "reliability": reliability, "resolution": resolution, "uncertainty": uncertainty, "within": float(within)
    }  # fmt: skip


def ece(happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None, bins: int = 10) -> Any:
    """Expected calibration error: mean |said - happened| over ten groups of equal size, ordered by `said`.

    Noise alone makes it larger than 0, more so in a bootstrap replicate: compare models, do not test it against 0.

    >>> ece(np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.5]))
    0.0
    """
    y, p = np.asarray(happened, np.float64), np.asarray(said, np.float64)
    groups = bin_of(p, bins)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(groups[order]) > 0])
    weight = np.ones((1, len(y))) if weights is None else np.atleast_2d(weights).astype(np.float64)
    off = np.add.reduceat((weight * (p - y))[:, order], starts, axis=1)
    return answer(np.abs(off).sum(axis=1) / weight.sum(axis=1), weights)


def bin_of(said: NDArray[Any], bins: int = 10) -> NDArray[np.int64]:
    """The group of each row, 0 is lowest: groups of equal size, equal scores never split.

    >>> bin_of(np.array([0.1, 0.9, 0.1, 0.8]), 2).tolist()
    [0, 1, 0, 1]
    """
    p = np.asarray(said, np.float64)
    inner = np.quantile(p, np.arange(1, bins) / bins, method="higher") if len(p) else np.array([])
    found = np.searchsorted(np.unique(inner), p, side="right")
    return np.asarray(np.unique(found, return_inverse=True)[1], np.int64)


def calibration_table(happened: NDArray[Any], said: NDArray[Any], bins: int = 10) -> list[dict[str, float]]:
    """Said against happened in groups of equal size, with a 95% interval (Wilson 1927) of what happened.

    >>> calibration_table(np.array([1, 1, 0, 1]), np.array([0.75, 0.75, 0.75, 0.75]))[0]["happened"]
    0.75
    """
    y, p = np.asarray(happened, np.float64), np.asarray(said, np.float64)
    groups = bin_of(p, bins)
    rows = []
    for group in range(int(groups.max()) + 1 if len(y) else 0):
        inside = groups == group
        n, rate = int(inside.sum()), float(y[inside].mean())
        low, high = wilson(rate, n)
        rows.append({"n": n, "said": float(p[inside].mean()), "happened": rate, "low": low, "high": high})
    return rows


def wilson(rate: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Interval of a share (Wilson 1927): never leaves [0, 1], sensible at 0 and 1.

    >>> [round(one, 3) for one in wilson(0.0, 10)]
    [0.0, 0.278]
    """
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)


def _mean(values: Floats, weights: NDArray[Any] | None) -> Any:
    if weights is None:
        return float(values.mean())
    weight = np.atleast_2d(weights).astype(np.float64)
    return answer(weight @ values / weight.sum(axis=1), weights)
