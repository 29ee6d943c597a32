"""How much each block counts, learnt from what customers chose next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.threads import one_thread
from holdfast.recommend.content.describe import Blocks
from holdfast.recommend.matrix import matrix

#: Customers learnt from: those who acted last. Their next choices compete with each other.
MOST = 1000
#: Pulls every weight to the same small value; in units of customers.
_RIDGE = 1.0


@one_thread
def learn_weights(blocks: Blocks, past: Interactions, weight: NDArray[np.float32]) -> dict[str, float]:
    """Weights over 0 that add to 1, or none where nobody chose twice.

    Each customer's last item is told from the last items of all others by the likeness, block by block, to what came
    before: a softmax over the batch (Covington et al. 2016; other customers' items are as popular as one's own, so that
    popularity teaches nothing). Weights stay at or over 0: likeness never counts against an item.
    """
    who, target, before = _last(past)
    if len(who) < 2 or not blocks.used:
        return {}
    row = matrix(past, np.where(before, weight, 0).astype(np.float32))[who]
    mass = np.asarray(row.sum(axis=1)).ravel()
    kept = mass > 0
    if kept.sum() < 2:
        return {}
    row, target = row[kept], target[kept]
    row = row.multiply(1 / mass[kept][:, None]).tocsr()
    likeness = np.stack([_likeness(blocks, name, row, target) for name in blocks.used])
    found = _fit(likeness)
    total = found.sum()
    return dict(zip(blocks.used, (found / total).tolist(), strict=True)) if total > 0 else {}


def _last(past: Interactions) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Customers, their last item, and which interactions came before it and were of another item."""
    several = np.flatnonzero(past.counts > 1)
    ends = past.offsets[several + 1] - 1
    newest = np.argsort(-past.occurred_at[ends], kind="stable")[:MOST]
    several, ends = several[newest], ends[newest]
    last_item = np.full(len(past), -1, np.int64)
    last_item[several] = past.item[ends]
    before = past.item != last_item[past.customer]
    before[ends] = False
    return several, past.item[ends], before


def _likeness(blocks: Blocks, name: str, row: Any, target: NDArray[Any]) -> NDArray[np.float64]:
    """(customers x targets) of one block."""
    if name in blocks.sparse:
        one = blocks.sparse[name]
        return np.asarray((row @ one @ one[target].T).toarray(), np.float64)
    dense = blocks.dense[name]
    return np.asarray((row @ dense) @ dense[target].T, np.float64)


def _fit(likeness: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    count = likeness.shape[1]
    own = np.diagonal(likeness, axis1=1, axis2=2)
    middle = 1.0

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = np.tensordot(weights, likeness, 1)
        norm = logsumexp(logit, axis=1)
        chance = np.exp(logit - norm[:, None])
        expected = np.einsum("uv,buv->b", chance, likeness)
        pull = weights - middle
        value = norm.sum() - weights @ own.sum(axis=1) + _RIDGE * pull @ pull / 2
        return float(value) / count, (expected - own.sum(axis=1) + _RIDGE * pull) / count

    start = np.full(len(likeness), middle)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start), options={"maxiter": 100}
    )
    return np.asarray(found.x, np.float64)
