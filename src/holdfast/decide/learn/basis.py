"""A fixed set of curves over the features, so that a linear model can bend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.core.errors import TooLittleData, UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """1, each standardised feature, a hinge at each knot and, if asked, products of pairs; frozen once made.

    Values beyond `low` and `high` count as these (1% and 99% of the sample), a missing one as the median.

    >>> basis = Basis.of(np.arange(100.0)[:, None], knots=1)
    >>> basis(np.array([[0.0], [np.nan]])).shape, basis.width
    ((2, 3), 3)
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    median: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    knots: tuple[tuple[float, ...], ...]
    pairs: bool = False

    @classmethod
    def of(cls, sample: ArrayLike, knots: int = 3, pairs: bool = False) -> Basis:
        """Fitted to rows of features; outcomes play no part in it. Raises TooLittleData under 2 rows."""
        x = np.asarray(sample, np.float64)
        if x.ndim != 2 or len(x) < 2:
            raise TooLittleData("a basis needs a table of at least 2 rows", remedy="give it more customers")
        x = np.where(np.isfinite(x), x, np.nan)
        x = np.where(np.isnan(x).all(axis=0), 0.0, x)
        low, median, high = np.nanquantile(x, [0.01, 0.5, 0.99], axis=0)
        filled = np.clip(np.where(np.isnan(x), median, x), low, high)
        scale = filled.std(axis=0)
        scale = np.where(scale > 1e-12, scale, 1.0)
        mean = filled.mean(axis=0)
        z = (filled - mean) / scale
        bends = tuple(_knots(z[:, at], knots) for at in range(x.shape[1]))
        return cls(_plain(low), _plain(high), _plain(median), _plain(mean), _plain(scale), bends, pairs)

    @property
    def width(self) -> int:
        """Columns of the result."""
        d = len(self.mean)
        return 1 + d + sum(map(len, self.knots)) + (d * (d - 1) // 2 if self.pairs else 0)

    def __call__(self, x: ArrayLike) -> Floats:
        """Rows x width."""
        raw = np.asarray(x, np.float64)
        d = len(self.mean)
        if raw.ndim != 2 or raw.shape[1] != d:
            raise UsageError(f"features of shape {raw.shape}, where {d} columns were learnt")
        filled = np.where(np.isfinite(raw), raw, np.array(self.median))
        z = (np.clip(filled, self.low, self.high) - np.array(self.mean)) / np.array(self.scale)
        parts = [np.ones((len(z), 1)), z]
        parts += [np.maximum(z[:, [at]] - np.array(knots), 0.0) for at, knots in enumerate(self.knots) if knots]
        if self.pairs:
            a, b = np.triu_indices(d, 1)
            parts.append(z[:, a] * z[:, b])
        return np.concatenate(parts, axis=1)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("low", "high", "median", "mean", "scale", "knots", "pairs")}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Basis:
        values = {name: tuple(saved[name]) for name in ("low", "high", "median", "mean", "scale")}
        return cls(**values, knots=tuple(tuple(one) for one in saved["knots"]), pairs=bool(saved["pairs"]))


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(one) for one in values)


def _knots(z: Floats, count: int) -> tuple[float, ...]:
    """Inner quantiles; for a feature of few values, its inner values. None that bends nothing."""
    seen = np.unique(z)
    inner = seen[1:-1] if len(seen) <= count + 2 else np.quantile(z, np.arange(1, count + 1) / (count + 1))
    return tuple(float(one) for one in np.unique(inner) if seen[0] < one < seen[-1])
