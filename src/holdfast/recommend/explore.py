"""Exploration slots by Thompson sampling, with the chance of each draw written down; and what an entry is worth.

A shop that only shows what it already knows learns nothing. Some places of each list are drawn from the rest of it, each
item by a draw from the posterior of its click rate (Thompson 1933; Chapelle & Li 2011). The propensity of an entry is
counted over many draws of the same rule, so that later clicks can be weighed by its inverse.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import Recommendations
from holdfast.core.schema import EVENT_TYPES
from holdfast.recommend.diversity import arranged

Floats = NDArray[np.float64]
Objective = Literal["margin", "relevance"]


@dataclass(frozen=True, eq=False)
class Posterior:
    """Beta posterior of each item's rate: `wins` and `losses` with the prior added, in the order of `item_id`."""

    item_id: pa.Array
    wins: Floats
    losses: Floats

    @classmethod
    def of(cls, past: Interactions, *, prior: tuple[float, float] = (1.0, 19.0), win: str = "click") -> Posterior:
        """From exposures and the clicks (or purchases) that customers made on what they had been shown.

        An item's exposure counts once for each customer, and is a win if that customer then acted on it.
        """
        n = max(len(past.items), 1)
        key = past.customer.astype(np.int64) * n + past.item
        shown = past.event_type == EVENT_TYPES.index("exposure")
        pairs, first = np.unique(key[shown]), _firsts(key[shown], past.occurred_at[shown])
        acted = past.event_type == EVENT_TYPES.index(win)
        at = np.searchsorted(pairs, key[acted])
        known = np.append(pairs, -1)[at] == key[acted]
        later = np.zeros(len(pairs), bool)
        place = at[known]
        later[place[past.occurred_at[acted][known] >= first[place]]] = True
        wins = np.bincount(pairs[later] % n, minlength=len(past.items)).astype(np.float64)
        tries = np.bincount(pairs % n, minlength=len(past.items)).astype(np.float64)
        return cls(past.items.item_id, wins + prior[0], tries - wins + prior[1])

    def at(self, item_id: pa.Array) -> tuple[Floats, Floats]:
        """Wins and losses of these items; an item that is not known has the least that any has."""
        place = Items.named(self.item_id).positions(item_id)
        least = (self.wins.min(initial=1.0), self.losses.min(initial=19.0))
        return np.append(self.wins, least[0])[place], np.append(self.losses, least[1])[place]


@dataclass(frozen=True)
class Explore:
    """The last `slots` of `count` places are drawn from the `pool` entries that follow the sure ones.

    Entries above keep propensity 1. `draws` other draws of the same rule count the chance of each entry; an entry that
    was drawn has at least 1/(draws + 1).
    """

    slots: int = 1
    pool: int = 20
    draws: int = 400
    seed: int = 1

    def explored(self, lists: Recommendations, posterior: Posterior, count: int = 10) -> Recommendations:
        """Lists of `count` entries, drawn ones last; a customer's draw depends on the seed and its own name alone."""
        if not 0 <= self.slots <= count:
            raise UsageError(f"{self.slots} slots in a list of {count}", remedy="use as many slots as entries at most")
        wins, losses = posterior.at(lists.item_id)
        picked, chances = [], []
        bounds = zip(lists.offsets[:-1].tolist(), lists.offsets[1:].tolist(), strict=True)
        for name, (start, end) in zip(lists.customer_id.to_pylist(), bounds, strict=True):
            sure = np.arange(start, min(start + count - self.slots, end))
            rest = np.arange(start + len(sure), min(start + len(sure) + self.pool, end))
            drawn, chance = self._drawn(name, wins[lists.item[rest]], losses[lists.item[rest]])
            picked.append(np.concatenate([sure, rest[drawn]]))
            chances.append(np.concatenate([np.ones(len(sure)), chance]))
        return replace(arranged(lists, picked), propensity=np.concatenate([*chances, np.zeros(0)]))

    def _drawn(self, name: str, wins: Floats, losses: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Places drawn, and how often each is among those drawn."""
        slots = min(self.slots, len(wins))
        if not slots:
            return np.zeros(0, np.int64), np.zeros(0)
        own = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        random = np.random.default_rng([self.seed, own])
        rates = random.beta(wins, losses, size=(self.draws + 1, len(wins)))
        best = np.argsort(-rates, axis=1, kind="stable")[:, :slots]
        often = np.bincount(best.ravel(), minlength=len(wins)) / (self.draws + 1)
        return best[0].astype(np.int64), often[best[0]]


@dataclass(frozen=True)
class MeasuredKeeping:
    """What showing an item of a lane does to churn, as randomised slots measured it: fewer churners per showing.

    `low` and `high` bound the interval; an effect whose interval holds 0 is not used.
    """

    lane: str
    effect: float
    low: float
    high: float
    value: float

    @property
    def worth(self) -> float:
        """Money of one showing: measured effect times the value of a kept customer, 0 where not shown to differ from 0."""
        return self.effect * self.value if self.low > 0 or self.high < 0 else 0.0


def worth(
    lists: Recommendations, items: Items, *, objective: Objective = "margin", keeping: tuple[MeasuredKeeping, ...] = ()
) -> Recommendations:
    """Lists ordered by relevance x margin, or by relevance alone; `items` holds price and margin rate.

    Relevance is a chance that falls with the place, 1/(1 + place). An item's margin is its price x margin rate; where
    either is not known, the mean of the shop. Effects on churn enter only as `keeping`, in money per showing.

    >>> from holdfast.core.clock import Cutoff
    >>> lists = Recommendations.listed(["ann"], ["a", "b"], [[0, 1]], Cutoff.parse("2024-01-10"), "explore", "x")
    >>> items = Items.named(["a", "b"], price=[10_000, 50_000], margin_rate=[0.2, 0.2])
    >>> worth(lists, items).item.tolist(), worth(lists, items, objective="relevance").item.tolist()
    ([1, 0], [0, 1])
    """
    if objective not in ("margin", "relevance"):
        raise UsageError(f"objective {objective!r}", remedy="one of: margin, relevance")
    if objective == "relevance":
        return lists
    money = margins(items)
    mean = float(money[np.isfinite(money)].mean()) if np.isfinite(money).any() else 1.0
    each = np.append(np.where(np.isfinite(money), money, mean), mean)[items.positions(lists.item_id)]
    kept = {one.lane: one.worth for one in keeping}
    more = np.array([kept.get(one, 0.0) for one in lists.lane.to_pylist()])
    value = each[lists.item] / (1.0 + lists.rank) + more
    row = np.repeat(np.arange(len(lists)), lists.counts)
    order = np.lexsort((lists.rank, -value, row))
    return arranged(lists, np.split(order, lists.offsets[1:-1]) if len(lists) else [])


def margins(items: Items) -> Floats:
    """Money of one piece, price x margin rate in currency units; NaN where not known."""
    known = (items.price >= 0) & np.isfinite(items.margin_rate)
    return np.where(known, items.price / 10_000 * np.where(known, items.margin_rate, 0.0), np.nan)


def _firsts(key: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first instant of each different key, keys rising."""
    order = np.lexsort((at, key))
    if not len(order):
        return np.zeros(0, np.int64)
    new = np.concatenate([[True], np.diff(key[order]) != 0])
    return np.asarray(at[order][new], np.int64)
