"""How long a silence means good-bye: what the shop's own gaps say about windows and horizons."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from holdfast.profile.orders import Orders, day_number

_STEADY = 14


def silence(
    orders: Any, until: date, *, shares: tuple[float, ...] = (0.5, 0.25, 0.1), within: int = 30, watched: int = 20
) -> dict[str, Any]:
    """After how many silent days fewer than each share of customers order again within `within` days.

    Every gap between order days is one spell; each customer's last silence is censored at `until`
    (Kaplan-Meier over spells). Returns {"spells", "median_gap_days", "quartile_gap_days", "within_days",
    "returns": [{"share", "silent_days" or None}], "curve": [{"silent_days", "share"}], "reach_days"}; `None`
    where the history is too short to see the share fall so low. The curve ends with the reach of the data. A share
    may rise again after a year, where customers order for one season only: the first fall is reported.
    """
    seen = (orders if isinstance(orders, Orders) else Orders.read(orders)).before(until)
    survival = _survival(seen, until, watched)
    reach = len(survival) - 1
    curve = []
    for day in range(max(reach - within, 0) + 1):
        if day + within <= reach and survival[day] > 0:
            curve.append({"silent_days": day, "share": float(1 - survival[day + within] / survival[day])})
    return {
        "spells": len(seen),
        "median_gap_days": _quantile(survival, 0.5),
        "quartile_gap_days": _quantile(survival, 0.25),
        "within_days": within,
        "returns": [{"share": share, "silent_days": _first_below(curve, share)} for share in shares],
        "curve": curve[:: max(1, len(curve) // 60)],
        "reach_days": reach,
    }


def _survival(seen: Orders, until: date, watched: int) -> np.ndarray[Any, Any]:
    """P(still silent after d days), d = 0, 1, ..., as far as at least `watched` spells reach."""
    if not len(seen):
        return np.ones(1)
    last = np.zeros(len(seen), bool)
    last[seen.ends()] = True
    following = np.where(last, day_number(until), np.append(seen.day[1:], day_number(until)))
    duration = following - seen.day
    top = int(duration.max())
    ended = np.bincount(duration[~last], minlength=top + 1).astype(float)
    at_risk = np.bincount(duration, minlength=top + 1)[::-1].cumsum()[::-1].astype(float)
    keep = at_risk >= watched
    if not keep.any():
        return np.ones(1)
    return np.asarray(np.cumprod(1 - ended[keep] / at_risk[keep]))


def _quantile(survival: np.ndarray[Any, Any], left: float) -> int | None:
    """First day on which at most `left` of the spells are still silent."""
    found = np.flatnonzero(survival <= left)
    return int(found[0]) if len(found) else None


def _first_below(curve: list[dict[str, Any]], share: float) -> int | None:
    """The first silence from which the share stays below for `_STEADY` days, so that a wiggle does not decide."""
    below = 0
    for point in curve:
        below = below + 1 if point["share"] < share else 0
        if below == _STEADY:
            return int(point["silent_days"]) - _STEADY + 1
    return None
