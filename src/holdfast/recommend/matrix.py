"""Interactions as a sparse matrix: customers x items, weighed by how much and how long ago."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.schema import EVENT_TYPES

Floats = NDArray[np.float32]
#: Only what was bought. A lane that reads interest too names its own weights.
BOUGHT: Mapping[str, float] = {"purchase": 1.0}


def weights(past: Interactions, *, half_life: float | None = None, by_type: Mapping[str, float] = BOUGHT) -> Floats:
    """One weight an interaction: that of its event type, halved every `half_life` days before the cutoff.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> weights(tiny_interactions({"ann": [(7, "tea")]}, Cutoff.parse("2024-01-10")), half_life=7.0).tolist()
    [0.5]
    """
    table = np.array([by_type.get(name, 0.0) for name in EVENT_TYPES], np.float32)
    found = table[past.event_type]
    return found if half_life is None else (found * 0.5 ** (past.age_days / half_life)).astype(np.float32)


def matrix(past: Interactions, weight: Floats | None = None) -> Any:
    """(customers x items) float32 CSR, weights of the same cell added; cells of weight 0 are left out.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> matrix(tiny_interactions({"ann": [(7, "tea"), (3, "tea")]}, Cutoff.parse("2024-01-10"))).toarray().tolist()
    [[2.0]]
    """
    from scipy.sparse import csr_matrix

    weight = weights(past) if weight is None else weight
    kept = weight != 0
    cells = (past.customer[kept], past.item[kept])
    found = csr_matrix((weight[kept], cells), shape=(len(past), len(past.items)), dtype=np.float32)
    found.sort_indices()
    return found
