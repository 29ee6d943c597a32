"""Which horizon and activity window the shop's own rhythm suggests, and how the numbers change with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from holdfast.profile.orders import Orders, day_number

HORIZONS = (7, 14, 30, 60, 90, 180)
WINDOWS = (30, 60, 90, 120, 180, 270, 365)


def suggested(silence: Mapping[str, Any], share: float) -> dict[str, str]:
    """The shortest usual horizon that holds the median gap, and the shortest usual window after which fewer than
    `share` of customers return (`silence` is `profile.silence.silence`); the longest where that was never seen.

    >>> suggested({"median_gap_days": 41, "returns": [{"share": 0.25, "silent_days": 112}]}, 0.25)
    {'horizon': '60d', 'within': '120d'}
    """
    gap = silence.get("median_gap_days")
    silent = next((one["silent_days"] for one in silence["returns"] if one["share"] == share), None)
    return {"horizon": f"{_at_least(HORIZONS, gap)}d", "within": f"{_at_least(WINDOWS, silent)}d"}


def _at_least(choices: tuple[int, ...], wanted: float | None) -> int:
    return next((one for one in choices if wanted is not None and one >= wanted), choices[-1])


def alternatives(orders: Any, until: date) -> list[dict[str, Any]]:
    """Population and base churn for each horizon and window, at the newest cutoff whose label window has closed.

    `until` is the first day after the data. Returns [{"horizon": "30d", "within": "90d", "customers", "churned"}];
    windows that reach further back than the data are left out.
    """
    read = (orders if isinstance(orders, Orders) else Orders.read(orders)).before(until)
    first = read.first_day()
    found: list[dict[str, Any]] = []
    for horizon in HORIZONS:
        cutoff = until - timedelta(days=horizon)
        last, back = _last_and_back(read, cutoff)
        for window in WINDOWS:
            since = cutoff - timedelta(days=window)
            inside = last >= day_number(since)
            if first is not None and since >= first and inside.any():
                churned = float(1 - back[inside].mean())
                found.append(
                    {
                        "horizon": f"{horizon}d",
                        "within": f"{window}d",
                        "customers": int(inside.sum()),
                        "churned": churned,
                    }
                )
    return found


def _last_and_back(orders: Orders, cutoff: date) -> tuple[Any, Any]:
    """For each customer the last order day before the cutoff (-1: none), and whether an order came after."""
    before = orders.day < day_number(cutoff)
    last = np.full(len(orders.ids), -1, np.int64)
    np.maximum.at(last, orders.code[before], orders.day[before])
    back = np.zeros(len(orders.ids), bool)
    back[orders.code[~before]] = True
    return last, back
