"""Where and when a customer shops: channel, hour, weekday; with the share, or that it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: Occasions of fewer customers than this in different hours: the data has dates, but no times.
_ONE_HOUR = 0.99
_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Preferred:
    """One choice a customer: its place among the choices (-1: cannot be told), its share, how many occasions there were."""

    choice: Whole
    share: Floats
    occasions: Floats


def preferred(counts: Floats, *, around: int = 0, least: int = 5, wheel: bool = False) -> Preferred:
    """The most frequent choice, where it is surely more than chance.

    `counts` is customers x choices. `around` = 1 counts the neighbours of a choice with it (hours: three of them), on a
    `wheel` where the last is the neighbour of the first. A choice is told from `least` occasions on if even spreading
    would put so many into some choice in less than 5% of cases (binomial, Bonferroni over the choices). With one choice in
    all there is nothing to prefer, and it is named where there are enough occasions.

    >>> found = preferred(np.array([[9.0, 1, 0], [1, 1, 1], [0, 0, 0]]))
    >>> found.choice.tolist(), found.share.round(2).tolist()
    ([0, -1, -1], [0.9, 0.33, nan])
    """
    many, width = counts.shape[1] if counts.ndim == 2 else 0, 1 + 2 * around
    total = counts.sum(axis=1)
    if not many:
        nothing = np.full(len(counts), np.nan)
        return Preferred(np.full(len(counts), -1), nothing, np.zeros(len(counts)))
    near = _summed(counts, around, wheel)
    # among equal sums the choice with most of its own, then the first
    best = (near + counts * 1e-6).argmax(axis=1)
    most = near[np.arange(len(near)), best]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = most / total
    told = (total >= least) & ((many == 1) | (_by_chance(most, total, width / many) < _LEVEL / many))
    return Preferred(np.where(told, best, -1), share, total)


def has_times(by_hour: Floats) -> bool:
    """Whether the history has times of day at all: a shop whose every act lies in one hour has dates only.

    >>> has_times(np.array([[9.0, 0.0]])), has_times(np.array([[5.0, 4.0]]))
    (False, True)
    """
    total = by_hour.sum(axis=0) if by_hour.size else np.zeros(1)
    return bool(total.sum() > 0 and total.max() / total.sum() < _ONE_HOUR)


def _summed(counts: Floats, around: int, wheel: bool) -> Floats:
    near = counts.copy()
    for step in range(1, around + 1):
        for shift in (step, -step):
            moved = np.roll(counts, shift, axis=1)
            if not wheel:
                moved[:, :shift] = 0 if shift > 0 else moved[:, :shift]
                if shift < 0:
                    moved[:, shift:] = 0
            near += moved
    return near


def _by_chance(most: Floats, total: Floats, chance: float) -> Floats:
    """P(so many or more of `total` occasions in one place, if each falls there with `chance`): exact binomial."""
    from scipy.stats import binom

    return np.asarray(binom.sf(most - 1, total, chance))
