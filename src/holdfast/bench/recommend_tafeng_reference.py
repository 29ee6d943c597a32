"""Three methods of the Next Basket Reality Check as they were published, to show that the protocol is the same.

Li, Jullien, Ariannezhad, de Rijke: A Next Basket Recommendation Reality Check (TOIS 2023); Hu et al.: Modeling Personalized
Item Frequency Information for Next-basket Recommendation (SIGIR 2020); Faggioli, Polato, Aiolli: Recency Aware Collaborative
Filtering for Next Basket Recommendation (UMAP 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.recommend.again_purchases import purchases

Ints = NDArray[np.int64]
Scorer = Callable[[Ints], NDArray[np.float32]]
#: TIFU-KNN's published settings for Ta-Feng: groups, decay within and between them, neighbours, own share.
GROUPS, WITHIN, BETWEEN, NEIGHBOURS, OWN = 7, 0.9, 0.7, 300, 0.7


def gp_topfreq(past: Interactions) -> Scorer:
    """Own items by count, the first bought first where counts are equal; then the shop's best sellers."""
    bought = purchases(past)
    count = _matrix(past, np.ones(len(bought.item)))
    pop = np.asarray(count.sum(axis=0)).reshape(-1)
    oldest = bought.turn[bought.starts]
    customer, item = bought.pairs

    def score(rows: Ints) -> NDArray[np.float32]:
        scores = count[rows].toarray() + (pop / (pop.max() + 1) - 1.0)
        place = np.full(len(past), -1)
        place[rows] = np.arange(len(rows))
        mine = place[customer] >= 0
        # the first bought stands a little higher, far less than one purchase
        scores[place[customer[mine]], item[mine]] = count[customer[mine], item[mine]].A1 + oldest[mine] / 1000.0
        return np.asarray(scores, np.float32)

    return score


def tifu_knn(past: Interactions) -> Scorer:
    """Own decayed item frequencies and those of the nearest customers by Euclidean distance."""
    bought = purchases(past)
    n = bought.baskets[bought.customer]
    place = n - 1 - bought.turn
    size, larger = n // GROUPS, n % GROUPS
    edge = (GROUPS - larger) * size
    group = np.where(place < edge, place // np.maximum(size, 1), GROUPS - larger + (place - edge) // (size + 1))
    short = n < GROUPS
    group, per = np.where(short, place, group), np.where(short, 1, np.where(place < edge, size, size + 1))
    weight = WITHIN**bought.turn * BETWEEN ** (GROUPS - 1 - group) / per / np.minimum(n, GROUPS)
    taste = _matrix(past, weight)
    square = np.asarray(taste.multiply(taste).sum(axis=1)).reshape(-1)

    def score(rows: Ints) -> NDArray[np.float32]:
        from scipy.sparse import csr_matrix

        far = square[None] - 2 * (taste[rows] @ taste.T).toarray()
        near = np.argpartition(far, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        starts = np.arange(0, near.size + 1, NEIGHBOURS)
        mean = csr_matrix((np.full(near.size, 1 / NEIGHBOURS), near.reshape(-1), starts), shape=(len(rows), len(past)))
        return np.asarray((OWN * taste[rows] + (1 - OWN) * (mean @ taste)).toarray(), np.float32)

    return score


@dataclass(frozen=True)
class Upcf:
    """UP-CF@r: what all customers had in their last `recency` baskets (None: ever), weighed by likeness^`locality`.

    Likeness of u and v is |both| / (|u|^asymmetry |v|^(1 - asymmetry)) of the items they ever bought; a customer is like
    itself as well.
    """

    recency: int | None = None
    asymmetry: float = 0.25
    locality: float = 5.0

    def __call__(self, past: Interactions) -> Scorer:
        bought = purchases(past)
        last = len(bought.turn) if self.recency is None else self.recency
        lately = bought.turn < last
        share = lately / np.maximum(np.minimum(bought.baskets[bought.customer], last), 1)
        popular, ever = _matrix(past, share), _matrix(past, np.ones(len(bought.item)))
        ever.data[:] = 1.0
        size = np.maximum(np.diff(ever.indptr), 1).astype(np.float64)
        turned = ever.T.tocsr()

        def score(rows: Ints) -> NDArray[np.float32]:
            alike = (ever[rows] @ turned).tocsr()
            length = np.repeat(size[rows] ** self.asymmetry, np.diff(alike.indptr)) * size[alike.indices] ** (
                1 - self.asymmetry
            )
            alike.data = (alike.data / length) ** self.locality
            return np.asarray((alike @ popular).toarray(), np.float32)

        return score


#: Settings of UP-CF@r, tried on the penultimate baskets.
UPCF = tuple(
    Upcf(recency, asymmetry, locality)
    for recency in (1, 5, 25, None)
    for asymmetry in (0.25, 0.5, 0.75)
    for locality in (1.0, 5.0, 10.0)
)


def _matrix(past: Interactions, weight: NDArray[np.float64]) -> Any:
    from scipy.sparse import csr_matrix

    bought = purchases(past)
    return csr_matrix((weight, (bought.customer, bought.item)), shape=(len(past), len(past.items)))
