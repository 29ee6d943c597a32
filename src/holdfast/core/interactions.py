"""What a recommender reads and what it is judged by: customer x item x time, and what came later.

Positions, not names, fill the long columns; the names stand once in `customer_id` and `items.item_id`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import UsageError
from holdfast.core.items import Items
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.tables import Rows, _Arrow

__all__ = ["Interactions", "ItemOutcomes", "Items", "Ties", "tiny_interactions"]

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Ties:
    """Who is tied to whom: positions of customers in both directions where the tie has both, and how strong."""

    customer: Codes
    other: Codes
    weight: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Interactions:
    """What customers did with items before a cutoff, ordered by customer and time.

    `customer` and `item` are positions; `event_type` is a position in `EVENT_TYPES`; `occurred_at` is microseconds UTC;
    `basket` numbers orders and `session` sessions (-1: none); `quantity` is units; `amount` is money (1/10,000), -1 where
    not known. A customer may have no rows. `segment` (one a customer, null: none) is any grouping that the shop has.

    >>> past = tiny_interactions({"ann": [(9, "tea"), (2, "tea")], "bob": []}, Cutoff.parse("2024-01-10"))
    >>> past.counts.tolist(), past.rows_of(0).tolist(), past.items.item_id.to_pylist()
    ([2, 0], [0, 1], ['tea'])
    """

    customer_id: pa.Array
    items: Items
    cutoff: Cutoff
    customer: Codes = field(repr=False)
    item: Codes = field(repr=False)
    occurred_at: Ints = field(repr=False)
    event_type: NDArray[np.int8] = field(repr=False)
    basket: Ints = field(repr=False)
    session: Ints = field(repr=False)
    quantity: NDArray[np.float32] = field(repr=False)
    amount: Ints = field(repr=False)
    segment: pa.Array | None = field(default=None, repr=False)
    ties: Ties | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in _LONG:
            if len(getattr(self, name)) != len(self.customer):
                raise UsageError(f"interaction column {name} has {len(getattr(self, name))} rows")
        if len(self.customer) and (np.diff(self.customer) < 0).any():
            raise UsageError("interactions must be ordered by customer", remedy="build them with Interactions.of")
        if len(self.occurred_at) and int(self.occurred_at.max()) >= self.cutoff.micros:
            raise UsageError(f"an interaction lies at or after the cutoff {self.cutoff}")

    @classmethod
    def of(
        cls,
        customer_id: pa.Array,
        items: Items,
        cutoff: Cutoff,
        *,
        customer: NDArray[Any],
        item: NDArray[Any],
        occurred_at: NDArray[Any],
        event_type: NDArray[Any] | None = None,
        basket: NDArray[Any] | None = None,
        session: NDArray[Any] | None = None,
        quantity: NDArray[Any] | None = None,
        amount: NDArray[Any] | None = None,
        segment: pa.Array | None = None,
        ties: Ties | None = None,
    ) -> Interactions:
        """Interactions from columns in any order; purchases of one unit in no order where nothing else is said."""
        n = len(customer)
        columns: dict[str, Any] = {
            "customer": np.asarray(customer, np.int32),
            "item": np.asarray(item, np.int32),
            "occurred_at": np.asarray(occurred_at, np.int64),
            "event_type": _or(event_type, n, PURCHASE, np.int8),
            "basket": _or(basket, n, -1, np.int64),
            "session": _or(session, n, -1, np.int64),
            "quantity": _or(quantity, n, 1.0, np.float32),
            "amount": _or(amount, n, -1, np.int64),
        }
        order = np.lexsort((columns["item"], columns["basket"], columns["occurred_at"], columns["customer"]))
        placed = {name: values[order] for name, values in columns.items()}
        return cls(customer_id, items, cutoff, **placed, segment=segment, ties=ties)

    def __len__(self) -> int:
        """How many customers."""
        return len(self.customer_id)

    @property
    def size(self) -> int:
        """How many interactions."""
        return len(self.customer)

    @cached_property
    def offsets(self) -> Ints:
        """Customer i's interactions are rows offsets[i] to offsets[i + 1]."""
        return np.searchsorted(self.customer, np.arange(len(self) + 1)).astype(np.int64)

    @property
    def counts(self) -> Ints:
        """Interactions of each customer."""
        return np.diff(self.offsets)

    @cached_property
    def age_days(self) -> NDArray[np.float64]:
        """Days from each interaction to the cutoff, over 0."""
        return np.asarray((self.cutoff.micros - self.occurred_at) / 86_400_000_000, np.float64)

    def rows_of(self, customer: int) -> Ints:
        """The rows of one customer, oldest first."""
        return np.arange(self.offsets[customer], self.offsets[customer + 1])

    def keeping(self, kept: NDArray[np.bool_]) -> Interactions:
        """Some interactions of the same customers."""
        return replace(self, **{name: getattr(self, name)[kept] for name in _LONG})

    def of_type(self, *event_types: str) -> Interactions:
        """Only events of these types."""
        return self.keeping(np.isin(self.event_type, [EVENT_TYPES.index(one) for one in event_types]))

    def before(self, cutoff: Cutoff) -> Interactions:
        """What an earlier cutoff could see, by `occurred_at` (late news aside: `snapshot` knows those)."""
        kept = self.occurred_at < cutoff.micros
        return replace(self.keeping(kept), cutoff=cutoff)

    def take(self, rows: Rows) -> Interactions:
        """Some customers, in this order; ties are left behind."""
        where = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows, np.int64)
        lengths = self.counts[where]
        starts = np.cumsum(lengths) - lengths
        inside = np.arange(int(lengths.sum())) + np.repeat(self.offsets[where] - starts, lengths)
        long = {name: getattr(self, name)[inside] for name in _LONG if name != "customer"}
        ids = pa.array(where)
        return replace(
            self, customer_id=self.customer_id.take(ids), customer=np.repeat(np.arange(len(where)), lengths).astype(np.int32),
            **long, segment=None if self.segment is None else self.segment.take(ids), ties=None,
        )  # fmt: skip

    def over(self, items: Items) -> Interactions:
        """The same over another catalogue; interactions with an item that is not in it are left out."""
        if items is self.items:
            return self
        to = items.positions(self.items.item_id)
        found = self.keeping(to[self.item] >= 0) if self.size else self
        return replace(found, items=items, item=to[found.item] if found.size else found.item)

    def joined(self, later: Interactions) -> Interactions:
        """These and newer interactions of the same customers; the catalogue is this one, the cutoff the later one."""
        if not self.customer_id.equals(later.customer_id):
            raise UsageError("the new events are of other customers")
        new = later.over(self.items)
        cutoff = max(self.cutoff, later.cutoff)
        columns = {name: np.concatenate([getattr(self, name), getattr(new, name)]) for name in _LONG}
        return Interactions.of(self.customer_id, self.items, cutoff, **columns, segment=self.segment, ties=self.ties)


_LONG = ("customer", "item", "occurred_at", "event_type", "basket", "session", "quantity", "amount")
PURCHASE = EVENT_TYPES.index("purchase")


def _or(values: NDArray[Any] | None, n: int, default: float, dtype: Any) -> NDArray[Any]:
    return np.full(n, default, dtype) if values is None else np.asarray(values, dtype)


@dataclass(frozen=True, eq=False)
class ItemOutcomes(_Arrow):
    """Which different items each customer bought in [cutoff + gap, cutoff + gap + horizon). Built in `snapshot/` alone.

    `item[offsets[i]:offsets[i + 1]]` are positions in `item_id` of customer i, rising; `amount` is what was paid (money).

    >>> later = ItemOutcomes(pa.array(["ann"]), Cutoff.parse("2024-01-10"), Horizon.parse("30d"), pa.array(["tea"]),
    ...                      np.array([0, 1]), np.array([0], np.int32), np.array([49900]))
    >>> later.to_arrow().to_pylist()[0]["item_id"]
    'tea'
    """

    customer_id: pa.Array
    cutoff: Cutoff
    horizon: Horizon
    item_id: pa.Array = field(repr=False)
    offsets: Ints = field(repr=False)
    item: Codes = field(repr=False)
    amount: Ints = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.offsets) != len(self.customer_id) + 1 or int(self.offsets[-1]) != len(self.item):
            raise UsageError(f"the offsets of {len(self.customer_id)} customers do not fit {len(self.item)} items")

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def counts(self) -> Ints:
        """Different items of each customer."""
        return np.diff(self.offsets)

    def take(self, rows: Rows) -> ItemOutcomes:
        """Some customers, in this order."""
        where = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows, np.int64)
        lengths = self.counts[where]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        inside = np.arange(int(offsets[-1])) + np.repeat(self.offsets[where] - offsets[:-1], lengths)
        return replace(
            self, customer_id=self.customer_id.take(pa.array(where)), offsets=offsets,
            item=self.item[inside], amount=self.amount[inside],
        )  # fmt: skip

    def over(self, items: Items) -> ItemOutcomes:
        """Positions in this catalogue instead; an item that is not in it stays as -1, so that it still counts as missed."""
        to = items.positions(self.item_id)
        item = to[self.item] if len(self.item) else self.item
        row = np.repeat(np.arange(len(self)), self.counts)
        order = np.lexsort((item, row))
        return replace(self, item_id=items.item_id, item=item[order].astype(np.int32), amount=self.amount[order])

    def to_arrow(self) -> pa.Table:
        row = np.repeat(np.arange(len(self)), self.counts)
        return pa.table(
            {
                "customer_id": self.customer_id.take(pa.array(row)),
                "item_id": self.item_id.take(pa.array(self.item, mask=self.item < 0)),
                "amount": self.amount,
            }
        )


def tiny_interactions(history: dict[str, list[tuple[float, str]]], cutoff: Cutoff, **columns: Any) -> Interactions:
    """Purchases by hand: for each customer (days before the cutoff, item). For examples and tests.

    >>> tiny_interactions({"ann": [(1, "tea")]}, Cutoff.parse("2024-01-10")).age_days.tolist()
    [1.0]
    """
    items = Items.named(sorted({item for one in history.values() for _, item in one}), **columns)
    rows = [(who, ago, item) for who, one in enumerate(history.values()) for ago, item in one]
    at = np.array([cutoff.micros - int(ago * 86_400_000_000) for _, ago, _ in rows], np.int64)
    days = at // 86_400_000_000
    who = np.array([one for one, _, _ in rows], np.int64)
    return Interactions.of(
        pa.array(list(history), pa.string()), items, cutoff, customer=who,
        item=items.positions(pa.array([item for _, _, item in rows], pa.string())), occurred_at=at,
        basket=who * 1_000_000 + days,
    )  # fmt: skip
