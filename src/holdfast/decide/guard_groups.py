"""The groups by which a guarded policy may deviate from the best uniform arm.

A learner says for each customer its best arm and by how much that beats the uniform arm (the advantage). Customers with
an advantage above 0 are cut into bands of equal size, together or for each arm. How finely is decided where the groups
are fixed, by the gain that could be expected to stand the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Ways to cut: whether by arm, and into how many bands.
CUTS: tuple[tuple[bool, int], ...] = ((False, 1), (False, 2), (False, 4), (True, 1), (True, 2), (True, 4))
ANY = -1


@dataclass(frozen=True, slots=True)
class Group:
    """Customers whose best arm is `arm` (-1: any) and whose advantage lies in the band `low` to `high`, shares of those
    with an advantage: the band 0.75 to 1 is the quarter with the largest."""

    arm: int
    low: float
    high: float

    def holds(self, best: NDArray[np.int64], rank: Floats) -> NDArray[np.bool_]:
        """Who belongs to it; `rank` is NaN for who has no advantage."""
        mine = (rank >= self.low) & ((rank < self.high) | (self.high >= 1.0))
        return mine if self.arm == ANY else mine & (best == self.arm)


@dataclass(frozen=True, eq=False)
class Ladder:
    """Where an advantage stands among all advantages: sorted values of the customers it was learnt on, 101 of them."""

    steps: Floats

    @classmethod
    def of(cls, advantage: Floats) -> Ladder:
        positive = advantage[advantage > 0]
        return cls(np.quantile(positive, np.linspace(0, 1, 101)) if len(positive) else np.zeros(0))

    def rank(self, advantage: Floats) -> Floats:
        """Share of positive advantages below this one, 0 to 1; NaN where there is no advantage.

        >>> Ladder.of(np.array([-1.0, 1.0, 2.0, 3.0])).rank(np.array([0.0, 2.0, 9.0])).tolist()
        [nan, 0.5, 1.0]
        """
        if not len(self.steps):
            return np.full(len(advantage), np.nan)
        at = np.interp(advantage, self.steps, np.linspace(0, 1, len(self.steps)))
        return np.where(advantage > 0, at, np.nan)


def advantages(net: Floats, base: int) -> tuple[NDArray[np.int64], Floats]:
    """The best arm of each customer, and what it is said to bring over the arm `base`; `net`: customers x arms."""
    best = np.argmax(net, axis=1)
    return best, net[np.arange(len(net)), best] - net[:, base]


def cut(arms: int, base: int, by_arm: bool, bands: int) -> tuple[Group, ...]:
    """The groups of one way to cut."""
    edges = np.linspace(0, 1, bands + 1)
    others = [one for one in range(arms) if one != base] if by_arm else [ANY]
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return tuple(Group(one, low, high) for low, high in pairs for one in others)


def expected(total: Floats, z: Floats, alpha: float) -> float:
    """The gain that groups promise, each weighed by the chance that it will be confirmed among so many.

    >>> round(expected(np.array([10.0]), np.array([1.959964]), 0.025), 3)
    5.0
    """
    if not len(total):
        return 0.0
    needed = NormalDist().inv_cdf(1 - alpha / len(total))
    return float(sum(t * NormalDist().cdf(one - needed) for t, one in zip(total, z, strict=True)))
