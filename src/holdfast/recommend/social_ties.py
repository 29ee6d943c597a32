"""Who is tied to whom, as a matrix whose rows add to 1, and what those near a customer chose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.text import Text
from holdfast.recommend.matrix import matrix, weights


def circle(past: Interactions) -> Any:
    """(customers x customers) CSR: the share of each friend among a customer's ties; a row of nothing without friends.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> circle(tiny_interactions({"ann": []}, Cutoff.parse("2024-01-10"))).nnz
    0
    """
    from scipy.sparse import csr_matrix, diags

    n, ties = len(past), past.ties
    if ties is None or not len(ties.customer):
        return csr_matrix((n, n), dtype=np.float64)
    kept = (ties.weight > 0) & (ties.customer != ties.other)
    cells = (ties.customer[kept], ties.other[kept])
    found = csr_matrix((ties.weight[kept].astype(np.float64), cells), shape=(n, n))
    total = np.asarray(found.sum(axis=1)).ravel()
    return (diags(np.where(total > 0, 1 / np.where(total > 0, total, 1), 0)) @ found).tocsr()


def near(past: Interactions, rows: NDArray[np.int64], reach: float, half_life: float | None) -> NDArray[np.float64]:
    """(rows x items): the share of a customer's friends who chose each item, and `reach` x that of their friends.

    A customer is a friend of its friends: its own acts do not come back as theirs.
    """
    friends = circle(past)
    around = friends[rows] + reach * (friends[rows] @ friends)
    around = around.tocoo()
    around.data[around.col == rows[around.row]] = 0
    return np.asarray((around.tocsr() @ chosen(past, half_life)).toarray(), np.float64)


def chosen(past: Interactions, half_life: float | None) -> Any:
    """(customers x items) 1 where chosen; less where the acts are old and age counts."""
    found = matrix(past, weights(past, half_life=half_life)).astype(np.float64)
    found.data = np.minimum(found.data, 1.0)
    return found


def by_friends(acts: Any, friends: NDArray[Any], item: int) -> Text | None:
    """How many of these customers chose the item; none where nobody did."""
    count = int((acts[friends][:, [item]] > 0).sum()) if len(friends) else 0
    if not count:
        return None
    en = f"{count} of your {len(friends)} friends" if len(friends) > 1 else "your friend"
    return Text(f"chosen by {en}", f"您{len(friends)}位好友中有{count}位选过" if len(friends) > 1 else "您的好友选过")
