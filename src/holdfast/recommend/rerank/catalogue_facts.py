"""What is known of every item at a fit: how it sells, how it comes back, what it is bought with. It holds no customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.recommend.rerank.visits import Visits

Floats = NDArray[np.float32]
#: Days over which an item's sales are counted.
WINDOWS = (7, 14, 28, 90)
#: Neighbours kept of each item, and the customers' newest visits that a neighbour is counted over.
NEIGHBOURS = 64
ITEM_NAMES = (
    *(f"buyers_{days}d" for days in WINDOWS), *(f"new_buyers_{days}d" for days in WINDOWS), "trend_7_28", "trend_28_90",
    "age_days", "days_since_sold", "repeat_share", "again_share_30d", "gap_days", "price", "units", "year_ago",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CatalogueFacts:
    """`columns` (items x ITEM_NAMES), `category` and `brand` codes (-1: none), `near` (items x items) CSR of basket cosines."""

    columns: Floats
    category: NDArray[np.int32]
    brand: NDArray[np.int32]
    near: Any

    @classmethod
    def of(cls, past: Interactions) -> CatalogueFacts:
        """From everything before the cutoff of `past`."""
        seen = Visits.of(past)
        return cls(_columns(seen, past), codes(past.items.category), codes(past.items.brand), _near(seen))

    @property
    def gap(self) -> Floats:
        """Typical days between two purchases of the item by one customer; NaN where nobody came back."""
        return self.columns[:, ITEM_NAMES.index("gap_days")]

    @property
    def price(self) -> Floats:
        return self.columns[:, ITEM_NAMES.index("price")]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `pack`."""
        near = self.near
        return {
            "fact_columns": self.columns, "fact_category": self.category, "fact_brand": self.brand,
            "near_data": near.data, "near_indices": near.indices, "near_indptr": near.indptr,
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> CatalogueFacts:
        from scipy.sparse import csr_matrix

        n = len(arrays["fact_category"])
        parts = tuple(arrays[f"near_{name}"] for name in ("data", "indices", "indptr"))
        near = csr_matrix(parts, shape=(n, n))
        return cls(arrays["fact_columns"], arrays["fact_category"], arrays["fact_brand"], near)


def codes(words: Any) -> NDArray[np.int32]:
    """A number for each different word, -1 for none."""
    found = words.dictionary_encode().indices.fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int32)


def _columns(seen: Visits, past: Interactions) -> Floats:
    n = len(past.items)
    first, again = seen.first_time, seen.gap_days
    buyers = {days: np.bincount(seen.item[seen.age_days <= days], minlength=n) for days in WINDOWS}
    fresh = {days: np.bincount(seen.item[first & (seen.age_days <= days)], minlength=n) for days in WINDOWS}
    everybody = np.bincount(seen.item[first], minlength=n)
    lines = np.bincount(seen.item, minlength=n)
    old = first & (seen.age_days > 30)
    soon = np.bincount(seen.item[seen.again_within(30.0)], minlength=n)
    rows = [
        *buyers.values(), *fresh.values(), (buyers[7] + 1) * 4 / (buyers[28] + 4), (buyers[28] + 1) * 3 / (buyers[90] + 3),
        _most(n, seen.item, seen.age_days), -_most(n, seen.item, -seen.age_days),
        (lines - everybody) / np.maximum(lines, 1), (soon + 0.5) / (np.bincount(seen.item[old], minlength=n) + 5.0),
        _median(n, seen.item[~first], again[~first]), _median(n, seen.item, seen.price), _median(n, seen.item, seen.quantity),
        _year_ago(past, n),
    ]  # fmt: skip
    return np.column_stack(rows).astype(np.float32) if n else np.zeros((0, len(ITEM_NAMES)), np.float32)


def _year_ago(past: Interactions, n: int) -> NDArray[np.float64]:
    """Share of last year's next 30 days that was this item, over its share of last year's 30 days before; NaN without."""
    ago = past.age_days
    after, before = ((ago > low) & (ago <= low + 30) for low in (335.0, 365.0))
    if after.sum() < 100 or before.sum() < 100:
        return np.full(n, np.nan)
    later, sooner = (np.bincount(past.item[one], minlength=n) + 0.5 for one in (after, before))
    return np.asarray(np.log(later / later.sum()) - np.log(sooner / sooner.sum()))


def _most(n: int, item: NDArray[np.int32], values: NDArray[Any]) -> NDArray[np.float64]:
    found = np.full(n, -np.inf)
    np.maximum.at(found, item, values)
    return np.where(np.isfinite(found), found, np.nan)


def _median(n: int, item: NDArray[np.int32], values: NDArray[Any]) -> NDArray[np.float64]:
    """Median of each item's values, NaN values left out; NaN for an item without any."""
    known = np.isfinite(values)
    item, values = item[known], values[known].astype(np.float64)
    order = np.lexsort((values, item))
    ends = np.searchsorted(item[order], np.arange(n + 1))
    count = np.diff(ends)
    padded = np.append(values[order], np.nan)
    low, high = ends[:-1] + np.maximum(count - 1, 0) // 2, ends[:-1] + count // 2
    some = count > 0
    middle = (padded[np.where(some, low, len(values))] + padded[np.where(some, high, len(values))]) / 2
    return np.where(some, middle, np.nan)


def _near(seen: Visits) -> Any:
    """Cosine of items over visits, each item's strongest `NEIGHBOURS`; whoever equals the last one stays."""
    from scipy.sparse import csr_matrix, diags

    n = seen.width
    with_item = csr_matrix((np.ones(len(seen.item), np.float32), (seen.visit, seen.item)), shape=(seen.visits, n))
    size = np.asarray(with_item.sum(axis=1)).ravel()
    with_item = diags((1.0 / np.sqrt(np.maximum(size, 1.0))).astype(np.float32)) @ with_item  # a long list says less
    norm = np.sqrt(np.asarray(with_item.multiply(with_item).sum(axis=0)).ravel()) + 1e-6
    scaled = (with_item @ diags((1.0 / norm).astype(np.float32))).tocsr()
    found = (scaled.T @ scaled).tocsr()
    found.setdiag(0)
    found.eliminate_zeros()
    found.sort_indices()
    row = np.repeat(np.arange(n), np.diff(found.indptr))
    order = np.lexsort((-found.data, row))
    place = np.arange(len(row)) - found.indptr[:-1][row]
    edge = np.zeros(n, np.float32)
    last = order[place == NEIGHBOURS - 1]
    edge[row[last]] = found.data[last]
    kept = found.data >= edge[row]
    return csr_matrix((found.data[kept].astype(np.float32), (row[kept], found.indices[kept])), shape=(n, n))
