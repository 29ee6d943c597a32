"""Lists against what customers then took: one value a customer, for every metric and slice.

Whoever has a target is judged; whoever took nothing is not. Slices cut the targets or the customers, not the lists:

- `repeat`: targets that the customer had bought before; `explore`: targets that they had not
- `cold_customer`: customers with at most one order before; `cold_item`: targets bought fewer than five times before
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, ItemOutcomes, Items
from holdfast.core.recommend import Recommendations
from holdfast.metrics.toplist_variety import (
    coverage,
    distance_by_category,
    distance_by_vector,
    exposure,
    gini,
    miscalibration,
    novelty,
)
from holdfast.metrics.toplists import Codes, Floats, Hits, Ideal, Ints, hits, known, padded

#: Depths at which lists are judged.
DEPTHS = (10, 20)
SLICES = ("all", "repeat", "explore", "cold_customer", "cold_item")
#: A customer is cold with at most so many orders, an item that was bought fewer times than this.
FEW_ORDERS, FEW_SALES = 1, 5


@dataclass(frozen=True, eq=False)
class Judged:
    """What lists were worth: `values[slice][metric]` holds one number a customer, NaN where the customer does not count.

    `whole` holds what belongs to all lists together: coverage, gini, and how long things took. `items` is the number of
    items that might have been shown.
    """

    model: str
    customer_id: pa.Array = field(repr=False)
    values: Mapping[str, Mapping[str, Floats]] = field(repr=False)
    whole: Mapping[str, float]
    items: int
    peak_mb: float | None = None

    def mean(self, metric: str, slice: str = "all") -> float:
        """The mean over the customers that count; NaN where none does."""
        if metric in self.whole:
            return self.whole[metric]
        values = self.of(metric, slice)
        real = np.isfinite(values)
        return float(values[real].mean()) if real.any() else float("nan")

    def of(self, metric: str, slice: str = "all") -> Floats:
        """One value a customer."""
        found = self.values.get(slice, {}).get(metric)
        if found is None:
            known = ", ".join(self.values.get(slice, {})) or ", ".join(self.values)
            raise UsageError(f"nothing judged as {metric!r} in {slice!r}", remedy=f"one of: {known}")
        return found

    def n(self, slice: str = "all") -> int:
        """How many customers a slice has."""
        first = next(iter(self.values[slice].values()))
        return int(np.isfinite(first).sum())

    def with_times(self, peak_mb: float | None = None, **seconds: float) -> Judged:
        """With how long things took."""
        return replace(self, whole={**self.whole, **seconds}, peak_mb=peak_mb)


def judge(
    lists: Recommendations, later: ItemOutcomes, past: Interactions, *, on_sale: NDArray[np.bool_] | None = None,
    seen: str = "allow", ideal: Ideal = "cut", targets: str = "all", depths: Sequence[int] = DEPTHS,
    model: str | None = None,
) -> Judged:  # fmt: skip
    """Judge the lists of some customers by what these took later.

    `past` is the history that the lists were made from, `on_sale` the items (of `past.items`) that might be shown.
    `seen="exclude"`: targets that the customer had touched before are no targets, as such lists cannot name them.
    `ideal`: whether a perfect list ends at k (`cut`) or not (`whole`). Targets that are not on sale, or not in the
    catalogue at all, count as missed; `targets="on_sale"` leaves them out, as some published tables do.

    >>> from holdfast.core.clock import Cutoff, Horizon
    >>> from holdfast.core.interactions import tiny_interactions
    >>> cutoff = Cutoff.parse("2024-01-10")
    >>> past = tiny_interactions({"ann": [(9, "cup"), (2, "tea")]}, cutoff)
    >>> later = ItemOutcomes(past.customer_id, cutoff, Horizon.parse("30d"), past.items.item_id, np.array([0, 1]),
    ...                      np.array([0], np.int32), np.array([0]))
    >>> lists = Recommendations.listed(["ann"], ["cup", "tea"], [[1, 0]], cutoff, "again", "by_hand")
    >>> found = judge(lists, later, past)
    >>> found.mean("recall_at_10"), found.mean("mrr"), found.n("explore")
    (1.0, 0.5, 0)
    """
    if seen not in ("allow", "exclude"):
        raise UsageError(f"seen = {seen!r}", remedy="one of: allow, exclude")
    if targets not in ("all", "on_sale"):
        raise UsageError(f"targets = {targets!r}", remedy="one of: all, on_sale")
    items, told = past.items, lists.item_id
    on = np.ones(len(items), bool) if on_sale is None else on_sale
    shown = padded(lists.offsets, lists.item, max(depths)) if max(depths) else np.zeros((len(lists), 0), np.int32)
    if not told.equals(items.item_id):
        shown = np.append(items.positions(told), np.int32(-1))[shown]
    asked = _Asked.of(lists.customer_id, later, past)
    if seen == "exclude":
        asked = asked.keeping(~asked.known)
    right = hits(shown, asked.offsets, asked.item, len(items))
    if targets == "on_sale":
        asked = asked.keeping(np.append(on, False)[asked.item])
    values = _slices(shown, right, asked, tuple(depths), ideal)
    people = np.diff(asked.offsets) > 0
    few = shown[people][:, : depths[0]]
    values["all"] |= _variety(few, asked.past, people, items)
    count = exposure(few, len(items))
    return Judged(
        model=model or (lists.source[0].as_py() if len(lists.source) else "none"),
        customer_id=lists.customer_id.filter(pa.array(people)),
        values={name: {one: v if len(v) == people.sum() else v[people] for one, v in part.items()} for name, part in values.items()},
        whole={"coverage": coverage(count, on), "gini": gini(count, on)},
        items=int(on.sum()),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Asked:
    """Targets and history of the customers of the lists, in their order."""

    offsets: Ints
    item: Codes
    known: NDArray[np.bool_]  # one a target: whether the customer had touched it before
    bought: NDArray[np.bool_]  # whether they had bought it before
    past: Interactions
    orders: Ints
    sales: Ints

    @classmethod
    def of(cls, customers: pa.Array, later: ItemOutcomes, past: Interactions) -> _Asked:
        found = _places(customers, later.customer_id)
        # whoever the outcomes do not know is asked for somebody, whose targets are then dropped
        mine = later.take(np.maximum(found, 0)) if len(later) else _nothing(later, customers)
        mine = mine.over(past.items)
        history = _history(customers, past)
        purchases = history.of_type("purchase")
        row = np.repeat(np.arange(len(mine)), mine.counts)
        asked = cls(
            mine.offsets, mine.item, _among(mine, history), _among(mine, purchases), history,
            _orders(purchases), np.bincount(past.of_type("purchase").item, minlength=len(past.items)),
        )  # fmt: skip
        return asked.keeping(found[row] >= 0)

    def keeping(self, kept: NDArray[np.bool_]) -> _Asked:
        row = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))[kept]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(self.offsets) - 1))]).astype(np.int64)
        return replace(
            self, offsets=offsets, item=self.item[kept], known=self.known[kept], bought=self.bought[kept]
        )  # fmt: skip


def _nothing(later: ItemOutcomes, customers: pa.Array) -> ItemOutcomes:
    return replace(later, customer_id=customers, offsets=np.zeros(len(customers) + 1, np.int64))


def _places(asked: pa.Array, among: pa.Array) -> Ints:
    found = pc.index_in(asked, value_set=among)
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _history(customers: pa.Array, past: Interactions) -> Interactions:
    """The interactions of these customers, in their order; none of those it does not know."""
    if customers.equals(past.customer_id):
        return past
    place = _places(customers, past.customer_id)
    found = past.take(place[place >= 0])
    return replace(
        found, customer_id=customers, customer=np.flatnonzero(place >= 0).astype(np.int32)[found.customer], segment=None
    )  # fmt: skip


def _among(mine: ItemOutcomes, history: Interactions) -> NDArray[np.bool_]:
    return known(mine.offsets, mine.item, history.offsets, history.item, len(history.items))


def _orders(purchases: Interactions) -> Ints:
    """Orders of each customer: different baskets, or instants where there are none."""
    own = np.where(purchases.basket >= 0, purchases.basket, -1 - purchases.occurred_at)
    order = np.lexsort((own, purchases.customer))
    who, what = purchases.customer[order], own[order]
    new = np.ones(len(who), bool)
    new[1:] = (who[1:] != who[:-1]) | (what[1:] != what[:-1])
    return np.bincount(who[new], minlength=len(purchases))


def _slices(
    shown: Codes, right: NDArray[np.bool_], asked: _Asked, depths: tuple[int, ...], ideal: Ideal
) -> dict[str, dict[str, Floats]]:
    row = np.repeat(np.arange(len(shown)), np.diff(asked.offsets))
    before = asked.past.of_type("purchase")
    bought = hits(shown, before.offsets, before.item, len(asked.sales))
    cold = np.append(asked.sales < FEW_SALES, True)  # an item outside the catalogue was never bought
    few = asked.orders <= FEW_ORDERS
    cut = {
        "all": (right, np.ones(len(row), bool)),
        "repeat": (right & bought, asked.bought),
        "explore": (right & ~bought, ~asked.bought),
        "cold_customer": (right & few[:, None], few[row]),
        "cold_item": (right & cold[shown], cold[asked.item]),
    }
    return {
        name: _found(Hits(hit, np.bincount(row[kept], minlength=len(shown))), depths, ideal)
        for name, (hit, kept) in cut.items()
    }


def _found(hit: Hits, depths: tuple[int, ...], ideal: Ideal) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for k in depths:
        found |= {f"recall_at_{k}": hit.recall(k), f"ndcg_at_{k}": hit.ndcg(k, ideal), f"hit_at_{k}": hit.any(k)}
        found |= {f"precision_at_{k}": hit.precision(k), f"map_at_{k}": hit.average_precision(k)}
    return found | {"mrr": hit.mrr()}


def _variety(shown: Codes, past: Interactions, people: NDArray[np.bool_], items: Items) -> dict[str, Floats]:
    """Of the judged customers: how novel and varied their first places are, and how like their history."""
    bought = np.bincount(past.of_type("purchase").item, minlength=len(items))
    found = {"novelty": novelty(shown, bought)}
    if items.embedding is not None:
        found["distance"] = distance_by_vector(shown, items.embedding)
    if items.category.null_count < len(items):
        category = items.category.dictionary_encode().indices.fill_null(-1)
        code = np.asarray(category.to_numpy(zero_copy_only=False), np.int32)
        own = past.take(people)
        found.setdefault("distance", distance_by_category(shown, code))
        found["miscalibration"] = miscalibration(shown, code, own.customer, own.item, own.quantity)
    return found
