"""Who stays: the monthly cohort triangle, and how soon customers order again after their first, second, ... order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from holdfast.profile.orders import Orders, Whole, day_number, to_date

#: 95th percentile of the normal distribution: 90% intervals, two-sided.
_Z90 = 1.6448536269514722


def cohorts(orders: Any, until: date, *, data_from: date | None = None) -> dict[str, Any]:
    """The triangle of monthly cohorts: customers by the month of their first order, the share that orders again.

    Cell [i][k] is the share of cohort i with an order in the k-th calendar month after its first (k = 0 is 1).
    Returns {"months": ["2011-01"], "sizes": [n], "share": [[1.0, .38]], "revenue_per_customer": [[money units]],
    "average": [over whole months, weighted by customers], "partial_month": "2011-11" or None,
    "first_is_truncated": bool}. The first cohort holds everybody who was a customer before the data begins.

    >>> import pyarrow as pa
    >>> rows = {"customer_id": ["a", "a", "b"], "local_day": [date(2024, 1, 5), date(2024, 2, 5), date(2024, 1, 9)]}
    >>> cohorts(pa.table(rows), date(2024, 3, 1))["share"]
    [[1.0, 0.5]]
    """
    seen = (orders if isinstance(orders, Orders) else Orders.read(orders)).before(until)
    if not len(seen):
        return {"months": [], "sizes": [], "share": [], "revenue_per_customer": [], "average": []}
    month = _months(seen.day)
    first = np.repeat(month[seen.starts()], np.diff(np.append(seen.starts(), len(seen))))
    base, last = int(first.min()), int(_months(np.array([day_number(until) - 1]))[0])
    width = last - base + 1
    active = np.zeros((width, width))
    spent = np.zeros((width, width))
    _, once = np.unique(seen.code * (last + 1) + month, return_index=True)
    np.add.at(active, (first[once] - base, month[once] - first[once]), 1)
    np.add.at(spent, (first - base, month - first), seen.revenue)
    whole = _is_first_of_month(until)
    return _triangle(active, spent, base, None if whole else _label(last))


def _triangle(active: Any, spent: Any, base: int, partial: str | None) -> dict[str, Any]:
    sizes = active[:, 0].astype(int)
    rows = [i for i in range(len(sizes)) if sizes[i]]
    width = len(sizes)
    return {
        "months": [_label(base + i) for i in rows],
        "sizes": [int(sizes[i]) for i in rows],
        "share": [[float(active[i, k] / sizes[i]) for k in range(width - i)] for i in rows],
        "revenue_per_customer": [[float(spent[i, k] / sizes[i] / 10_000) for k in range(width - i)] for i in rows],
        "average": _average(active, sizes, width - 1 if partial else width),
        "partial_month": partial,
        "first_is_truncated": len(rows) > 1,
    }


def _average(active: Any, sizes: Whole, whole: int) -> list[float]:
    """By month after the first, over the cohorts for which that month is whole."""
    found = []
    for k in range(whole):
        old = slice(0, whole - k)
        if not sizes[old].sum():
            break
        found.append(float(active[old, k].sum() / sizes[old].sum()))
    return found


def retention_curves(
    orders: Any, until: date, *, after: Sequence[int] = (1, 2, 3, 5, 10), longest: int = 365, watched: int = 20
) -> dict[str, Any]:
    """After the k-th order day: the share that has ordered again by day d (Kaplan-Meier, 90% by Greenwood).

    A customer counts once in each curve; one whose next order has not come yet is censored, not lost. A curve
    ends where fewer than `watched` customers are still being watched. Returns {"curves": [{"after", "n", "days",
    "ordered_again", "low", "high", "median_days"}], "until": ISO day}.
    """
    seen = (orders if isinstance(orders, Orders) else Orders.read(orders)).before(until)
    curves = []
    for k in after:
        duration, observed = spells(seen, until, k)
        if len(duration) >= watched:
            curves.append({"after": k, "n": len(duration), **_kaplan_meier(duration, observed, longest, watched)})
    return {"curves": curves, "until": until.isoformat()}


def spells(seen: Orders, until: date, k: int) -> tuple[Whole, np.ndarray[Any, Any]]:
    """Days from each customer's k-th order day to the next one, or to `until`; and whether the next one came."""
    first, last = seen.starts(), seen.ends()
    here = first + k - 1
    here, end = here[here <= last], last[here <= last]
    observed = here < end
    following = np.where(observed, seen.day[np.minimum(here + 1, len(seen) - 1)], day_number(until))
    return following - seen.day[here], observed


def _kaplan_meier(duration: Whole, observed: Any, longest: int, watched: int) -> dict[str, Any]:
    top = int(min(longest, duration.max()))
    ended = np.bincount(duration[observed], minlength=top + 1)[: top + 1].astype(float)
    all_ended = np.bincount(duration, minlength=top + 1).astype(float)
    at_risk = all_ended[::-1].cumsum()[::-1][: top + 1]
    keep = at_risk >= watched
    ended, at_risk = ended[keep], at_risk[keep]
    silent = np.cumprod(1 - ended / at_risk)
    spread = np.sqrt(np.cumsum(ended / np.maximum(at_risk * (at_risk - ended), 1e-12)))
    # The log-log form keeps the ends inside [0, 1].
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.exp(_Z90 * spread / np.log(silent))
    wide = np.where(np.isfinite(wide) & (silent < 1), wide, 1.0)
    again = 1 - silent
    half = np.flatnonzero(again >= 0.5)
    return {
        "days": list(range(len(again))),
        "ordered_again": again.tolist(),
        "low": (1 - silent**wide).tolist(),
        "high": (1 - silent ** (1 / wide)).tolist(),
        "median_days": int(half[0]) if len(half) else None,
    }


def _months(days: Whole) -> Whole:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _label(month: int) -> str:
    return str(np.datetime64(month, "M"))


def _is_first_of_month(day: date) -> bool:
    return to_date(day_number(day)).day == 1
