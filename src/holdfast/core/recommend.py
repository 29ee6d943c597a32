"""What a recommender is: a frozen configuration that fits, a frozen fit that scores, and the lists it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.registry import Registry
from holdfast.core.tables import Rows, _Arrow
from holdfast.core.text import Language, Text

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Scores = NDArray[np.float32]
#: The words of the release for where a recommendation came from.
LANES = ("again", "explore", "complement", "new")


@dataclass(frozen=True, eq=False)
class Recommendations(_Arrow):
    """For each customer a list of items, best first: entries offsets[i] to offsets[i + 1] are customer i's.

    `item` is a position in `item_id`; `score` orders within one customer; `lane` is a word of `LANES`; `source` the id of
    the recommender; `propensity` the chance that the entry was drawn (1 where nothing was drawn); `reason` one `Text` an
    entry, or empty where none was asked for. An item stands at most once in a list.

    >>> one = Recommendations.listed(["ann"], ["tea", "cup"], [[1, 0]], Cutoff.parse("2024-01-10"), "explore", "popular")
    >>> one.to_arrow().select(["rank", "item_id"]).to_pylist()
    [{'rank': 1, 'item_id': 'cup'}, {'rank': 2, 'item_id': 'tea'}]
    """

    customer_id: pa.Array
    item_id: pa.Array = field(repr=False)
    cutoff: Cutoff
    offsets: Ints = field(repr=False)
    item: Codes = field(repr=False)
    score: NDArray[np.float64] = field(repr=False)
    lane: pa.Array = field(repr=False)
    source: pa.Array = field(repr=False)
    propensity: NDArray[np.float64] = field(repr=False)
    reason: tuple[Text, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if len(self.offsets) != len(self.customer_id) + 1 or int(self.offsets[-1]) != len(self.item):
            raise UsageError(f"the offsets of {len(self.customer_id)} lists do not fit {len(self.item)} entries")
        if self.reason and len(self.reason) != len(self.item):
            raise UsageError(f"{len(self.reason)} reasons for {len(self.item)} entries")

    @classmethod
    def listed(
        cls, customers: Any, items: Any, lists: list[list[int]], cutoff: Cutoff, lane: str, source: str
    ) -> Recommendations:
        """Lists by hand: positions in `items`, best first."""
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        flat = np.array([item for one in lists for item in one], np.int32)
        n = len(flat)
        score = np.array([-float(place) for one in lists for place in range(len(one))], np.float64)
        return cls(
            pa.array(customers, pa.string()), pa.array(items, pa.string()), cutoff, offsets, flat, score,
            pa.array([lane] * n, pa.string()), pa.array([source] * n, pa.string()), np.ones(n),
        )  # fmt: skip

    @classmethod
    def stacked(cls, parts: Sequence[Recommendations]) -> Recommendations:
        """Lists of different customers over the same items, one after the other; at least one part."""
        lengths = np.concatenate([one.counts for one in parts])
        first = parts[0]
        whole = all(one.reason or not len(one.item) for one in parts)
        return replace(
            first,
            customer_id=pa.concat_arrays([one.customer_id for one in parts]),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            item=np.concatenate([one.item for one in parts]),
            score=np.concatenate([one.score for one in parts]),
            lane=pa.concat_arrays([one.lane for one in parts]),
            source=pa.concat_arrays([one.source for one in parts]),
            propensity=np.concatenate([one.propensity for one in parts]),
            reason=tuple(said for one in parts for said in one.reason) if whole else (),
        )

    def __len__(self) -> int:
        """How many customers."""
        return len(self.customer_id)

    @property
    def counts(self) -> Ints:
        """Entries of each list."""
        return np.diff(self.offsets)

    @property
    def rank(self) -> Ints:
        """1 is first."""
        return np.arange(len(self.item)) - np.repeat(self.offsets[:-1], self.counts) + 1

    def keeping(self, kept: NDArray[np.bool_]) -> Recommendations:
        """Some entries of every list, in the same order."""
        row = np.repeat(np.arange(len(self)), self.counts)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(self)))]).astype(np.int64)
        where = np.flatnonzero(kept)
        reason = tuple(self.reason[one] for one in where) if self.reason else ()
        return self._entries(where, offsets, reason)

    def top(self, count: int) -> Recommendations:
        """At most so many of each list."""
        return self.keeping(self.rank <= count)

    def take(self, rows: Rows) -> Recommendations:
        """Some customers, in this order."""
        where = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows, np.int64)
        lengths = self.counts[where]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        inside = np.arange(int(offsets[-1])) + np.repeat(self.offsets[where] - offsets[:-1], lengths)
        reason = tuple(self.reason[one] for one in inside) if self.reason else ()
        found = self._entries(inside, offsets, reason)
        return replace(found, customer_id=self.customer_id.take(pa.array(where)))

    def _entries(self, where: Ints, offsets: Ints, reason: tuple[Text, ...]) -> Recommendations:
        ids = pa.array(where)
        kept = (
            self.customer_id if len(offsets) == len(self.customer_id) + 1 else pa.nulls(len(offsets) - 1, pa.string())
        )
        return replace(
            self, customer_id=kept, offsets=offsets, item=self.item[where], score=self.score[where],
            lane=self.lane.take(ids), source=self.source.take(ids), propensity=self.propensity[where], reason=reason,
        )  # fmt: skip

    def to_arrow(self, language: Language = "en") -> pa.Table:
        """customer_id, rank, item_id, score, lane, source, propensity, reason: a row per entry."""
        row = np.repeat(np.arange(len(self)), self.counts)
        said: list[str | None] = [one.render(language) for one in self.reason] or [None] * len(self.item)
        return pa.table(
            {
                "customer_id": self.customer_id.take(pa.array(row)),
                "rank": pa.array(self.rank, pa.int32()),
                "item_id": self.item_id.take(pa.array(self.item)),
                "score": self.score,
                "lane": self.lane,
                "source": self.source,
                "propensity": self.propensity,
                "reason": pa.array(said, pa.string()),
            }
        )


@runtime_checkable
class FittedRecommender(Protocol):
    """A recommender that has learnt. It holds items, no customers: what a customer did comes with each question.

    Its columns are `items.item_id`, all items of the catalogue it was fitted on, in that order.
    """

    @property
    def recommender_id(self) -> str:
        """The id of the recommender that learnt it."""

    @property
    def items(self) -> Items:
        """The items it can name, in the order of its scores (at least their ids)."""

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """(rows x items) float32; higher is better, -inf where this lane has nothing to say; never NaN.

        `past` may speak of any catalogue (`past.over(self.items)` brings it here); `rows` are positions of customers in
        it, all by default. A customer's row depends on nobody else's rows (ties aside).
        """

    def recommend(
        self, past: Interactions, count: int, *, allowed: NDArray[np.bool_] | None = None, seen: str = "allow",
        rows: Ints | None = None,
    ) -> Recommendations:  # fmt: skip
        """The best `count` allowed items of each customer, in blocks; `seen` is allow or exclude."""

    def fold_in(self, past: Interactions, new: Interactions, count: int, **kwargs: Any) -> Recommendations:
        """The lists of customers whose new events this fit has never seen, without fitting again."""

    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """Why, one true sentence for each (position of customer in `past`, column of item); says what contributed most."""

    def to_bytes(self) -> bytes:
        """The fit as bytes, without pickle, readable by any later version."""

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedRecommender:
        """The same fit back."""


@runtime_checkable
class Recommender(Protocol):
    """A frozen dataclass of hyper-parameters; the configuration is the object."""

    recommender_id: ClassVar[str]
    lane: ClassVar[str]

    def fit(self, past: Interactions) -> FittedRecommender:
        """Learn from everything before `past.cutoff`."""


#: Recommender classes by id. A new lane is one new file in `holdfast/recommend/` that registers itself here.
RECOMMENDERS: Registry[type[Recommender]] = Registry("recommender", "holdfast.recommend")
#: The class that reads a fit back, by id.
FITTED_RECOMMENDERS: Registry[type[FittedRecommender]] = Registry("fitted recommender", "holdfast.recommend")
