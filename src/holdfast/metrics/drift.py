"""How far two samples of one number lie apart: PSI, Kolmogorov-Smirnov, Wasserstein; and when errors add up to a change.

NaN is a value of its own (below all others): a feature that goes missing has moved. None of the distances is a test by
itself: with enough rows every distance is "significant". What is usual between slices is the measure, see models/drift.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_HUGE = 1e100


def psi(before: NDArray[Any], now: NDArray[Any], bins: int = 10) -> float:
    """Population stability index: sum of (share now - share before) x log of their ratio, over tenths of `before`.

    Half a row is added to every bin, so that an empty one is not infinite. With n and m rows and no change at all it
    is about (bins - 1) (1/n + 1/m). The customary marks are 0.1 (look) and 0.25 (act).

    >>> psi(np.arange(100.0), np.arange(100.0)), round(psi(np.arange(100.0), np.arange(100.0) + 50), 1)
    (0.0, 2.3)
    """
    a, b = _numbers(before), _numbers(now)
    if not len(a) or not len(b):
        return 0.0
    finite = a[np.isfinite(a)]
    inner = np.unique(np.quantile(finite, np.linspace(0, 1, bins + 1)[1:-1])) if len(finite) else np.array([])
    edges = np.r_[-2 * _HUGE, inner]  # below the first: missing
    first, second = (np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) for x in (a, b))
    p, q = ((one + 0.5) / (one.sum() + 0.5 * len(one)) for one in (first, second))
    return float(((q - p) * np.log(q / p)).sum())


def ks(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Largest distance between the two distribution functions (Kolmogorov 1933, Smirnov 1939), 0 to 1.

    >>> ks(np.array([1.0, 2.0]), np.array([3.0, 4.0])), ks(np.array([1.0, np.nan]), np.array([1.0, 1.0]))
    (1.0, 0.5)
    """
    a, b = np.sort(_numbers(before)), np.sort(_numbers(now))
    if not len(a) or not len(b):
        return 0.0
    at = np.concatenate([a, b])
    apart = np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)
    return float(np.abs(apart).max())


def wasserstein(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Mean distance that values moved, in standard deviations of `before` (finite values only).

    >>> wasserstein(np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    1.0
    """
    a, b = (np.sort(x[np.isfinite(x)]) for x in (_numbers(before), _numbers(now)))
    if not len(a) or not len(b):
        return 0.0
    level = (np.arange(512) + 0.5) / 512
    moved = float(
        np.abs(np.quantile(a, level, method="inverted_cdf") - np.quantile(b, level, method="inverted_cdf")).mean()
    )
    spread = float(a.std())
    return moved / spread if spread > 0 else float(moved > 0)


def cusum(scores: NDArray[Any], slack: float = 0.5) -> Floats:
    """Two-sided cumulative sum of standardised errors (Page 1954): the larger of both sides after each.

    Errors within `slack` standard deviations pull back to 0, a lasting shift climbs.

    >>> cusum(np.array([0.2, -0.3, 2.5, 2.5])).tolist()
    [0.0, 0.0, 2.0, 4.0]
    """
    up = down = 0.0
    found = []
    for one in np.asarray(scores, np.float64):
        up, down = max(0.0, up + float(one) - slack), max(0.0, down - float(one) - slack)
        found.append(max(up, down))
    return np.array(found)


def adjusted(p_values: NDArray[Any]) -> Floats:
    """Benjamini & Hochberg (1995): p-values such that calling those below q makes at most q of the calls false.

    >>> adjusted(np.array([0.01, 0.04, 0.5])).round(3).tolist()
    [0.03, 0.06, 0.5]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    out[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return out


def _numbers(values: NDArray[Any]) -> Floats:
    """Missing below everything; infinite and huge values are pulled in to what sums and squares can hold."""
    wide = np.asarray(values, np.float64)
    return np.where(np.isnan(wide), -np.inf, np.clip(wide, -_HUGE, _HUGE))
