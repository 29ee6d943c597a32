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

    Each customer's last choice (the mean of its items) is told from those of all others by the likeness, block by block, to what came
    before: a softmax over the batch (Covington et al. 2016; other customers' items are as popular as one's own, so that
    popularity teaches nothing). Weights stay at or over 0: likeness never counts against an item.
    """
    if not blocks.used:
        return {}
    last, before = _last(past)
    target, row = (matrix(past, np.where(one, weight, 0).astype(np.float32)) for one in (last, before))
    kept = np.flatnonzero((np.diff(target.indptr) > 0) & (np.diff(row.indptr) > 0))
    if len(kept) < 2:
        return {}
    newest = np.argsort(-past.occurred_at[past.offsets[kept + 1] - 1], kind="stable")[:MOST]
    row, target = _mean(row[kept[newest]]), _mean(target[kept[newest]])
    likeness = np.stack([_likeness(blocks, name, row, target) for name in blocks.used])
    found = _fit(likeness)
    total = found.sum()
    return dict(zip(blocks.used, (found / total).tolist(), strict=True)) if total > 0 else {}


def _last(past: Interactions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which interactions were a customer's last (all of that instant), and which were before it and of other items."""
    ends = past.offsets[1:][past.counts > 0] - 1
    newest = np.full(len(past), -1, np.int64)
    newest[past.counts > 0] = past.occurred_at[ends]
    last = past.occurred_at == newest[past.customer]
    cell = past.customer.astype(np.int64) * max(len(past.items), 1) + past.item
    return last, ~np.isin(cell, cell[last])


def _mean(rows: Any) -> Any:
    from scipy.sparse import diags

    return (diags(1 / np.asarray(rows.sum(axis=1)).ravel()) @ rows).tocsr()


def _likeness(blocks: Blocks, name: str, row: Any, target: Any) -> NDArray[np.float64]:
    """(customers x last choices) of one block."""
    if name in blocks.sparse:
        one = blocks.sparse[name]
        return np.asarray(((row @ one) @ (target @ one).T).toarray(), np.float64)
    dense = blocks.dense[name]
    return np.asarray((row @ dense) @ (target @ dense).T, np.float64)


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
