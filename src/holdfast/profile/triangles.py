"""Retention of cohorts by days since the first order: on a day, on a day or later, within a bracket.

The calendar-month triangle is `cohorts.cohorts`; these count in days of each customer's own age.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.profile.orders import Orders, Whole, day_number

#: `n_day`: active exactly n days after the first day; `unbounded`: n days after or later; `bracket`: in [n, next n).
Kind = Literal["n_day", "unbounded", "bracket"]
DAYS = (1, 7, 14, 30, 60, 90, 180, 365)


def triangle(
    orders: Any, until: date, kind: Kind = "bracket", *, days: tuple[int, ...] = DAYS, room: int = 60
) -> dict[str, Any]:
    """Cohorts by the month of their first day, and the share of each that came back, by days since that day.

    A cell is None until everybody of the cohort has been watched for all of it (`unbounded`: for `room` days longer, for
    on the newest days everybody still seems lost). Returns {"kind", "days", "months", "sizes", "share", "average"};
    the average is over the customers of the cohorts whose cell is known.

    >>> import pyarrow as pa
    >>> rows = {"customer_id": ["a", "a", "b"], "local_day": [date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 2)]}
    >>> triangle(pa.table(rows), date(2024, 3, 1), "n_day", days=(7, 14))["share"]
    [[0.5, 0.0]]
    """
    if kind not in ("n_day", "unbounded", "bracket") or list(days) != sorted(set(days)) or min(days, default=0) < 1:
        raise UsageError(
            f"no triangle {kind!r} over the days {days}", remedy="n_day, unbounded or bracket; days that rise"
        )
    seen = (orders if isinstance(orders, Orders) else Orders.read(orders)).before(until)
    if not len(seen):
        return {"kind": kind, "days": list(days), "months": [], "sizes": [], "share": [], "average": []}
    first = seen.day[seen.starts()]
    where = np.repeat(np.arange(len(first)), np.diff(np.append(seen.starts(), len(seen))))
    back = _back(seen.day - first[where], where, len(first), kind, days)
    month = first.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    names, cohort = np.unique(month, return_inverse=True)
    sizes = np.bincount(cohort)
    newest = np.zeros(len(names), np.int64)
    np.maximum.at(newest, cohort, first)
    known = newest[:, None] + _watched(kind, days, room) <= day_number(until)
    came = np.stack([np.bincount(cohort, back[:, k], len(names)) for k in range(len(days))], axis=1)
    return {
        "kind": kind,
        "days": list(days),
        "months": [str(np.datetime64(int(one), "M")) for one in names],
        "sizes": sizes.tolist(),
        "share": [[float(came[i, k] / sizes[i]) if known[i, k] else None for k in range(len(days))] for i in range(len(names))],
        "average": _average(came, sizes, known),
    }  # fmt: skip


def _back(age: Whole, where: Whole, customers: int, kind: Kind, days: tuple[int, ...]) -> NDArray[np.float64]:
    """customers x days: came back."""
    back = np.zeros((customers, len(days)))
    for k, day in enumerate(days):
        if kind == "n_day":
            inside = age == day
        elif kind == "unbounded":
            inside = age >= day
        else:
            inside = (age >= day) & (age < _end(days, k))
        back[where[inside], k] = 1.0
    return back


def _end(days: tuple[int, ...], k: int) -> int:
    """Where a bracket ends; the last is as wide as the one before it."""
    return days[k + 1] if k + 1 < len(days) else days[k] + (days[k] - days[k - 1] if k else days[k])


def _watched(kind: Kind, days: tuple[int, ...], room: int) -> Whole:
    """How many days after the first one must have been seen before a cell is known."""
    if kind == "bracket":
        return np.array([_end(days, k) for k in range(len(days))])
    return np.array(days) + (1 if kind == "n_day" else 1 + room)


def _average(came: Any, sizes: Any, known: Any) -> list[float | None]:
    found: list[float | None] = []
    for k in range(came.shape[1]):
        rows = known[:, k]
        found.append(float(came[rows, k].sum() / sizes[rows].sum()) if rows.any() else None)
    return found
