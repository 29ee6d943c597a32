"""One-sided bounds on the gain of treating a group, safe where outcomes are rare; Holm's correction over groups."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: The spread of all customers counts in a group as if by so many: a group without one buyer is not known for certain.
BORROWED = 50.0


@dataclass(frozen=True, slots=True)
class Gain:
    """What a group would gain by another arm, per head of the group and in total over `everybody` of the sample."""

    per_head: float
    standard_error: float
    n: int

    @property
    def total(self) -> float:
        """Summed over the group, outcome units."""
        return self.per_head * self.n

    @property
    def z(self) -> float:
        """Standard errors above 0; 0 where nothing can be said."""
        return self.per_head / self.standard_error if self.standard_error > 0 else 0.0

    @property
    def p(self) -> float:
        """Chance of so much or more if there is no gain, one-sided."""
        return 1.0 - NormalDist().cdf(self.z)

    def low(self, level: float = 0.95) -> float:
        """One-sided lower bound on the total gain."""
        return self.n * (self.per_head - NormalDist().inv_cdf(level) * self.standard_error)


def gain(each: Floats, residual: Floats, inflation: Floats, residual_all: float) -> Gain:
    """The gain of a group from paired doubly robust differences `each`, one for each customer of the group.

    The usual standard error believes an arm in which nobody happened to buy. So it is held to at least what it would be
    if all arms had the group's common spread: `residual` are outcomes less predictions whatever the arm, `inflation`
    is 1/propensity of both arms summed, `residual_all` the mean squared residual of all customers.

    >>> gain(np.array([1.0, 1.0]), np.zeros(2), np.full(2, 4.0), 1.0).standard_error > 0
    True
    """
    n = len(each)
    if n < 2:
        return Gain(float(each.mean()) if n else 0.0, float("inf"), n)
    spread = (float((residual**2).sum()) + BORROWED * residual_all) / (n + BORROWED)
    usual = float(each.var(ddof=1)) / n
    common = spread * float(inflation.mean()) / n
    return Gain(float(each.mean()), float(np.sqrt(max(usual, common))), n)


def holm(p: Any, alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses fall when at most `alpha` of such families may lose even one true one (Holm 1979).

    >>> holm([0.001, 0.04, 0.02], 0.05).tolist()
    [True, True, True]
    >>> holm([0.001, 0.04, 0.03], 0.05).tolist()
    [True, False, False]
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    passed = values[order] <= alpha / np.arange(len(values), 0, -1)
    found = np.zeros(len(values), bool)
    found[order] = np.logical_and.accumulate(passed)
    return found
