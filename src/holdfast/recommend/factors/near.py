"""Lists by an approximate index where items are many: a few more than asked, what may be shown of them, the rest exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from holdfast.core.recommend import Scores
from holdfast.recommend.index import Index

Codes = NDArray[np.int32]
Floats = NDArray[np.float32]
#: So many times the count are asked for, besides those that the customer knows.
SPARE = 4


def near(
    index: Index, points: Floats, count: int, shown: Callable[[Codes], NDArray[np.bool_]], known: int
) -> tuple[Codes, Scores, NDArray[np.bool_]]:
    """(points x count) items and scores, and which rows are full; `shown` says which of the found items may appear.

    A row that is not full must be answered exactly: rules have taken what the index gave.
    """
    item, score = index.top(points, SPARE * count + known)
    kept = (item >= 0) & shown(item)
    order = np.argsort(~kept, axis=1, kind="stable")[:, :count]
    found, value = np.take_along_axis(item, order, axis=1), np.take_along_axis(score, order, axis=1)
    return found, value.astype(np.float32), kept.sum(axis=1) >= count
