"""Does the fitted process look like the shop? Cumulative repeat orders by week, and orders by customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.errors import HoldfastError
from holdfast.models.btyd.choose import learnable
from holdfast.models.btyd.fit import PurchaseFit
from holdfast.models.btyd.rows import Floats, Whole
from holdfast.models.btyd.summary import PurchaseSummary, order_days

#: The share of the history that the tracked model learns from; the rest it has not seen.
_LEARNT = 0.7
_MOST_ORDERS = 7


def cumulative(fit: PurchaseFit, first_day: Whole, days: Whole) -> Floats:
    """Expected repeat orders, through each of `days`, of customers whose first orders lay on `first_day`.

    Days are whole numbers. Customers of one day share a curve, so that a million of them cost what their days cost.
    """
    born, many = np.unique(first_day, return_counts=True)
    ages = np.asarray(days)[:, None] - born
    known, at = np.unique(np.maximum(ages, 0), return_inverse=True)
    return np.asarray(fit.expected_repeat_orders(known)[at.reshape(ages.shape)] @ many)


def actual(who: Whole, when: Whole, days: Whole) -> Whole:
    """Repeat orders through each of `days`, of sorted order days."""
    repeat = np.r_[False, who[1:] == who[:-1]] if len(who) else np.zeros(0, bool)
    return np.searchsorted(np.sort(when[repeat]), np.asarray(days), side="right")


def tracking(fit: PurchaseFit, orders: Any) -> dict[str, Any] | None:
    """Cumulative repeat orders by week, actual and expected, of a model that learnt from the first 70% of the history.

    The curve follows the customers whom that part knew. None where that part is too thin to learn from.
    """
    days = np.asarray(orders["local_day"].to_numpy(), "datetime64[D]").astype(np.int64)
    names = pa.table(orders)["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    if not len(days):
        return None
    first, last = int(days.min()), int(days.max())
    split = first + int(_LEARNT * (last - first))
    learnt = PurchaseSummary.from_orders(names, days, split)
    try:
        early = fit.model.fit(learnable(learnt))
    except HoldfastError:
        return None
    who, when = order_days(names, days, last)
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    known = np.isin(who, who[starts][when[starts] <= split])
    who, when = who[known], when[known]
    born = when[np.flatnonzero(np.r_[True, who[1:] != who[:-1]])]
    weeks = np.arange(first + 6, last + 1, 7)
    expected, seen = cumulative(early, born, weeks), actual(who, when, weeks)
    return {
        "model": fit.model_id,
        "week": list(range(1, len(weeks) + 1)),
        "actual": seen.tolist(),
        "expected": expected.tolist(),
        "learnt_weeks": int((weeks <= split).sum()),
        "gap_at_end": float(expected[-1] / max(int(seen[-1]), 1) - 1) if len(weeks) else None,
    }


def histogram(fit: PurchaseFit, summary: PurchaseSummary, most: int = _MOST_ORDERS) -> dict[str, Any]:
    """Customers by number of repeat orders, actual and expected; the last bar is `most` or more."""
    x = summary.frequency[summary.ordered]
    ages = (summary.T * summary.unit_days)[summary.ordered]
    return {
        "orders": list(range(most + 1)),
        "actual": np.bincount(np.minimum(x, most).astype(np.int64), minlength=most + 1).tolist(),
        "expected": (fit.order_distribution(ages, most) * len(x)).tolist(),
    }
