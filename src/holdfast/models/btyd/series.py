"""Orders ahead of a customer who is alive, as sums of positive terms: exact and stable.

With lambda' ~ Gamma(R, end), stages passed in the next h time units are negative binomial with z = h / (end + h). From
stage j, n more stages mean floor((n + j) / k) orders, of which the m-th happens only if the customer stayed after those
before it: with p ~ Beta(a, b) that is c_m = B(a, b + m - 1) / B(a, b), so c_1 = 1, c_{m+1} = c_m (b + m - 1) / (a + b + m - 1).

Most customers need a few dozen terms, so the sum runs over n for thousands of them at once. The few who need thousands of
terms (wholesalers, long horizons) are summed one by one, over all n that matter at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from holdfast.models.btyd.rows import CHUNK, Floats, Whole

_PRECISION = 1e-12
#: Terms beyond which a row is summed by itself.
_MANY = 1500
_HUGE = 1e200

#: (sum of c_m over the orders made, c of the next order, stages until it, R + n, extra) -> what a number of stages counts.
Value = Callable[[Floats | float, Floats | float, Whole | int, Floats, Floats | float], Floats | float]


def expected_orders(R: Floats, z: Floats, k: int, j: int, a: Floats | float | None, b: Floats) -> Floats:
    """Expected orders of customers alive in stage j; `a` None: nobody leaves.

    >>> expected_orders(np.array([3.0]), np.array([0.25]), 1, 0, None, np.zeros(1)).round(9).tolist()
    [1.0]
    """
    if k == 1 and a is None:
        return np.asarray(R * z / (1 - z))
    return _mean(R, z, k, j, a, b, np.zeros(len(R)), lambda made, chance, left, Rn, extra: made)


def p_order_after_gap(
    R: Floats, end: Floats, gap: float, h: float, k: int, j: int, a: Floats | float | None, b: Floats
) -> Floats:  # fmt: skip
    """P(an order in (gap, gap + h]) of customers alive in stage j: still there after the gap, and then not silent."""
    ahead = h / (end + gap + h)
    return _mean(
        R, gap / (end + gap), k, j, a, b, ahead,
        lambda made, chance, left, Rn, ahead: chance * (1.0 - _fewer(left, Rn, ahead)),
    )  # fmt: skip


def _mean(
    R: Floats, z: Floats, k: int, j: int, a: Floats | float | None, b: Floats, extra: Floats, value: Value
) -> Floats:  # fmt: skip
    """The mean of `value` over the number of stages passed, row by row."""
    found = np.empty(len(R))
    needed = R * z / (1 - z) + 8 * np.sqrt(R * z) / (1 - z) - 30 / np.log(np.clip(z, 1e-12, 1 - 1e-12))
    for row in np.flatnonzero(needed > _MANY):
        leaving = float(a[row]) if isinstance(a, np.ndarray) else a
        found[row] = _one(float(R[row]), float(z[row]), k, j, leaving, float(b[row]), float(extra[row]), value)
    few = np.flatnonzero(needed <= _MANY)
    few = few[np.argsort(needed[few].astype(np.uint16), kind="stable")]  # rows that need as many terms, together
    for start in range(0, len(few), CHUNK // 2):
        at = few[start : start + CHUNK // 2]
        leaving_at = a[at] if isinstance(a, np.ndarray) else a
        found[at] = _together(R[at], z[at], k, j, leaving_at, b[at], extra[at], value)
    return found


def _together(
    R: Floats, z: Floats, k: int, j: int, a: Floats | float | None, b: Floats, extra: Floats, value: Value
) -> Floats:  # fmt: skip
    total, kept = np.zeros(len(R)), np.zeros(len(R))
    for (n, term, shift), (made, chance, left) in zip(_terms(R, z), _stay(k, j, a, b), strict=False):
        if shift is not kept:  # the terms were scaled anew: so must be their sum
            total, kept = total * np.exp(kept - shift) if n else total, shift
        counted = term * value(made, chance, left, R + n, extra)
        total = total + counted
        ratio = z * (R + n) / (n + 1)  # from here on the terms fall faster than this
        if n >= k and n % 4 == 0 and bool(((ratio < 1) & (counted <= _PRECISION * total * (1 - ratio))).all()):
            break
    return np.asarray(total * np.exp(kept))


def _terms(R: Floats, z: Floats) -> Iterator[tuple[int, Floats, Floats]]:
    """(n, P(n more stages) times exp(-shift), shift): shifted where P(0) alone would underflow."""
    log_none = R * np.log1p(-z)
    term = np.exp(np.maximum(log_none, -600.0))
    shift = np.minimum(log_none + 600.0, 0.0)
    heavy = bool((shift < 0).any())
    for n in range(8 * _MANY):
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


def _one(R: float, z: float, k: int, j: int, a: float | None, b: float, extra: float, value: Value) -> float:
    """The same of one customer, over all numbers of stages that matter at once."""
    from scipy.special import gammaln

    middle, spread, fall = R * z / (1 - z), np.sqrt(R * z) / (1 - z), -np.log(z)
    n = np.arange(max(0, int(middle - 12 * spread)), int(middle + 12 * spread + 40 / fall) + 2, dtype=np.float64)
    weight = np.exp(gammaln(R + n) - gammaln(R) - gammaln(n + 1) + n * np.log(z) + R * np.log1p(-z))
    passed = n.astype(np.int64) + j
    orders = passed // k
    m = np.arange(int(orders[-1]), dtype=np.float64)
    chance = np.ones(len(m) + 1)
    if a is not None:
        chance[1:] = np.exp(np.cumsum(-np.log1p(a / (b + m))))
    made = np.r_[0.0, np.cumsum(chance[:-1])]
    counted = value(made[orders], chance[orders], k - passed % k, R + n, extra)
    return float(weight @ np.asarray(counted))


def _fewer(stages: Whole | int, R: Floats, z: Floats | float) -> Floats:
    """P(fewer than `stages` stages ahead)."""
    if isinstance(stages, np.ndarray):
        from scipy.special import betainc

        return np.asarray(betainc(R, stages, 1.0 - z))
    term = np.exp(R * np.log1p(-z))
    total = term.copy()
    for i in range(1, stages):
        term = term * ((R + i - 1) * z / i)
        total += term
    return np.asarray(total)
