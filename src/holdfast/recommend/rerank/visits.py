"""Purchases as visits: one row per customer, visit and item, however many lines the order had."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS
from holdfast.core.interactions import Interactions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Visits:
    """Rows ordered by customer, item and time. A visit is an order, or a day where orders have no number.

    `visit` numbers visits of all customers by customer and time; `turn` is 0 for a customer's newest visit.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9, "tea"), (2, "tea"), (2, "cup")]}, Cutoff.parse("2024-01-10"))
    >>> seen = Visits.of(past)
    >>> seen.visits, seen.item.tolist(), seen.turn.tolist(), seen.gap_days.tolist()
    (2, [0, 1, 1], [0, 1, 0], [nan, nan, 7.0])
    """

    customers: int
    width: int
    visits: int
    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    visit: Ints
    turn: Ints
    age_days: Floats
    quantity: Floats
    price: Floats

    @classmethod
    def of(cls, past: Interactions) -> Visits:
        past = past.of_type("purchase")
        named = np.where(past.basket >= 0, past.basket, -2 - past.occurred_at // DAY_MICROS)
        _, visit = _numbered(past.customer, named, past.occurred_at)
        order = np.lexsort((visit, past.item, past.customer))
        key = [one[order] for one in (past.customer, past.item, visit)]
        new = np.ones(len(order), bool)
        if len(order):
            new[1:] = np.any([np.diff(one) != 0 for one in key], axis=0)
        start = np.flatnonzero(new)
        units = _sums(past.quantity[order].astype(np.float64), start)
        paid = _sums(np.where(past.amount[order] >= 0, past.amount[order], np.nan).astype(np.float64), start)
        kept = order[start]
        last = np.zeros(len(past), np.int64)
        np.maximum.at(last, past.customer, visit)
        return cls(
            len(past), len(past.items), int(visit.max()) + 1 if len(visit) else 0, past.customer[kept], past.item[kept],
            visit[kept], last[past.customer[kept]] - visit[kept], past.age_days[kept], units, paid / np.maximum(units, 1e-9),
        )  # fmt: skip

    @cached_property
    def first_time(self) -> NDArray[np.bool_]:
        """Whether the customer had never bought the item before."""
        found = np.ones(len(self.item), bool)
        if len(found):
            found[1:] = (np.diff(self.customer) != 0) | (np.diff(self.item) != 0)
        return found

    @cached_property
    def gap_days(self) -> Floats:
        """Days since the customer's last purchase of the item; NaN for the first."""
        found = np.full(len(self.item), np.nan)
        found[1:] = self.age_days[:-1] - self.age_days[1:]
        found[self.first_time] = np.nan
        return found

    def again_within(self, days: float) -> NDArray[np.bool_]:
        """Which first purchases were followed by another of the same item within so many days."""
        found = np.zeros(len(self.item), bool)
        found[:-1] = self.first_time[:-1] & ~self.first_time[1:] & (self.gap_days[1:] <= days)
        return found & (self.age_days > days)


def _numbered(customer: NDArray[np.int32], name: Ints, at: Ints) -> tuple[int, Ints]:
    """A number for each (customer, name), rising by customer and first instant."""
    order = np.lexsort((at, name, customer))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(customer[order]) != 0) | (np.diff(name[order]) != 0)
    group = np.cumsum(new) - 1
    start = order[new]
    by_time = np.lexsort((name[start], at[start], customer[start]))
    rank = np.empty(len(by_time), np.int64)
    rank[by_time] = np.arange(len(by_time))
    found = np.empty(len(order), np.int64)
    found[order] = rank[group]
    return len(start), found


def _sums(values: Floats, start: Ints) -> Any:
    return np.add.reduceat(values, start) if len(start) else np.zeros(0)
