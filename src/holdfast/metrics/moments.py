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
