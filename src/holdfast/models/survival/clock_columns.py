"""The columns that move with time: the bin, and the silence as it will be then.

A customer silent for 20 days at the cutoff is, in the bin that starts at day 30, silent for 50. Trees see both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable
from holdfast.models.columns import ROLES

Matrix = NDArray[np.float32]
#: Clock columns behind the customer columns: the bin, the silence by then, that silence over the customer's own gap.
CLOCKS = 3


def role_places(columns: tuple[str, ...]) -> tuple[int, int]:
    """Where silence and overdue silence stand among the columns; -1 for one that is absent."""
    found = [next((columns.index(n) for n in ROLES[role] if n in columns), -1) for role in ("silence", "overdue")]
    return found[0], found[1]


def with_clock(values: Matrix, bins: NDArray[np.int64], starts: NDArray[np.float64], places: tuple[int, int]) -> Matrix:
    """The rows with their clock columns, float32; `starts` is the first day of each bin.

    >>> with_clock(np.array([[20.0, 2.0]], np.float32), np.array([1]), np.array([0.0, 30.0]), (0, 1)).tolist()
    [[20.0, 2.0, 1.0, 50.0, 5.0]]
    """
    silence, overdue = places
    ahead = starts[bins]
    wide = np.empty((len(values), values.shape[1] + CLOCKS), np.float32)
    wide[:, :-CLOCKS], wide[:, -3] = values, bins
    today = values[:, silence].astype(np.float64) if silence >= 0 else np.zeros(len(values))
    wide[:, -2] = today + ahead
    if silence >= 0 and overdue >= 0:
        own = np.divide(values[:, overdue], today, out=np.full(len(values), np.nan), where=today > 0)
        wide[:, -1] = own * (today + ahead)
    else:
        wide[:, -1] = np.nan
    return wide


def folded(parts: NDArray[np.float64], places: tuple[int, int], typical: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contributions less the typical ones, with those of the clock columns given to the customer's columns.

    What the silence by then adds belongs to silence, what it adds over the own gap to that ratio. What the bin itself
    adds beyond its mean is an interaction with the customer's columns: they share it by the size of their own parts.
    """
    off = parts - typical
    own, (now, then, ratio) = off[:, :-CLOCKS].copy(), off[:, -CLOCKS:].T
    loose = now.copy()
    for part, place in ((then, places[0]), (ratio, places[1])):
        if place >= 0:
            own[:, place] += part
        else:
            loose += part
    size = np.abs(own) + 1e-300
    return np.asarray(own + size / size.sum(axis=1, keepdims=True) * loose[:, None])


def values_of(features: FeatureTable, columns: tuple[str, ...]) -> Matrix:
    """The customer columns in order; infinity is missing."""
    values = features.select(columns).values
    return np.where(np.isfinite(values), values, np.float32(np.nan))
