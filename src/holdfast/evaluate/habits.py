"""How far single customers lie from what is said of customers like them: the doubt that belongs to a person.

Two customers with the same features have habits of their own, and a model gives both the same probability. One outcome
cannot show the difference, several can: given what was known at a cutoff, somebody whose true risk is higher than said
churns more often than said in the next period and in a later one as well. So the product of the two surprises,

    (happened - said in the next horizon) x (happened - said in a later horizon, said from the same cutoff),

has the variance of customers' own probabilities as its mean. It is told in log-odds: the standard deviation of a normal
spread of log-odds whose mean probability is what was said, and whose variance is what was seen. Periods that touch are
passed over where others are at hand, since an order in one makes an order in the next less likely for a while.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.evaluate.forward import Forward
from holdfast.metrics.probability import bin_of
from holdfast.models.columns import ROLES
from holdfast.models.intervals import BEND, Habit
from holdfast.models.logit import fit_logit, logit, sigmoid

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats, Floats]  # what was said (log-odds), product of surprises, and its unit
#: What two real and planted shops showed, in log-odds: said where a history is too short to tell.
UNTOLD: Habit = ((0.0, 0.8),)
_PARTS = 5
#: Fewer customers seen in two periods tell nothing.
_LEAST_ROWS = 300
#: Later periods looked at, in horizons after the cutoff.
_LATER = (2, 3, 1)


def habits(forward: Forward, model: str, by: Cutoff) -> Habit:
    """Standard deviations of customers' own risk around what the model said, in log-odds, as known at `by`.

    One for each fifth of the risk, at its mean log-odds. One standard error is taken off each variance: what chance
    alone could show is no habit.
    """
    for later in _LATER:
        found = list(_pairs(forward, model, by, later))
        if sum(len(said) for said, _, _ in found) >= _LEAST_ROWS:
            said, product, unit = (np.concatenate(parts) for parts in zip(*found, strict=True))
            return tuple(_spread(said[at], product[at], unit[at]) for at in _fifths(said))
    return UNTOLD


def _fifths(said: Floats) -> list[NDArray[np.int64]]:
    """Rows by fifths of the risk; equal scores stay together, and without enough rows there is one part."""
    part = bin_of(said, _PARTS if len(said) >= _PARTS * _LEAST_ROWS else 1)
    return [np.flatnonzero(part == one) for one in range(int(part.max()) + 1)]


def _spread(said: Floats, product: Floats, unit: Floats) -> tuple[float, float]:
    """Mean log-odds of a group and the spread of its customers' own, by their variance over p(1-p) p'(1-p')."""
    variance = float(product.sum() / unit.sum())
    error = float(np.sqrt(((product - variance * unit) ** 2).sum()) / unit.sum())
    middle = float(said.mean())
    return middle, in_log_odds(max(0.0, variance - error), middle)


def in_log_odds(variance: float, said: float) -> float:
    """The standard deviation of log-odds behind a variance of probabilities, in units of (p (1 - p))^2 at the mean p.

    >>> round(in_log_odds(0.0, 0.0), 2), round(in_log_odds(0.694, 0.0), 2)
    (0.0, 1.0)
    """
    spreads = np.linspace(0.0, 4.0, 81)
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    weights = weights / weights.sum()
    p = sigmoid((said * np.sqrt(1 + BEND * spreads**2))[:, None] + spreads[:, None] * nodes)
    mean = p @ weights
    seen = (p**2 @ weights - mean**2) / (mean * (1 - mean)) ** 2
    return float(np.interp(variance, np.maximum.accumulate(seen), spreads))


def _pairs(forward: Forward, model: str, by: Cutoff, later: int) -> Iterator[Pair]:
    """For each judged cutoff the customers whose outcome is known there and in a period `later` horizons on."""
    slices, (gap, horizon) = forward.slices, forward.closes_after
    whole = slices.features.key
    for cutoff in forward.closed(model, by):
        start = cutoff.micros + later * horizon.micros
        near = [one for one in slices.cutoffs if abs(one.micros - start) <= horizon.micros // 10]
        near = [one for one in near if one.plus(gap, horizon) <= by]
        if not near:
            continue
        then = min(near, key=lambda one: abs(one.micros - start))
        first, second = (np.flatnonzero(whole.at([one])) for one in (cutoff, then))
        here, there = _same(forward, first, second, (then.micros - cutoff.micros) / 86_400e6)
        if len(here) >= 50:
            said = logit(forward.raw[model][cutoff])[here]
            churned = slices.outcomes.churned
            yield _surprises(said, churned[first[here]], churned[second[there]])


def _same(
    forward: Forward, first: NDArray[np.int64], second: NDArray[np.int64], apart: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the same customers in two slices: of those only who would be in the second whatever they did.

    The population forgets who has been silent too long. Whoever could fall out of it by churning would be missing
    exactly for having churned, so only customers silent for short enough at the first cutoff are compared.
    """
    slices = forward.slices
    ids = slices.features.key.customer_id
    place = {one: i for i, one in enumerate(ids.take(second).to_pylist())}
    found = np.array([place.get(one, -1) for one in ids.take(first).to_pylist()], np.int64)
    keeps = found >= 0
    names = [name for name in ROLES["silence"] if name in slices.features.names]
    if names:
        silence = slices.features.column(names[0]).astype(np.float64)
        keeps &= silence[first] <= np.nanmax(silence, initial=0.0) - apart
    return np.flatnonzero(keeps), found[keeps]


def _surprises(said: Floats, next_time: NDArray[np.bool_], later: NDArray[np.bool_]) -> Pair:
    """Both periods judged by the best that can be said from the same log-odds, bends included."""
    rows = np.column_stack([said, said**2])
    p, q = (_best(rows, happened) for happened in (next_time, later))
    return said, (next_time - p) * (later - q), p * (1 - p) * q * (1 - q)


def _best(rows: Floats, happened: NDArray[np.bool_]) -> Floats:
    line = fit_logit(rows, happened, l2=1e-3)
    return sigmoid(line[0] + rows @ line[1:])
