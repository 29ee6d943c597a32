"""Customers drawn from a model, and the orders they place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.models.btyd.rows import Floats, Whole


@dataclass(frozen=True)
class People:
    """One drawn customer for each row, from now on.

    rate: of stages, of which k make an order; stage: how many have passed; leaves: chance to leave after each order;
    gone_at: when they leave whatever they order (0: already gone). With `ticks` time passes in opportunities: rate is
    the chance to order at each, while alive.
    """

    rate: Floats
    k: int
    stage: NDArray[np.int64]
    leaves: Floats
    gone_at: Floats
    ticks: bool = False

    def orders(self, length: Floats | float, random: np.random.Generator) -> tuple[Whole, Floats]:
        """(customer, time from now) of every order within `length`, sorted by customer and time."""
        end = np.minimum(np.broadcast_to(np.asarray(length, np.float64), self.rate.shape), self.gone_at)
        found = self._ticked(end, random) if self.ticks else self._timed(end, random)
        who = np.concatenate([one[0] for one in found]) if found else np.zeros(0, np.int64)
        when = np.concatenate([one[1] for one in found]) if found else np.zeros(0)
        order = np.lexsort((when, who))
        return who[order], when[order]

    def _timed(self, end: Floats, random: np.random.Generator) -> list[tuple[Whole, Floats]]:
        """Everybody's next order at once, then the next of those who are still there."""
        who = np.flatnonzero(end > 0)
        now = np.zeros(len(who))
        needed = (self.k - self.stage)[who].astype(np.float64)
        found: list[tuple[Whole, Floats]] = []
        while len(who):
            now = now + random.gamma(needed, 1.0 / np.maximum(self.rate[who], 1e-300))
            inside = now <= end[who]
            who, now = who[inside], now[inside]
            found.append((who, now))
            stays = random.random(len(who)) >= self.leaves[who]
            who, now = who[stays], now[stays]
            needed = np.full(len(who), float(self.k))
        return found

    def _ticked(self, end: Floats, random: np.random.Generator) -> list[tuple[Whole, Floats]]:
        found: list[tuple[Whole, Floats]] = []
        for tick in range(1, int(end.max(initial=0.0)) + 1):
            who = np.flatnonzero(end >= tick)
            who = who[random.random(len(who)) < self.rate[who]]
            found.append((who, np.full(len(who), float(tick))))
        return found
