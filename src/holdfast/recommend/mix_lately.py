"""What people like you bought lately: nearest histories by cosine, but only their newest purchases vote.

A user-based lane whose votes reach back over everything repeats old seasons; tastes say who is alike, the last weeks say
what is wanted now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import matrix
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.rerank.visits import Visits

Ints = NDArray[np.int64]
#: As near as this is the customer's own anonymous history.
SELF = 0.999


@dataclass(frozen=True)
class Lately:
    """The `neighbours` nearest customers who bought in the last `days`; purchases halve in the profile by `half_life`."""

    recommender_id: ClassVar[str] = "lately"
    lane: ClassVar[str] = "explore"
    neighbours: int = 100
    days: float = 45.0
    half_life: float = 180.0

    @one_thread
    def fit(self, past: Interactions) -> LatelyFit:
        bought = past.of_type("purchase")
        buyers = np.bincount(_once(bought).indices, minlength=len(past.items))
        rarity = np.log1p(len(past) / (1.0 + buyers)).astype(np.float32)
        votes = _once(bought.keeping(bought.age_days <= self.days))
        some = np.flatnonzero(np.diff(votes.indptr) > 0)
        profiles = _profiles(bought, rarity, self.half_life)
        return LatelyFit(past.items, profiles[some], votes[some], rarity, self.neighbours, self.days, self.half_life)


@dataclass(frozen=True, eq=False)
class LatelyFit(Lane):
    """Anonymous profiles of norm 1 and what each bought lately, both (kept customers x items) CSR."""

    recommender_id: ClassVar[str] = "lately"
    lane: ClassVar[str] = "explore"
    items: Items
    profiles: Any = field(repr=False)
    votes: Any = field(repr=False)
    rarity: NDArray[np.float32] = field(repr=False)
    neighbours: int
    days: float
    half_life: float

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        past = past.over(self.items)
        asked = past if rows is None else past.take(np.asarray(rows, np.int64))
        found = np.full((len(asked), len(self.items)), -np.inf, np.float32)
        if not found.size or not self.profiles.shape[0]:
            return found
        alike = self._alike(asked)
        said = np.asarray((alike @ self.votes).toarray(), np.float32)
        return np.where(said > 0, said, found)

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """How many of the nearest customers bought it lately."""
        past = past.over(self.items)
        rows, place = np.unique(customer, return_inverse=True)
        if not len(rows) or not self.profiles.shape[0]:
            return [_said(0, self.days)] * len(item)
        alike = self._alike(past.take(rows.astype(np.int64)))
        alike.data[:] = 1.0
        counts = np.asarray((alike @ self.votes).toarray())
        return [_said(round(float(counts[who, what])), self.days) for who, what in zip(place, item, strict=True)]

    def _alike(self, asked: Interactions) -> Any:
        """(asked x kept customers) CSR of cosines, the nearest of each; whoever equals the last one is in."""
        from scipy.sparse import csr_matrix

        near = (_profiles(asked.of_type("purchase"), self.rarity, self.half_life) @ self.profiles.T).toarray()
        near[near > SELF] = 0.0
        count = min(self.neighbours, near.shape[1])
        edge = -np.partition(-near, count - 1, axis=1)[:, count - 1 : count]
        return csr_matrix(np.where(near >= np.maximum(edge, 1e-9), near, 0.0))

    def to_bytes(self) -> bytes:
        arrays = {"rarity": self.rarity} | pack_items(self.items)
        for name in ("profiles", "votes"):
            sparse = getattr(self, name)
            arrays |= {f"{name}_{part}": getattr(sparse, part) for part in ("data", "indices", "indptr")}
        return pack("lately", arrays, neighbours=self.neighbours, days=self.days, half_life=self.half_life)

    @classmethod
    def from_bytes(cls, data: bytes) -> LatelyFit:
        from scipy.sparse import csr_matrix

        saved, arrays = unpack(data)
        items, both = unpack_items(arrays), []
        for name in ("profiles", "votes"):
            parts = tuple(arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
            both.append(csr_matrix(parts, shape=(len(parts[2]) - 1, len(items))))
        return cls(items, both[0], both[1], arrays["rarity"], saved["neighbours"], saved["days"], saved["half_life"])


def _once(past: Interactions) -> Any:
    """(customers x items) CSR of 1 where bought."""
    found = matrix(past)
    found.data[:] = 1.0
    return found


def _profiles(bought: Interactions, rarity: NDArray[np.float32], half_life: float) -> Any:
    """(customers x items) CSR of norm 1: root of decayed visits, rare items telling more."""
    from scipy.sparse import csr_matrix, diags

    seen = Visits.of(bought)
    weight = (0.5 ** (seen.age_days / half_life)).astype(np.float32)
    found = csr_matrix((weight, (seen.customer, seen.item)), shape=(seen.customers, seen.width), dtype=np.float32)
    found.sum_duplicates()
    found.data = np.sqrt(found.data)
    found = found @ diags(rarity)
    norm = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    return (diags((1.0 / np.maximum(norm, 1e-9)).astype(np.float32)) @ found).tocsr().astype(np.float32)


def _said(count: int, days: float) -> Text:
    en = f"bought in the last {days:.0f} days by {count} of the customers most like this one"
    zh = f"与该顾客最相似的顾客中，有{count}位在最近{days:.0f}天内购买过"
    return Text(en, zh)


RECOMMENDERS.add(Lately.recommender_id, Lately)
FITTED_RECOMMENDERS.add(Lately.recommender_id, LatelyFit)
