"""When something already bought may be shown again: learnt from how soon customers come back for it.

A kettle is bought once, tea every month. For each category (or item with enough buyers) the share of buyers who bought it
again and the time they took say which it is. A durable stays away for the period in which hardly anybody comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.text import Text
from holdfast.recommend.rules.rule import touched

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class LearnBought:
    """Bought again by fewer than `durable_below` of its buyers makes a durable: away until a tenth of repeats have come.

    A durable that nobody ever bought twice stays away for `never_days`. Groups with fewer than `buyers` buyers take the
    shop's own share. `shrink` is how many buyers the shop's share weighs.
    """

    durable_below: float = 0.05
    never_days: float = 730.0
    buyers: int = 20
    shrink: float = 5.0

    def learn(self, past: Interactions) -> Bought:
        """From the purchases before the cutoff; only those old enough to have been repeated count as not repeated."""
        n = len(past.items)
        group = _groups(past, self.buyers)
        first, gaps, of = _gaps(past, group)
        everybody = float(len(gaps)) / max(first.sum(), 1.0)
        repeats = np.bincount(of, minlength=len(first)).astype(np.float64)
        share = (repeats + self.shrink * everybody) / (first + self.shrink)
        soon = np.array(
            [np.quantile(gaps[of == one], 0.1) if repeats[one] else self.never_days for one in range(len(first))]
        )
        rest = np.where(share < self.durable_below, np.maximum(soon, 30.0), 0.0)
        return Bought(past.items.item_id.to_pylist(), rest[group] if n else np.zeros(0))


@dataclass(frozen=True, eq=False)
class Bought:
    """`rest_days` of each item: so long after its purchase it is not shown to the customer; 0 for consumables."""

    item_id: list[str] = field(repr=False)
    rest_days: Floats
    why: ClassVar[Text] = Text("bought already, and not yet due again", "已购买，尚未到再次购买的时间")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        known = dict(zip(self.item_id, self.rest_days, strict=True))
        rest = np.array([known.get(one, 0.0) for one in past.items.item_id.to_pylist()], np.float64)
        bought = past.of_type("purchase")
        if not bought.size:
            return np.zeros((len(rows), len(past.items)), bool)
        return touched(bought.keeping(bought.age_days <= rest[bought.item]), rows)


def _groups(past: Interactions, least: int) -> Ints:
    """A group for each item: itself where enough customers bought it, else its category, else the rest of the shop."""
    n = len(past.items)
    bought = past.of_type("purchase")
    pairs = np.unique(bought.customer.astype(np.int64) * max(n, 1) + bought.item)
    many = np.bincount(pairs % max(n, 1), minlength=n) >= least
    category = np.asarray(past.items.category.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False))
    named = np.where(many, 1 + np.arange(n), np.where(category >= 0, 1 + n + category, 0))
    return np.asarray(np.unique(named, return_inverse=True)[1], np.int64)


def _gaps(past: Interactions, group: Ints) -> tuple[Floats, Floats, Ints]:
    """Buyers of each group, the days to each buyer's first repeat of the same item, and the group of that repeat."""
    count = int(group.max()) + 1 if len(group) else 0
    bought = past.of_type("purchase")
    day = bought.occurred_at // 86_400_000_000
    order = np.lexsort((day, bought.item, bought.customer))
    who, item, day = bought.customer[order], bought.item[order], day[order]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(who) != 0) | (np.diff(item) != 0)
    pair = np.cumsum(new) - 1
    since = day - day[new][pair] if len(order) else day
    later = since > 0
    _, at = np.unique(pair[later], return_index=True)
    gaps, of = since[later][at].astype(np.float64), group[item[later][at]]
    return np.bincount(group[item[new]], minlength=count).astype(np.float64), gaps, of
