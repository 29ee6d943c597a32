"""Who is tied to whom, as a matrix whose rows add to 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core.interactions import Interactions


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
