"""Intervals by resampling customers, not rows: a customer's rows at several cutoffs rise and fall together.

A replicate gives every customer a Poisson(1) count, the large-sample form of drawing customers with replacement
(Hanley & MacGibbon 2006); all rows of the customer carry it. Two models judged under the same counts are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def customer_codes(customer_id: Sequence[pa.Array]) -> tuple[list[NDArray[np.int64]], int]:
    """The same number for the same customer in every list, and how many customers there are.

    >>> customer_codes([pa.array(["b", "a"]), pa.array(["a", "c"])])
    ([array([1, 0]), array([0, 2])], 3)
    """
    joined = pa.concat_arrays([one.cast(pa.string()) for one in customer_id])
    names, codes = np.unique(np.asarray(joined.to_pylist(), dtype=object).astype(str), return_inverse=True)
    ends = np.cumsum([len(one) for one in customer_id])[:-1]
    return [np.asarray(part, np.int64) for part in np.split(codes.ravel(), ends)], len(names)


def replicates(customers: int, count: int, seed: int, *, cells: int = 4_000_000) -> Iterator[NDArray[np.float64]]:
    """(replicates x customers) counts in chunks of bounded size; the same seed gives the same counts.

    >>> sum(len(chunk) for chunk in replicates(100, 7, seed=1))
    7
    """
    random = np.random.default_rng([seed, customers])
    at_once = max(1, min(count, cells // max(customers, 1)))
    for start in range(0, count, at_once):
        yield random.poisson(1.0, size=(min(at_once, count - start), customers)).astype(np.float64)


def interval(values: NDArray[Any], level: float = 0.95) -> tuple[float | None, float | None]:
    """The middle `level` of the replicates; none where no replicate could be computed.

    >>> [round(one, 3) for one in interval(np.arange(101.0), 0.9)]
    [5.0, 95.0]
    """
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if len(finite) < 2:
        return None, None
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
