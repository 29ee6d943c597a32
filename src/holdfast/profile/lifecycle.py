"""Where each customer stands: new, active, slowing, dormant, returned or lost.

Silence is measured against the customer's own usual gap between order days, shrunk towards the shop's mean gap
where the customer has few gaps of their own. Both are known at the day asked about, so a state never uses
anything that came later.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Duration
from holdfast.core.text import Text
from holdfast.profile.orders import Orders, Whole, day_number
from holdfast.profile.settings import LifecycleSettings

STATES: tuple[str, ...] = ("new", "returned", "active", "slowing", "dormant", "lost")
#: A shop in which nobody has ordered twice has no gap of its own.
_NO_GAP_DAYS = 60.0


def lifecycle(orders: Any, day: date, settings: LifecycleSettings | None = None) -> pa.Table:
    """The state of every customer with an order before `day`.

    `orders` is an Ibis or Arrow table (customer_id, local_day, revenue), one row per customer and order day.
    Returns customer_id, lifecycle, days_since_last_order, usual_gap_days, order_days; sorted by customer_id.

    >>> days = {"customer_id": ["a", "a", "b"], "local_day": [date(2024, 1, 1), date(2024, 1, 11), date(2024, 3, 1)]}
    >>> found = lifecycle(pa.table(days), date(2024, 3, 5))
    >>> found["lifecycle"].to_pylist(), found["usual_gap_days"].to_pylist()
    (['dormant', 'new'], [10.0, 10.0])
    """
    read = orders if isinstance(orders, Orders) else Orders.read(orders)
    return _states(read.before(day), day, settings or LifecycleSettings())


def lifecycle_over_time(
    orders: Any, until: date, settings: LifecycleSettings | None = None, *, points: int = 25
) -> dict[str, Any]:
    """How many customers stood where at the first of each month and at `until`, and who moved in the last 30 days.

    Returns {"days": [ISO day], "counts": {state: [count per day]}, "moves": [{from, to, count}],
    "moves_since": ISO day, "shop_gap_days": float, "meanings": {state: {en, zh}}}. The newest `points` days are kept.
    """
    read = (orders if isinstance(orders, Orders) else Orders.read(orders)).before(until)
    rules = settings or LifecycleSettings()
    days = _month_starts(read.first_day(), until)[-points:]
    tables = {day: _states(read.before(day), day, rules) for day in days}
    counts = {state: [_count(tables[day], state) for day in days] for state in STATES}
    since = until - timedelta(days=30)
    return {
        "days": [day.isoformat() for day in days],
        "counts": counts,
        "moves": _moves(_states(read.before(since), since, rules), tables[until]),
        "moves_since": since.isoformat(),
        "shop_gap_days": _shop_gap(read),
        "meanings": {state: {"en": text.en, "zh": text.zh} for state, text in meanings(rules).items()},
    }


def _states(seen: Orders, day: date, rules: LifecycleSettings) -> pa.Table:
    first, last = seen.starts(), seen.ends()
    silence = (day_number(day) - seen.day[last]).astype(np.float64)
    age = day_number(day) - seen.day[first]
    gaps = last - first
    shop = _shop_gap(seen)
    span = (seen.day[last] - seen.day[first]).astype(np.float64)
    usual = (span + rules.gap_strength * shop) / (gaps + rules.gap_strength)
    ratio = silence / np.maximum(usual, 1e-9)
    state = np.full(len(first), "active", dtype="<U8")
    state[age <= Duration.parse(rules.new_within).days] = "new"
    state[_came_back(seen, first, last, shop, rules)] = "returned"
    state[ratio > rules.slowing_after] = "slowing"
    state[ratio > rules.dormant_after] = "dormant"
    state[(ratio > rules.lost_after) | (silence > Duration.parse(rules.lost_silence).days)] = "lost"
    return pa.table(
        {
            "customer_id": pa.array([seen.ids[i] for i in seen.code[first]], pa.string()),
            "lifecycle": pa.array(state.tolist(), pa.string()),
            "days_since_last_order": silence,
            "usual_gap_days": usual,
            "order_days": gaps + 1,
        }
    )


def _came_back(seen: Orders, first: Whole, last: Whole, shop: float, rules: LifecycleSettings) -> np.ndarray[Any, Any]:
    """The last order ended a silence that had made the customer dormant by the gaps known before it."""
    several = last > first
    before = np.where(several, last - 1, last)
    broke = (seen.day[last] - seen.day[before]).astype(np.float64)
    earlier = (seen.day[before] - seen.day[first]).astype(np.float64)
    usual = (earlier + rules.gap_strength * shop) / (np.maximum(last - first - 1, 0) + rules.gap_strength)
    return np.asarray(several & (broke > rules.dormant_after * usual))


def _shop_gap(seen: Orders) -> float:
    """Mean gap between order days, over all gaps that have ended."""
    first, last = seen.starts(), seen.ends()
    gaps = int((last - first).sum())
    return float((seen.day[last] - seen.day[first]).sum() / gaps) if gaps else _NO_GAP_DAYS


def _count(table: pa.Table, state: str) -> int:
    return sum(one == state for one in table["lifecycle"].to_pylist())


def _moves(old: pa.Table, new: pa.Table) -> list[dict[str, Any]]:
    """Who stood where 30 days ago and where they stand now, largest move first; those who stayed are left out."""
    was = dict(zip(old["customer_id"].to_pylist(), old["lifecycle"].to_pylist(), strict=True))
    counts: dict[tuple[str, str], int] = {}
    for one, state in zip(new["customer_id"].to_pylist(), new["lifecycle"].to_pylist(), strict=True):
        move = (was.get(one, "none"), state)
        if move[0] != state:
            counts[move] = counts.get(move, 0) + 1
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"from": a, "to": b, "count": count} for (a, b), count in ranked]


def _month_starts(first: date | None, until: date) -> list[date]:
    """The first of each month after `first`, then `until` itself."""
    days: list[date] = []
    month = until.replace(day=1)
    while first is not None and month > first:
        if month != until:
            days.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return [*reversed(days), until]


def meanings(settings: LifecycleSettings | None = None) -> dict[str, Text]:
    """What each state means, with the limits in force.

    >>> meanings()["slowing"].en
    'Silent for more than 1.5 of the usual gaps.'
    """
    rules = settings or LifecycleSettings()
    new, lost = Duration.parse(rules.new_within).days, Duration.parse(rules.lost_silence).days
    return {
        "new": Text(f"First order within the last {new:g} days.", f"首单在最近{new:g}天内。"),
        "returned": Text("Was dormant; the last order ended the silence.", "曾经沉睡，最近一次下单打破了沉默。"),
        "active": Text("Within the usual rhythm.", "按平常的节奏下单。"),
        "slowing": Text(
            f"Silent for more than {rules.slowing_after:g} of the usual gaps.",
            f"沉默时间超过平常间隔的{rules.slowing_after:g}倍。",
        ),
        "dormant": Text(
            f"Silent for more than {rules.dormant_after:g} usual gaps.",
            f"沉默时间超过平常间隔的{rules.dormant_after:g}倍。",
        ),
        "lost": Text(
            f"Silent for more than {rules.lost_after:g} usual gaps, or {lost:g} days.",
            f"沉默时间超过平常间隔的{rules.lost_after:g}倍，或超过{lost:g}天。",
        ),
    }
