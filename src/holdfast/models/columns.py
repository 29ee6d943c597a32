"""Which feature columns a small model reads, by the names the `features` room gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Duration
from holdfast.core.errors import UsageError
from holdfast.core.tables import FeatureTable

#: Role -> feature names that can play it, best first. One place, so that a renamed feature is renamed once.
ROLES: dict[str, tuple[str, ...]] = {
    "silence": ("days_since_last_order",),
    "overdue": ("overdue_ratio",),
    "orders": ("order_count", "order_count_all", "frequency"),
    "recent_orders": ("order_count_180d",),
    "spend": ("revenue", "revenue_all"),
    "recent_spend": ("revenue_180d",),
    "age": ("T_days", "age_days", "T"),
}
#: Families of columns that another model made (`btyd`, `sequence`): read by name, never swept in with the features.
LEARNED = frozenset({"btyd", "sequence"})
#: Days of the window behind `recent_orders` and `recent_spend`.
RECENT_DAYS = 180.0
#: Training cutoffs must span so many days before a column that only tells the season may be used.
TWO_SEASONS_DAYS = 730.0


def column_of(names: Sequence[str], role: str, wanted_by: str) -> str:
    """The column that plays a role, or an error that says which column is missing.

    >>> column_of(["revenue", "days_since_last_order"], "silence", "recency")
    'days_since_last_order'
    """
    for name in ROLES[role]:
        if name in names:
            return name
    raise UsageError(
        f"{wanted_by} needs the feature {ROLES[role][0]!r}, which this table lacks",
        remedy=f"build the features with {ROLES[role][0]!r}, or leave {wanted_by} out of [models] use",
    )


def customer_columns(features: FeatureTable) -> tuple[str, ...]:
    """The columns that can tell customers apart, in table order.

    A column that has one value within every slice tells the slice, not the customer: with under two seasons of
    slices it can only memorise their base rates, so it is left out. A column with one value overall is left out, and
    of columns that are equal row by row (active days and order days of a shop that records orders only) the last stays.
    Columns that another model made (`LEARNED`) are left out: a model that wants them names them. So are windows that
    reach back beyond the shop's first order at more than half of the cutoffs: see `filled`.
    """
    cutoffs = np.unique(features.key.cutoff)
    seasons = (cutoffs[-1] - cutoffs[0]) / 86_400e6 >= TWO_SEASONS_DAYS if len(cutoffs) else False
    slices = [features.values[features.key.cutoff == one] for one in cutoffs]
    told = np.zeros(len(features.names), bool)
    for rows in slices if not seasons else [features.values]:
        told |= _varies(rows)
    told &= np.array([column.family not in LEARNED for column in features.columns], bool) & filled(features)
    last = {features.values[:, at].tobytes(): at for at in np.flatnonzero(told)}
    return tuple(features.names[at] for at in sorted(last.values()))


def filled(features: FeatureTable) -> NDArray[np.bool_]:
    """Which columns look back over a window that lies within the shop's own record at half of the cutoffs or more.

    Orders in the last 180 days, asked 100 days after the shop's first order, are orders in the last 100 days: a model
    that learns from such slices meets other numbers under the same name later. The record's length at a cutoff is the
    age of the oldest customer there; a table without ages keeps all its columns.
    """
    ages = [features.column(name) for name in ROLES["age"] if name in features.names][:1]
    if not ages or not len(features):
        return np.ones(len(features.names), bool)
    oldest = [np.nanmax(ages[0][features.key.cutoff == one], initial=0.0) for one in np.unique(features.key.cutoff)]
    record = float(np.median(oldest))
    return np.array([_days(column.window) <= record + 1.0 for column in features.columns], bool)


def _days(window: str) -> float:
    """The length of a window as columns name it, in days; 0 for the whole history."""
    return Duration.parse(window).days if window else 0.0


def _varies(rows: np.ndarray) -> np.ndarray:
    first = rows[:1]
    same = (rows == first) | (np.isnan(rows) & np.isnan(first))
    return np.asarray(~same.all(axis=0))


def slice_weights(cutoffs: np.ndarray, half_life_days: float) -> np.ndarray:
    """A weight for each row that halves with every `half_life_days` of its slice's age; mean 1. 0 days: all equal.

    >>> slice_weights(np.array([0, 86_400_000_000]), 1.0).round(3).tolist()
    [0.667, 1.333]
    """
    if half_life_days <= 0 or not len(cutoffs):
        return np.ones(len(cutoffs))
    age = (cutoffs.max() - cutoffs) / 86_400e6
    weight = 0.5 ** (age / half_life_days)
    return np.asarray(weight * (len(weight) / weight.sum()))
