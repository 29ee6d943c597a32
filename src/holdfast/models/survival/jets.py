"""Numbers that carry their exact derivatives, so that a family need only state its cumulative hazard.

A jet holds, row by row, a value, its derivative in time (`t`), its derivatives in the parameters (`g`), and those of the
derivative in time (`tg`). Arithmetic applies the chain rule; nothing is approximated by small steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jet:
    """value: rows; t: rows; g and tg: parameters x rows.

    >>> time = Jet(np.array([2.0]), np.ones(1), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> rate = Jet(np.array([3.0]), np.zeros(1), np.ones((1, 1)), np.zeros((1, 1)))
    >>> found = exp(rate * time)
    >>> bool(np.isclose(found.t[0], 3 * np.exp(6))), bool(np.isclose(found.tg[0, 0], (1 + 6) * np.exp(6)))
    (True, True)
    """

    value: Floats
    t: Floats
    g: Floats
    tg: Floats

    def __add__(self, other: Jet | float) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.value + other.value, self.t + other.t, self.g + other.g, self.tg + other.tg)
        return Jet(self.value + other, self.t, self.g, self.tg)

    def __mul__(self, other: Jet | float) -> Jet:
        if isinstance(other, Jet):
            a, b = self, other
            return Jet(
                a.value * b.value, a.t * b.value + a.value * b.t, a.g * b.value + a.value * b.g,
                a.tg * b.value + a.t * b.g + a.g * b.t + a.value * b.tg,
            )  # fmt: skip
        return Jet(self.value * other, self.t * other, self.g * other, self.tg * other)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Jet:
        return self * -1.0

    def __sub__(self, other: Jet | float) -> Jet:
        return self + (-other)

    def __rsub__(self, other: float) -> Jet:
        return -self + other


def _curved(
    f: Callable[[Floats], Floats], f1: Callable[[Floats], Floats], f2: Callable[[Floats], Floats]
) -> Callable[[Jet], Jet]:
    def of(x: Jet) -> Jet:
        first, second = f1(x.value), f2(x.value)
        return Jet(f(x.value), first * x.t, first * x.g, first * x.tg + second * x.t * x.g)

    return of


def _exp(x: Floats) -> Floats:
    return np.exp(np.minimum(x, 300.0))  # beyond that any hazard is certainty, and squares must stay finite


exp = _curved(_exp, _exp, _exp)
log = _curved(np.log, lambda x: 1 / x, lambda x: -1 / x**2)
log1p = _curved(np.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2)


def _logistic(x: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _slope(x: Floats) -> Floats:
    return _logistic(x) * _logistic(-x)


logistic = _curved(_logistic, _slope, lambda x: _slope(x) * (1 - 2 * _logistic(x)))
