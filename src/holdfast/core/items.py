"""The catalogue as it was known at one instant: what lists may name, and what is known of each item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.tables import Rows

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
_FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Items:
    """The catalogue as it was known at one instant: a row per item, `item_id` different and sorted.

    A text column is null, `price` (money, 1/10,000) is -1, `margin_rate`, `stock` and `min_age` are NaN where not known;
    `active_from` and `active_to` are microseconds UTC. `kind` says what sort of thing it is (goods, course, article,
    activity, ...); null is goods. `embedding` is one row of floats an item, rows of NaN where the shop gave none.

    >>> Items.named(["b", "a"]).item_id.to_pylist()
    ['a', 'b']
    """

    item_id: pa.Array
    kind: pa.Array = field(repr=False)
    title: pa.Array = field(repr=False)
    category: pa.Array = field(repr=False)
    brand: pa.Array = field(repr=False)
    description: pa.Array = field(repr=False)
    image: pa.Array = field(repr=False)
    price: Ints = field(repr=False)
    margin_rate: NDArray[np.float64] = field(repr=False)
    stock: NDArray[np.float64] = field(repr=False)
    min_age: NDArray[np.float64] = field(repr=False)
    active_from: Ints = field(repr=False)
    active_to: Ints = field(repr=False)
    embedding: NDArray[np.float32] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in (*_WORDS, *_NUMBERS):
            if len(getattr(self, name)) != len(self.item_id):
                raise UsageError(f"item column {name} has {len(getattr(self, name))} rows, not {len(self.item_id)}")
        ids = self.item_id.to_pylist()
        if ids != sorted(set(ids)):
            raise UsageError("item ids must be different and sorted", remedy="build items with Items.named")

    @classmethod
    def named(cls, item_id: Sequence[str] | pa.Array, **columns: Any) -> Items:
        """Items by name, in any order, with whichever columns are known (in the order of `item_id`)."""
        ids = item_id if isinstance(item_id, pa.Array) else pa.array(item_id, pa.string())
        n = len(ids)
        order = pc.sort_indices(ids)
        at = order.to_numpy().astype(np.int64)
        filled: dict[str, Any] = {name: pa.nulls(n, pa.string()) for name in _WORDS} | {
            name: np.full(n, empty, dtype) for name, (empty, dtype) in _NUMBERS.items()
        }
        for name, values in columns.items():
            if name == "embedding":
                filled[name] = None if values is None else np.asarray(values, np.float32)[at]
            elif name in _WORDS:
                filled[name] = (values if isinstance(values, pa.Array) else pa.array(values, pa.string())).take(order)
            elif name in _NUMBERS:
                filled[name] = np.asarray(values, _NUMBERS[name][1])[at]
            else:
                raise UsageError(f"items have no column {name!r}")
        return cls(item_id=ids.take(order), **filled)

    def __len__(self) -> int:
        return len(self.item_id)

    def positions(self, item_id: pa.Array) -> Codes:
        """Where each of these ids stands here; -1 for one that is not here."""
        found = pc.index_in(item_id, value_set=self.item_id)
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int32)

    def on_sale(self, at: Cutoff) -> NDArray[np.bool_]:
        """Which items can be bought at an instant: active, and not known to be out of stock."""
        return (self.active_from <= at.micros) & (at.micros < self.active_to) & ~(self.stock <= 0)

    def take(self, rows: Rows) -> Items:
        """Some items; the rows must rise."""
        where = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows, np.int64)
        words = {name: getattr(self, name).take(pa.array(where)) for name in ("item_id", *_WORDS)}
        numbers = {name: getattr(self, name)[where] for name in _NUMBERS}
        return Items(**words, **numbers, embedding=None if self.embedding is None else self.embedding[where])


_WORDS = ("kind", "title", "category", "brand", "description", "image")
_NUMBERS: dict[str, tuple[Any, Any]] = {
    "price": (-1, np.int64),
    "margin_rate": (np.nan, np.float64),
    "stock": (np.nan, np.float64),
    "min_age": (np.nan, np.float64),
    "active_from": (-_FOREVER, np.int64),
    "active_to": (_FOREVER, np.int64),
}
