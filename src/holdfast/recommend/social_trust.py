"""`trust`: what friends chose, for customers who have chosen nothing yet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import StateError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.social_ties import by_friends, chosen, circle, near

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trust:
    """The share of a customer's friends who chose an item, friends of friends at `reach` (Massa & Avesani 2007).

    `popularity` is what the share of all customers counts beside it, and all that is left for a customer without friends.
    What the customer did itself is not read.

    >>> from dataclasses import replace
    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import Ties, tiny_interactions
    >>> past = tiny_interactions({"ann": [(3, "tea")], "bob": [], "cy": [(1, "hat")], "di": [(1, "hat")]},
    ...                          Cutoff.parse("2024-01-10"))
    >>> past = replace(past, ties=Ties(np.array([1], np.int32), np.array([0], np.int32), np.ones(1, np.float32)))
    >>> fit = Trust().fit(past)
    >>> fit.recommend(past, 1, rows=np.array([1])).to_arrow()["item_id"].to_pylist()
    ['tea']
    >>> fit.reasons(past, np.array([1]), np.array([1]))[0].en
    'chosen by your friend'
    """

    recommender_id: ClassVar[str] = "trust"
    lane: ClassVar[str] = "explore"
    reach: float = 0.3
    popularity: float = 0.1
    half_life: float | None = None

    def fit(self, past: Interactions) -> FittedTrust:
        """How many customers chose each item."""
        degree = np.bincount(chosen(past, self.half_life).indices, minlength=len(past.items))
        share = degree / max(1, int((past.counts > 0).sum()))
        return FittedTrust(self, past.items, share.astype(np.float64))


@dataclass(frozen=True, eq=False)
class FittedTrust(Lane):
    """The share of customers who chose each item."""

    recommender_id: ClassVar[str] = "trust"
    lane: ClassVar[str] = "explore"
    recommender: Trust
    items: Items
    share: NDArray[np.float64] = field(repr=False)

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Shares of friends, of their friends and of everybody added; -inf where nobody ever chose the item."""
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        found = near(past, rows, self.recommender.reach, self.recommender.half_life)
        found += self.recommender.popularity * self.share
        return np.where(found > 0, found, -np.inf).astype(np.float32)

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """How many friends chose it, or that friends of friends did, or how many of all customers."""
        past = past.over(self.items)
        acts, friends = chosen(past, None), circle(past)
        return [self._reason(acts, friends, int(c), int(i)) for c, i in zip(customer, item, strict=True)]

    def _reason(self, acts: Any, friends: Any, customer: int, item: int) -> Text:
        around = friends[customer].indices
        if said := by_friends(acts, around, item):
            return said
        if by_friends(acts, np.setdiff1d(friends[around].indices, np.append(around, customer)), item):
            return Text("chosen by friends of your friends", "您好友的好友选过")
        return Text(f"chosen by {self.share[item]:.1%} of all customers", f"{self.share[item]:.1%}的顾客选过")

    def to_bytes(self) -> bytes:
        settings: dict[str, Any] = asdict(self.recommender)
        return pack("trust", pack_items(self.items) | {"share": self.share}, recommender=settings)

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedTrust:
        saved, arrays = unpack(data)
        if saved["kind"] != cls.recommender_id:
            raise StateError(f"this is a saved {saved['kind']!r}, not {cls.recommender_id!r}")
        return cls(Trust(**saved["recommender"]), unpack_items(arrays), arrays["share"])


RECOMMENDERS.add(Trust.recommender_id, Trust)
FITTED_RECOMMENDERS.add(Trust.recommender_id, FittedTrust)
