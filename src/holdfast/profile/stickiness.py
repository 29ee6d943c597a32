"""Stickiness: of everybody who came within 28 days, how many come on one day, and within seven."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from holdfast.profile.orders import Orders, day_number, to_date

_MONTH, _WEEK = 28, 7


def stickiness(active: Any, until: date, *, points: int = 13) -> dict[str, Any]:
    """Daily, weekly and monthly active customers and their ratios, at `until` and every 28 days before.

    `active` are days with an order, or with any act of the customer's own (customer_id, local_day). A point at day D
    looks at the 28 days before D: `monthly` customers came at least once; `daily` and `weekly` are the mean over those
    days (over the four weeks). `daily_share` = daily / monthly is the usual stickiness: a customer counted in it comes
    on 28 x daily_share days of 28. Returns {"days": [ISO], "daily", "weekly", "monthly", "daily_share",
    "weekly_share"}, oldest first; points that reach before the data are left out.

    >>> import pyarrow as pa
    >>> every = [date(2024, 1, d) for d in range(1, 29)]
    >>> rows = pa.table({"customer_id": ["a"] * 28 + ["b"], "local_day": [*every, date(2024, 1, 5)]})
    >>> found = stickiness(rows, date(2024, 1, 29))
    >>> found["monthly"], round(found["daily_share"][0], 3), found["weekly"]
    ([2], 0.518, [1.25])
    """
    seen = (active if isinstance(active, Orders) else Orders.read(active)).before(until)
    end = day_number(until)
    first = seen.first_day()
    begins = end if first is None else day_number(first)
    rows = [_point(seen, end - _MONTH * back) for back in range(points) if end - _MONTH * (back + 1) >= begins]
    rows.reverse()
    names = ("daily", "weekly", "monthly")
    table: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    days = [to_date(end - _MONTH * back).isoformat() for back in reversed(range(len(rows)))]
    shares = {f"{n}_share": [row[i] / row[2] if row[2] else None for row in rows] for i, n in enumerate(names[:2])}
    return {"days": days, **table, **shares}


def _point(seen: Orders, end: int) -> tuple[float, float, int]:
    inside = (seen.day >= end - _MONTH) & (seen.day < end)
    code, week = seen.code[inside], (end - 1 - seen.day[inside]) // _WEEK
    weekly = len(np.unique(code * (_MONTH // _WEEK) + week))
    return float(inside.sum() / _MONTH), weekly * _WEEK / _MONTH, len(np.unique(code))
