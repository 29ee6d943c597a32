"""How good a forecast of mean spend is: its order, its level, its calibration.

Spend is zero for many and huge for few. The forecast that minimises absolute error is the median, which is 0 for half
the customers and sums to a fraction of the money; a mean is therefore judged by normalised Gini (order), bias (level),
Tweedie deviance (both, at every size) and calibration by tenths. `mae` is for a median forecast.

Every function takes `spent`, `said` (both >= 0, one a row) and optional weights: one vector, or a (replicates x rows)
matrix, in which case the answer has one value for each replicate (see `metrics.ranking`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.metrics.probability import bin_of
from holdfast.metrics.ranking import answer

Floats = NDArray[np.float64]
#: Metrics of which less is better; bias is best at 0; of the others more is better.
LESS_IS_BETTER = frozenset({"tweedie_deviance", "mae", "decile_error"})
VALUE_METRICS = ("gini", "bias", "tweedie_deviance", "decile_error", "mae")
#: A forecast of less than this share of the mean counts as this share: the deviance of exactly 0 is infinite.
_LEAST_SHARE = 1e-3


def gini(spent: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Normalised Gini: area between the gain curve and the diagonal, over that of the perfect order; 1 is perfect.

    Equal forecasts share their rank. NaN where nobody spent or all spent the same.

    >>> gini(np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    1.0
    >>> gini(np.array([0.0, 1.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    0.0
    """
    y, s = _checked(spent, said)
    weight = _weights(y, weights)
    ours, best = _area(y, s, weight), _area(y, y, weight)
    return answer(np.divide(ours, best, out=np.full(len(ours), np.nan), where=best > 1e-15), weights)


def bias(spent: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Sum of forecasts over sum of spend, less 1: -0.25 says a quarter too little. NaN where nobody spent.

    >>> bias(np.array([0.0, 4.0]), np.array([1.0, 2.0]))
    -0.25
    """
    y, s = _checked(spent, said)
    weight = _weights(y, weights)
    top, bottom = weight @ s, weight @ y
    return answer(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0) - 1.0, weights)


def tweedie_deviance(
    spent: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None, *, power: float = 1.5
) -> Any:
    """Mean Tweedie deviance (Jorgensen 1987), 0 is perfect; 1 < power < 2 admits zeros. In currency^(2 - power).

    >>> round(tweedie_deviance(np.array([0.0, 4.0]), np.array([1.0, 4.0])), 3)
    2.0
    """
    if not 1 < power < 2:
        raise UsageError(f"the power of a Tweedie deviance lies between 1 and 2, not {power}")
    y, s = _checked(spent, said)
    m = np.maximum(s, max(_LEAST_SHARE * float(y.mean() if len(y) else 0.0), 1e-9))
    own = y ** (2 - power) / ((1 - power) * (2 - power))
    each = 2 * (own - y * m ** (1 - power) / (1 - power) + m ** (2 - power) / (2 - power))
    return _mean(np.maximum(each, 0.0), weights)


def mae(spent: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Mean absolute error. The median minimises it: judge a median forecast by it, not a mean.

    >>> mae(np.array([0.0, 4.0]), np.array([1.0, 2.0]))
    1.5
    """
    y, s = _checked(spent, said)
    return _mean(np.abs(y - s), weights)


def decile_error(
    spent: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None, *, groups: int = 10
) -> Any:
    """How far tenths of the customers, by forecast, spent from what they were told, as a share of all spend.

    >>> decile_error(np.array([0.0, 4.0]), np.array([1.0, 4.0]), groups=2)
    0.25
    """
    y, s = _checked(spent, said)
    weight, group = _weights(y, weights), bin_of(s, groups)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0]) if len(y) else np.array([], np.int64)
    off = np.abs(np.add.reduceat((weight * (s - y))[:, order], starts, axis=1)).sum(axis=1)
    total = weight @ y
    return answer(np.divide(off, total, out=np.full(len(off), np.nan), where=total > 0), weights)


def value_metrics(spent: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> dict[str, Any]:
    """Every metric of VALUE_METRICS; with a (replicates x rows) weight matrix, a vector of each.

    >>> found = value_metrics(np.array([0.0, 4.0]), np.array([1.0, 4.0]))
    >>> tuple(found) == VALUE_METRICS, found["bias"]
    (True, 0.25)
    """
    measures = (gini, bias, tweedie_deviance, decile_error, mae)
    return {name: one(spent, said, weights) for name, one in zip(VALUE_METRICS, measures, strict=True)}


def value_gain(metric: str, ours: Any, theirs: Any) -> Any:
    """How much better `ours` is, positive when better; for bias, how much nearer to 0.

    >>> round(value_gain("bias", -0.1, 0.3), 2), round(value_gain("gini", 0.8, 0.7), 2)
    (0.2, 0.1)
    """
    if metric == "bias":
        return abs(theirs) - abs(ours)
    return theirs - ours if metric in LESS_IS_BETTER else ours - theirs


def decile_table(spent: NDArray[Any], said: NDArray[Any], groups: int = 10) -> list[dict[str, float]]:
    """Said against spent in groups of equal size by forecast, lowest first, with a 95% interval of mean spend.

    >>> decile_table(np.array([0.0, 0.0, 4.0, 4.0]), np.array([0.0, 0.0, 3.0, 3.0]), 2)[1]["said"]
    3.0
    """
    y, s = _checked(spent, said)
    rows, group = [], bin_of(s, groups)
    for one in range(int(group.max()) + 1 if len(y) else 0):
        inside = y[group == one]
        mean, half = float(inside.mean()), 0.0
        if len(inside) > 1:
            half = 1.959964 * float(inside.std(ddof=1)) / float(np.sqrt(len(inside)))
        rows.append({
            "n": len(inside), "said": float(s[group == one].mean()), "spent": mean,
            "low": max(0.0, mean - half), "high": mean + half,
        })  # fmt: skip
    return rows


def gain_curve(spent: NDArray[Any], said: NDArray[Any], points: int = 20) -> list[dict[str, float]]:
    """Share of all spend held by the best `share` of customers by forecast, and by the perfect order (Lorenz 1905).

    >>> gain_curve(np.array([1.0, 3.0]), np.array([1.0, 2.0]), 2)[0]
    {'share': 0.5, 'gain': 0.75, 'perfect': 0.75}
    """
    return [
        {
            "share": float(one),
            "gain": top_share(spent, said, float(one)),
            "perfect": top_share(spent, spent, float(one)),
        }
        for one in np.arange(1, points + 1) / points
    ]


def top_share(spent: NDArray[Any], said: NDArray[Any], share: float = 0.1) -> float:
    """Share of all spend that the best `share` of customers by forecast brought; ties pro rata. NaN where none was.

    >>> top_share(np.array([1.0, 3.0]), np.array([1.0, 2.0]), 0.5)
    0.75
    """
    y, s = _checked(spent, said)
    seen, held = _climb(y, s, np.ones((1, len(y))))
    if not len(y) or held[0, -1] <= 0:
        return float("nan")
    return float(np.interp(share, seen[0], held[0] / held[0, -1]))


def _climb(y: Floats, s: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """(share of customers, spend held) from the highest forecast down, starting at 0; equal forecasts are one step."""
    order = np.argsort(-s, kind="stable")
    score = s[order]
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]]) if len(y) else np.array([], np.int64)
    people = np.add.reduceat(weight[:, order], starts, axis=1)
    money = np.add.reduceat((weight * y)[:, order], starts, axis=1)
    zero = np.zeros((len(weight), 1))
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    return np.hstack([zero, np.cumsum(people, axis=1) / total]), np.hstack([zero, np.cumsum(money, axis=1)])


def _area(y: Floats, s: Floats, weight: Floats) -> Floats:
    """Area between gain curve and diagonal, by trapezoids."""
    seen, held = _climb(y, s, weight)
    total = held[:, -1]
    area = (np.diff(seen, axis=1) * (held[:, 1:] + held[:, :-1]) / 2).sum(axis=1)
    return np.asarray(np.divide(area, total, out=np.full(len(total), np.nan), where=total > 0) - 0.5)


def _checked(spent: NDArray[Any], said: NDArray[Any]) -> tuple[Floats, Floats]:
    y, s = np.asarray(spent, np.float64), np.asarray(said, np.float64)
    if y.shape != s.shape:
        raise UsageError(f"{y.shape} amounts spent but {s.shape} forecasts")
    if not (np.isfinite(y).all() and np.isfinite(s).all()) or (len(y) and min(y.min(), s.min()) < 0):
        raise UsageError("spend and its forecast are finite and at least 0", remedy="leave refunds out of spend")
    return y, s


def _weights(y: Floats, weights: NDArray[Any] | None) -> Floats:
    return np.ones((1, len(y))) if weights is None else np.atleast_2d(weights).astype(np.float64)


def _mean(values: Floats, weights: NDArray[Any] | None) -> Any:
    if weights is None:
        return float(values.mean()) if len(values) else float("nan")
    weight = np.atleast_2d(weights).astype(np.float64)
    return answer(weight @ values / weight.sum(axis=1), weights)
