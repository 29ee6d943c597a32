"""Lists of several lanes added into one, with shares chosen where the answer is already known.

A yardstick for benches: what a lane adds to others. The shop's own mix is `holdfast.recommend.mix`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.recommend import Recommendations
from holdfast.evaluate.lists.judge import judge
from holdfast.evaluate.lists.windows import ListWindow

Floats = NDArray[np.float64]
#: What a place in a list is worth: 1 / (this + rank), or (None) its score's share of the list.
FLATS: tuple[float | None, ...] = (None, 2.0, 10.0, 40.0)
#: Steps in which shares are tried.
STEPS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
#: Shares are tried on about so many customers and so many places of each list.
_TRIED, _HEAD = 8000, 50


@dataclass(frozen=True)
class Blend:
    """The sum over lanes of share x worth; `flat` says what a place is worth, `logits` whose scores are logits."""

    shares: Mapping[str, float]
    flat: float | None
    logits: tuple[str, ...] = ("sasrec",)

    def of(self, told: Mapping[str, Recommendations], count: int = 20) -> Recommendations:
        """The best of the added lists; equal sums in the order of the catalogue.

        >>> from holdfast.core.clock import Cutoff
        >>> at, items = Cutoff.parse("2024-01-10"), ["cup", "pot", "tea"]
        >>> lists = [Recommendations.listed(["ann"], items, [one], at, "explore", "x") for one in ([0, 1], [1, 2])]
        >>> Blend({"a": 1.0, "b": 1.0}, 2.0).of({"a": lists[0], "b": lists[1]}).item.tolist()
        [1, 0, 2]
        """
        like = told[next(iter(self.shares))]
        total: Any = sum(share * self.worth(name, told[name]) for name, share in self.shares.items())
        row = np.repeat(np.arange(len(like)), np.diff(total.indptr))
        order = np.lexsort((total.indices, -total.data, row))
        kept = order[np.arange(len(row)) - total.indptr[row] < count]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(like)))]).astype(np.int64)
        words = [pa.array([one] * len(kept), pa.string()) for one in ("explore", "blend")]
        return Recommendations(
            like.customer_id, like.item_id, like.cutoff, offsets, total.indices[kept].astype(np.int32),
            total.data[kept], words[0], words[1], np.ones(len(kept)),
        )  # fmt: skip

    def worth(self, name: str, told: Recommendations) -> Any:
        """(customers x items) what one lane's list says, 0 where it says nothing."""
        from scipy.sparse import csr_matrix

        worth = 1.0 / (self.flat + told.rank) if self.flat is not None else _chance(told, name in self.logits)
        cells = (worth, told.item.astype(np.int64), told.offsets)
        return csr_matrix(cells, shape=(len(told), len(told.item_id))).sorted_indices()


def _chance(told: Recommendations, logit: bool) -> Floats:
    """Scores as shares of their list."""
    row = np.repeat(np.arange(len(told)), told.counts)
    value = np.maximum(told.score, 0.0)
    if logit:
        value = np.exp(told.score - told.score[told.offsets[:-1][told.counts > 0]].repeat(told.counts[told.counts > 0]))
    return np.asarray(value / np.maximum(np.bincount(row, value, minlength=len(told)), 1e-12)[row])


def chosen(told: Mapping[str, Recommendations], names: Sequence[str], window: ListWindow, seen: str = "allow") -> Blend:
    """The blend with the best nDCG@10 in the window: each lane is added with the share that helps most, or left out.

    Lanes are tried in the order of how good they are alone, on every so many-th customer and the heads of the lists, which
    speak of the customers of `window.later` and `window.past` in their order. `seen` as in `judge`.
    """
    some = np.arange(0, len(window.later), 1 + len(window.later) // _TRIED)
    told = {name: told[name].take(some).top(_HEAD) for name in names}
    past, later = window.past.take(some), window.later.take(some)

    def value(blend: Blend) -> float:
        """nDCG of a blend."""
        return judge(blend.of(told), later, past, seen=seen, depths=(10,)).mean("ndcg_at_10")

    order = sorted(names, key=lambda one: -value(Blend({one: 1.0}, 2.0)))
    found: list[tuple[float, Blend]] = []
    for flat in FLATS:
        blend = Blend({order[0]: 1.0}, flat)
        best = value(blend)
        for name in order[1:]:
            tries = [replace(blend, shares={**blend.shares, name: share}) for share in STEPS]
            values = [value(one) for one in tries]
            if max(values) > best:
                best, blend = max(values), tries[int(np.argmax(values))]
        found.append((best, blend))
    return max(found, key=lambda one: one[0])[1]
