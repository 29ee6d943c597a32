"""Moments that add: a mean, its spread and its interval from sums, so that parts can be joined in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, sum and sum of squares of a number; two of them add.

    >>> Moments.of([1.0, 2.0]) + Moments.of([3.0]) == Moments.of([1.0, 2.0, 3.0])
    True
    """

    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Any) -> Moments:
        v: NDArray[np.float64] = np.asarray(values, np.float64)
        return cls(float(len(v)), float(v.sum()), float((v * v).sum()))

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """NaN over nothing."""
        return self.total / self.n if self.n else float("nan")

    @property
    def variance(self) -> float:
        """Of the values, with n - 1; NaN under two values."""
        if self.n < 2:
            return float("nan")
        return max(0.0, (self.squares - self.total * self.total / self.n) / (self.n - 1))

    def interval(self, z: float = 1.959964) -> tuple[float, float]:
        """Normal interval of the mean; 95% by default."""
        half = z * float(np.sqrt(self.variance / self.n)) if self.n >= 2 else float("nan")
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class CrossMoments:
    """Count, sums and sums of products of several numbers per customer; two of them add.

    What a difference, a ratio and CUPED need of an arm: `total` is k sums, `products` the k x k sums of products of the
    columns. Sums of whole numbers are exact below 2^53, so joining parts in any order gives the same bytes there.

    >>> parts = CrossMoments.of([[1.0, 2.0]]) + CrossMoments.of([[3.0, 5.0], [0.0, 1.0]])
    >>> parts.n, parts.mean.round(3).tolist(), parts.covariance.round(3).tolist()
    (3.0, [1.333, 2.667], [[2.333, 3.167], [3.167, 4.333]])
    """

    n: float
    total: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Any) -> CrossMoments:
        """From customers x k numbers."""
        v: NDArray[np.float64] = np.atleast_2d(np.asarray(rows, np.float64))
        return cls(float(len(v)), v.sum(axis=0), v.T @ v)

    @classmethod
    def empty(cls, width: int) -> CrossMoments:
        return cls(0.0, np.zeros(width), np.zeros((width, width)))

    def __add__(self, other: CrossMoments) -> CrossMoments:
        return CrossMoments(self.n + other.n, self.total + other.total, self.products + other.products)

    @property
    def mean(self) -> NDArray[np.float64]:
        """NaN over nothing."""
        return self.total / self.n if self.n else np.full(len(self.total), np.nan)

    @property
    def scatter(self) -> NDArray[np.float64]:
        """Sums of products of deviations from the means; zeros over nothing."""
        return self.products - np.outer(self.total, self.total) / self.n if self.n else 0.0 * self.products

    @property
    def covariance(self) -> NDArray[np.float64]:
        """With n - 1; NaN under two customers."""
        return self.scatter / (self.n - 1) if self.n >= 2 else np.full_like(self.products, np.nan)

    def pick(self, *columns: int) -> CrossMoments:
        """Of some of the columns."""
        at = list(columns)
        return CrossMoments(self.n, self.total[at], self.products[np.ix_(at, at)])
