"""What is judged at one time: a history, what came after it, and what may be shown; cut by date or by place.

A date cuts everybody at once (`snapshot.interactions` and `snapshot.item_outcomes` at a cutoff): nothing later is known,
which is how a shop lives. Published tables often cut each customer by place instead: the last item (`leave_one_out`) or the
last basket (`last_basket`) is hidden, while others' histories may lie after it. Such figures are for comparison alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.interactions import PURCHASE, Interactions, ItemOutcomes

Ints = NDArray[np.int64]
#: The outcome of a place has no length of its own; a horizon is asked for all the same.
_ONE = Horizon.parse("1d")


@dataclass(frozen=True, eq=False)
class ListWindow:
    """A history, what its customers took after it, and which of `past.items` may be shown (None: all)."""

    past: Interactions
    later: ItemOutcomes
    on_sale: NDArray[np.bool_] | None = None


def leave_one_out(past: Interactions, back: int = 1) -> ListWindow:
    """Each customer's last purchase is the target (`back` = 2: the one before it); what came with or after it is unknown.

    Whoever has fewer than two purchases left keeps them and has no target.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> found = leave_one_out(tiny_interactions({"ann": [(9, "cup"), (2, "tea")]}, Cutoff.parse("2024-01-10")))
    >>> found.past.item.tolist(), found.later.to_arrow()["item_id"].to_pylist()
    ([0], ['tea'])
    """
    return _hidden(past, back, whole_baskets=False)


def last_basket(past: Interactions, back: int = 1) -> ListWindow:
    """The same with each customer's last basket; purchases in no basket are one basket where they share an instant."""
    return _hidden(past, back, whole_baskets=True)


def _hidden(past: Interactions, back: int, *, whole_baskets: bool) -> ListWindow:
    if back < 1:
        raise UsageError(f"back = {back}", remedy="1 hides the last, 2 the one before it")
    hidden = np.zeros(past.size, bool)
    for _ in range(back):
        kept, hidden = _cut(past, whole_baskets)
        before, past = past, past.keeping(kept)
    return ListWindow(past, _outcomes(before, hidden))


def _cut(past: Interactions, whole_baskets: bool) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows stay known, and which are the last purchase (or basket) of a customer who has an earlier one."""
    row, bought = np.arange(past.size), past.event_type == PURCHASE
    token = np.where(past.basket >= 0, past.basket, -1 - past.occurred_at) if whole_baskets else row
    last = np.full(len(past), -1)
    np.maximum.at(last, past.customer[bought], row[bought])
    own = last[past.customer] if past.size else row
    target = bought & (own >= 0) & (token == token[own])
    first = np.full(len(past), past.size)
    np.minimum.at(first, past.customer[target], row[target])
    earlier = np.zeros(len(past), bool)
    earlier[past.customer[bought & ~target & (row < first[past.customer])]] = True
    cut = earlier[past.customer]
    return ~cut | (row < first[past.customer]), target & cut


def _outcomes(past: Interactions, hidden: NDArray[np.bool_]) -> ItemOutcomes:
    width = max(len(past.items), 1)
    cell, place = np.unique(past.customer[hidden].astype(np.int64) * width + past.item[hidden], return_inverse=True)
    paid = np.zeros(len(cell), np.int64)
    np.add.at(paid, place, np.maximum(past.amount[hidden], 0))
    offsets = np.searchsorted(cell // width, np.arange(len(past) + 1)).astype(np.int64)
    item = (cell % width).astype(np.int32)
    return ItemOutcomes(past.customer_id, past.cutoff, _ONE, past.items.item_id, offsets, item, paid)
