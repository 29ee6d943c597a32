"""Orders ahead of a customer who is alive, as sums of positive terms: exact, stable, no special functions.

With lambda' ~ Gamma(R, end), stages passed in the next h time units are negative binomial with z = h / (end + h). From
stage j, n more stages mean floor((n + j) / k) orders, of which the m-th happens only if the customer stayed after those
before it: with p ~ Beta(a, b) that is c_m = B(a, b + m - 1) / B(a, b), so c_1 = 1, c_{m+1} = c_m (b + m - 1) / (a + b + m - 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from holdfast.models.btyd.rows import CHUNK, Floats

_PRECISION = 1e-12
_MOST_TERMS = 200_000
_HUGE = 1e200


def expected_orders(R: Floats, z: Floats, k: int, j: int, a: Floats | float | None, b: Floats) -> Floats:
    """Expected orders of customers alive in stage j; `a` None: nobody leaves.

    >>> expected_orders(np.array([3.0]), np.array([0.25]), 1, 0, None, np.zeros(1)).round(9).tolist()
    [1.0]
    """
    if k == 1 and a is None:
        return np.asarray(R * z / (1 - z))
    return _in_order(R, z, lambda R, z, a, b: _expected(R, z, k, j, a, b), a, b)


def p_order_after_gap(
    R: Floats, end: Floats, gap: float, h: float, k: int, j: int, a: Floats | float | None, b: Floats
) -> Floats:  # fmt: skip
    """P(an order in (gap, gap + h]) of customers alive in stage j: still there after the gap, and then not silent."""
    return _in_order(R, end, lambda R, end, a, b: _after_gap(R, end, gap, h, k, j, a, b), a, b)


def _in_order(R: Floats, second: Floats, of: Callable[..., Floats], a: Floats | float | None, b: Floats) -> Floats:
    """`of` on chunks of rows that need about as many terms."""
    found = np.empty(len(R))
    size = np.minimum(65_535, R * 4).astype(np.uint16)
    order = np.argsort(size, kind="stable")
    for start in range(0, len(R), CHUNK // 2):
        at = order[start : start + CHUNK // 2]
        each = a[at] if isinstance(a, np.ndarray) else a
        found[at] = of(R[at], second[at] if isinstance(second, np.ndarray) else second, each, b[at])
    return found


def _terms(R: Floats, z: Floats) -> Iterator[tuple[int, Floats, Floats]]:
    """(n, P(n more stages) times exp(-shift), shift): shifted where P(0) alone would underflow."""
    log_none = R * np.log1p(-z)
    term = np.exp(np.maximum(log_none, -600.0))
    shift = np.minimum(log_none + 600.0, 0.0)
    heavy = bool((shift < 0).any())
    for n in range(_MOST_TERMS):
        yield n, term, shift
        term = term * ((R + n) * (z / (n + 1)))
        if heavy and n % 8 == 7 and (big := term > _HUGE).any():
            term = np.where(big, term / _HUGE, term)
            shift = np.where(big, shift + np.log(_HUGE), shift)


def _stay(k: int, j: int, a: Floats | float | None, b: Floats) -> Iterator[tuple[Floats | float, Floats | float, int]]:
    """For n = 0, 1, ... more stages: (sum of c_m over the orders made, c of the next order, stages until it)."""
    made: Floats | float = 0.0
    chance: Floats | float = 1.0
    orders, passed = 0, j
    while True:
        yield made, chance, k - passed
        passed += 1
        if passed == k:
            passed, made = 0, made + chance
            if a is not None:
                chance = chance * ((b + orders) / (a + b + orders))
            orders += 1


def _expected(R: Floats, z: Floats, k: int, j: int, a: Floats | float | None, b: Floats) -> Floats:
    total, kept = np.zeros(len(R)), np.zeros(len(R))
    for (n, term, shift), (made, _, _) in zip(_terms(R, z), _stay(k, j, a, b), strict=False):
        if shift is not kept:  # the terms were scaled anew: so must be their sum
            total, kept = total * np.exp(kept - shift) if n else total, shift
        total = total + term * made
        if n >= k and n % 4 == 0 and _finished(term * made, total, z * (R + n) / (n + 1)):
            break
    return np.asarray(total * np.exp(kept))


def _after_gap(
    R: Floats, end: Floats, gap: float, h: float, k: int, j: int, a: Floats | float | None, b: Floats
) -> Floats:  # fmt: skip
    z, ahead = gap / (end + gap), h / (end + gap + h)
    total, kept = np.zeros(len(R)), np.zeros(len(R))
    for (n, term, shift), (_, chance, left) in zip(_terms(R, z), _stay(k, j, a, b), strict=False):
        if shift is not kept:
            total, kept = total * np.exp(kept - shift) if n else total, shift
        total = total + term * chance * (1.0 - _fewer(left, R + n, ahead))
        if n >= k and n % 4 == 0 and _finished(term, total, z * (R + n) / (n + 1)):
            break
    return np.asarray(total * np.exp(kept))


def _fewer(stages: int, R: Floats, z: Floats) -> Floats:
    """P(fewer than `stages` stages ahead)."""
    term = np.exp(R * np.log1p(-z))
    total = term.copy()
    for i in range(1, stages):
        term = term * ((R + i - 1) * z / i)
        total += term
    return total


def _finished(last: Floats, total: Floats, ratio: Floats) -> bool:
    """Whether all that is to come (geometric from here on) is below precision."""
    return bool(((ratio < 1) & (last <= _PRECISION * total * (1 - ratio))).all())
