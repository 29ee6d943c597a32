"""Who moved between segments from one cutoff to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Outside the population at that cutoff: not yet a customer, or silent for too long.
OUTSIDE = "outside"


def flow(
    ids_then: pa.Array, then: Sequence[str | None], ids_now: pa.Array, now: Sequence[str | None]
) -> list[dict[str, Any]]:
    """Counts by segment then and now, largest first, those who stayed included; sums to everybody seen at either.

    >>> rows = flow(pa.array(["a", "b"]), ["x", "y"], pa.array(["b", "c"]), ["x", "x"])
    >>> [(row["from"], row["to"], row["count"]) for row in rows]
    [('outside', 'x', 1), ('x', 'outside', 1), ('y', 'x', 1)]
    """
    ids = pc.unique(pa.concat_arrays([ids_then.cast(pa.string()), ids_now.cast(pa.string())]))
    before, after = _names(ids, ids_then, then), _names(ids, ids_now, now)
    pairs: dict[tuple[str, str], int] = {}
    for pair in zip(before, after, strict=True):
        pairs[pair] = pairs.get(pair, 0) + 1
    ranked = sorted(pairs.items(), key=lambda one: (-one[1], one[0]))
    return [{"from": was, "to": is_, "count": count} for (was, is_), count in ranked]


def _names(ids: pa.Array, known: pa.Array, names: Sequence[str | None]) -> list[str]:
    at = pc.index_in(ids, value_set=known.cast(pa.string())).fill_null(len(known)).to_numpy(zero_copy_only=False)
    filled = [*(OUTSIDE if name is None else name for name in names), OUTSIDE]
    return [filled[one] for one in np.asarray(at, np.int64).tolist()]
