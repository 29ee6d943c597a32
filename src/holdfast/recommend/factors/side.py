"""What items have in common: columns of category, brand and kind, so that an item starts from its fellows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Items

Floats = NDArray[np.float32]
SIDES = ("category", "brand", "kind")


def features(items: Items, names: tuple[str, ...]) -> Any:
    """(items x values) CSR of ones: each level of a category path, each brand, each kind that at least two items share.

    >>> tea = Items.named(["a", "b"], category=["Drinks > Tea", "Drinks > Coffee"])
    >>> features(tea, ("category",)).toarray().tolist()
    [[1.0], [1.0]]
    """
    from scipy.sparse import csr_matrix

    unknown = sorted(set(names) - set(SIDES))
    if unknown:
        raise UsageError(f"side features {', '.join(unknown)}", remedy=f"of: {', '.join(SIDES)}")
    rows, codes, width = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for name in names:
        row, value = _levels(getattr(items, name)) if name == "category" else _values(getattr(items, name))
        coded = value.dictionary_encode()
        code = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        shared = np.bincount(code, minlength=len(coded.dictionary)) >= 2
        to = np.cumsum(shared) - 1
        rows.append(row[shared[code]])
        codes.append(to[code[shared[code]]] + width)
        width += int(shared.sum())
    row, code = np.concatenate(rows), np.concatenate(codes)
    return csr_matrix((np.ones(len(row), np.float32), (row, code)), shape=(len(items), width))


def _values(column: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    there = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return np.flatnonzero(there), column.filter(pa.array(there))


def _levels(column: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """`A > B` counts as `A` and as `A > B`."""
    rows: list[int] = []
    values: list[str] = []
    for row, path in enumerate(column.to_pylist()):
        steps = [one.strip() for one in path.split(">")] if path else []
        for depth in range(1, len(steps) + 1):
            rows.append(row)
            values.append(" > ".join(steps[:depth]))
    return np.array(rows, np.int64), pa.array(values, pa.string())


def common(side: Any, factors: Floats, ridge: Floats, pull: float) -> Floats:
    """What side features say of each item: side @ C, where C minimises sum ridge |factors - side C|^2 + pull |C|^2.

    With it, an item's own factors are regularised towards those of its category and brand instead of towards 0
    (the hierarchical form of factors that are sums of own and side factors).
    """
    from scipy.sparse import identity
    from scipy.sparse.linalg import splu

    weighed = side.multiply(ridge[:, None]).tocsr()
    left = (side.T @ weighed + pull * identity(side.shape[1], format="csr")).tocsc()
    right = np.asarray(weighed.T @ factors, np.float64)
    return np.asarray(side @ splu(left.astype(np.float64)).solve(right), np.float32)
