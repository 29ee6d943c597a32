"""What follows what: items counted together by how far apart they stand in a history, forwards and backwards.

The counts fall with the distance in turns (baskets) between two items, and so does the weight of what a customer did some
turns ago. On sequences of single items this is close to what deep sequence models reach.
Related: Garg et al. 2019, Sequence and time aware neighborhood for session-based recommendations (STAN), SIGIR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS
from holdfast.core.threads import one_thread
from holdfast.recommend.matrix import weights
from holdfast.recommend.neighbours import BY_TYPE, Asking, ItemNeighboursFit, rounded
from holdfast.recommend.neighbours_counts import newest, products, stacked, strongest, turns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SequenceNeighbours:
    """Item j is near item i when j came soon after i, or (counted `backward` times as much) soon before it.

    Two items d turns apart count `distance_decay ** (d - 1)`, up to `reach` turns; items of one basket count 1 both ways.
    Counts are divided by (all counts of i + `shrinkage`) ** `source_power` and (all counts of j) ** `target_power`: 1 and 0
    is the chance of j after i, 0.5 and 0.5 a cosine. `decay` weighs what was done some turns ago when asked,
    `half_life` and `fit_half_life` (days) what was done long ago when asked and when learning. With `hops` = 2 an item is
    near when a neighbour of a neighbour is: the chances are multiplied along the two steps, which reaches rare items.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9, "pot"), (5, "tea"), (2, "cup")], "bob": [(3, "tea")]},
    ...                          Cutoff.parse("2024-01-10"))
    >>> SequenceNeighbours(decay=0.5).fit(past).recommend(past.take(np.array([1])), 2).to_arrow()["item_id"].to_pylist()
    ['cup', 'pot']
    """

    recommender_id: ClassVar[str] = "sequence_neighbours"
    lane: ClassVar[str] = "explore"
    neighbours: int = 300
    distance_decay: float = 0.8
    backward: float = 0.3
    reach: int = 20
    source_power: float = 0.35
    target_power: float = 0.15
    shrinkage: float = 0.0
    decay: float = 0.6
    hops: int = 1
    half_life: float | None = None
    fit_half_life: float | None = None
    zone: str = "UTC"

    @one_thread
    def fit(self, past: Interactions) -> ItemNeighboursFit:
        past = newest(past)
        counts, after, before = self._counts(past)
        if self.hops == 2:
            counts, after, before = self._two_steps(counts, after)
        row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        source, target = (after + self.shrinkage) ** self.source_power, before**self.target_power
        counts.data /= np.maximum(source[row] * target[counts.indices], 1e-12)
        asking = Asking(half_life=self.half_life, decay=self.decay)
        near = strongest(rounded(counts), self.neighbours)
        return ItemNeighboursFit(self.recommender_id, past.items, near, asking, self.zone)

    def _counts(self, past: Interactions) -> tuple[Any, Floats, Floats]:
        """(items x items) how often each item came near each other, thinned, and the sums of rows and columns before."""
        from scipy.sparse import hstack, vstack

        held, earlier = self._turns(past)
        # one product of stacked parts: after, before, and in the same turn
        left = hstack([earlier.T, self.backward * held.T, held.T], format="csr")
        right = vstack([held, earlier, held], format="csr")
        width = len(past.items)
        found, after, before = [], np.zeros(width), np.zeros(width)
        for block, cells in products(left, right):
            row = np.repeat(np.arange(block.start, block.stop), np.diff(cells.indptr))
            cells.data[row == cells.indices] = 0.0  # an item is not its own neighbour
            cells.eliminate_zeros()
            after[block] = np.asarray(cells.sum(axis=1)).ravel()
            before += np.bincount(cells.indices, cells.data, width)
            found.append(strongest(cells, 4 * self.neighbours))
        return stacked(found, width), after, before

    def _two_steps(self, counts: Any, after: Floats) -> tuple[Any, Floats, Floats]:
        """The same of the chances of two steps, the step back to the item itself left out."""
        width = counts.shape[0]
        chance = counts.copy()
        chance.data /= np.repeat(np.maximum(after, 1e-12), np.diff(counts.indptr))
        found = []
        for block, cells in products(chance, chance):
            cells.data[np.repeat(np.arange(block.start, block.stop), np.diff(cells.indptr)) == cells.indices] = 0.0
            cells.eliminate_zeros()
            found.append(strongest(cells, self.neighbours))
        steps = stacked(found, width)
        return steps, np.ones(width), np.bincount(steps.indices, steps.data, width).astype(np.float64)

    def _turns(self, past: Interactions) -> tuple[Any, Any]:
        """(turns x items) what each turn held, and what the turns before it held, fading with the distance."""
        from scipy.sparse import csr_matrix

        turn, first, count = turns(past)
        weight = weights(past, half_life=self.fit_half_life, by_type=BY_TYPE).astype(np.float64)
        many, width = int(count.sum()), len(past.items)
        held = csr_matrix((weight, (turn, past.item)), shape=(many, width))
        held.eliminate_zeros()
        start = np.repeat(first, count)
        here, back, by = [], [], []
        for distance in range(1, self.reach + 1):
            row = np.flatnonzero(np.arange(many) - distance >= start)
            here.append(row)
            back.append(row - distance)
            by.append(np.full(len(row), self.distance_decay ** (distance - 1)))
        kernel = csr_matrix((np.concatenate(by), (np.concatenate(here), np.concatenate(back))), shape=(many, many))
        return held, (kernel @ held).tocsr()


RECOMMENDERS.add(SequenceNeighbours.recommender_id, SequenceNeighbours)
FITTED_RECOMMENDERS.add(SequenceNeighbours.recommender_id, ItemNeighboursFit)
