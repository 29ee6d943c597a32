"""Purchases as times: an item bought twice in one basket was bought once, and baskets are counted back from the newest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Purchases:
    """One row for each customer, item and basket, ordered so, oldest basket first.

    `days` is the age at the cutoff in days; `turn` how many baskets of the customer are newer (0: the newest); `starts`
    marks the first purchase of each (customer, item); `baskets` is how many baskets each customer has.
    """

    customer: Ints
    item: Ints
    days: Floats
    turn: Ints
    starts: NDArray[np.bool_]
    baskets: Ints

    @property
    def pair(self) -> Ints:
        """The number of the (customer, item) of each row, from 0."""
        return np.cumsum(self.starts) - 1

    @property
    def pairs(self) -> tuple[Ints, Ints]:
        """(customer, item) of each pair."""
        return self.customer[self.starts], self.item[self.starts]


def purchases(past: Interactions, rows: Ints | None = None) -> Purchases:
    """What these customers bought; `customer` is the place in `rows` (all customers by default).

    A basket is an order where the shop numbers orders, otherwise all purchases of one instant.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9, "tea"), (9, "tea"), (2, "tea"), (9, "cup")]}, Cutoff.parse("2024-01-10"))
    >>> found = purchases(past)
    >>> found.item.tolist(), found.days.tolist(), found.turn.tolist()
    ([0, 1, 1], [9.0, 9.0, 2.0], [1, 1, 0])
    """
    past = (past if rows is None else past.take(rows)).of_type("purchase")
    customer, item = past.customer.astype(np.int64), past.item.astype(np.int64)
    number, count = _baskets(past)
    order = np.lexsort((number, item, customer))
    customer, item, number = customer[order], item[order], number[order]
    same = np.zeros(len(order), bool)
    same[1:] = (np.diff(customer) == 0) & (np.diff(item) == 0)
    again = same.copy()
    again[1:] &= np.diff(number) == 0
    kept = ~again
    turn = count[customer] - 1 - number
    return Purchases(customer[kept], item[kept], past.age_days[order][kept], turn[kept], ~same[kept], count)


def _baskets(past: Interactions) -> tuple[Ints, Ints]:
    """The number of the basket of each row within its customer, oldest 0, and how many each customer has."""
    n = past.size
    if not n:
        return np.zeros(0, np.int64), np.zeros(len(past), np.int64)
    # an order is told by its number where there is one; rows without are told by their instant
    order = np.lexsort((past.basket, past.occurred_at, past.customer))
    customer, at, basket = past.customer[order], past.occurred_at[order], past.basket[order]
    first = np.ones(n, bool)
    first[1:] = (np.diff(customer) != 0) | (np.diff(basket) != 0) | ((np.diff(at) != 0) & (basket[1:] < 0))
    through = np.cumsum(first)
    start = np.searchsorted(customer, np.arange(len(past)))
    before = through[np.minimum(start, n - 1)] - 1
    number = np.empty(n, np.int64)
    number[order] = through - 1 - before[customer]
    return number, np.bincount(customer[first], minlength=len(past)).astype(np.int64)


def days_apart(bought: Purchases) -> tuple[Floats, Ints]:
    """Days between a purchase and the one before of the same customer and item, and the row of the later purchase."""
    later = np.flatnonzero(~bought.starts)
    return bought.days[later - 1] - bought.days[later], later


def days_of(past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Floats]:
    """For each (customer, item) how many days ago it was bought, oldest first; empty where never."""
    rows, place = np.unique(np.asarray(customer, np.int64), return_inverse=True)
    bought = purchases(past, rows)
    width = max(len(past.items), 1)
    key = bought.customer * width + bought.item
    asked = place.reshape(-1) * width + np.asarray(item, np.int64)
    low, high = np.searchsorted(key, asked), np.searchsorted(key, asked, side="right")
    return [bought.days[start:end] for start, end in zip(low, high, strict=True)]
