"""Where each customer stands: new, active, slowing, dormant, returned or lost.

Silence is measured against the customer's own usual gap between order days, shrunk towards the shop's mean gap
where the customer has few gaps of their own. Both are known at the day asked about, so a state never uses
anything that came later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Duration
from holdfast.core.text import Text
from holdfast.profile.orders import Orders, Whole, day_number
from holdfast.profile.settings import LifecycleSettings

Floats = NDArray[np.float64]
STATES: tuple[str, ...] = ("new", "returned", "active", "slowing", "dormant", "lost")
#: A shop in which nobody has ordered twice has no gap of its own.
_NO_GAP_DAYS = 60.0


@dataclass(frozen=True)
class Standing:
    """Where everybody stands on one day: one row per customer, in the order of their ids."""

    code: Whole
    state: Whole  # place in STATES
    silence: Floats
    usual: Floats
    order_days: Whole


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
    found = standing(read, day, settings or LifecycleSettings())
    states = pa.DictionaryArray.from_arrays(pa.array(found.state, pa.int8()), pa.array(STATES))
    return pa.table(
        {
            "customer_id": pa.array(read.ids, pa.string()).take(pa.array(found.code)),
            "lifecycle": states.cast(pa.string()),
            "days_since_last_order": found.silence,
            "usual_gap_days": found.usual,
            "order_days": found.order_days,
        }
    )


def lifecycle_over_time(
    orders: Any, until: date, settings: LifecycleSettings | None = None, *, points: int = 25
) -> dict[str, Any]:
    """How many customers stood where at the first of each month and at `until`, and who moved in the last 30 days.

    Returns {"days": [ISO day], "counts": {state: [count per day]}, "moves": [{from, to, count}],
    "moves_since": ISO day, "shop_gap_days": float, "meanings": {state: {en, zh}}}. The newest `points` days are kept.
    All of them are measured with one yardstick, the shop's mean gap known at `until`: a young history knows only
    short gaps, and would call everybody dormant.
    """
    read = orders if isinstance(orders, Orders) else Orders.read(orders)
    rules = settings or LifecycleSettings()
    days = _month_starts(read.before(until).first_day(), until)[-points:]
    gap = shop_gap(read.before(until))
    found = [standing(read, day, rules, gap) for day in days]
    counted = np.array([np.bincount(one.state, minlength=len(STATES)) for one in found])
    since = until - timedelta(days=30)
    return {
        "days": [day.isoformat() for day in days],
        "counts": {state: counted[:, i].tolist() for i, state in enumerate(STATES)},
        "moves": _moves(standing(read, since, rules, gap), found[-1], len(read.ids)),
        "moves_since": since.isoformat(),
        "shop_gap_days": gap,
        "meanings": {state: {"en": text.en, "zh": text.zh} for state, text in meanings(rules).items()},
    }


def standing(orders: Orders, day: date, rules: LifecycleSettings, gap: float | None = None) -> Standing:
    """The states as arrays; only orders before `day` are looked at, unless the shop's mean gap is given."""
    seen = orders.before(day)
    first, last = seen.starts(), seen.ends()
    silence = (day_number(day) - seen.day[last]).astype(np.float64)
    gaps = last - first
    shop = shop_gap(seen) if gap is None else gap
    span = (seen.day[last] - seen.day[first]).astype(np.float64)
    usual = (span + rules.gap_strength * shop) / (gaps + rules.gap_strength)
    ratio = silence / np.maximum(usual, 1e-9)
    state = np.full(len(first), STATES.index("active"))
    young = day_number(day) - seen.day[first] <= Duration.parse(rules.new_within).days
    gone = (ratio > rules.lost_after) | (silence > Duration.parse(rules.lost_silence).days)
    for name, those in (
        ("new", young),
        ("returned", _came_back(seen, first, last, shop, rules)),
        ("slowing", ratio > rules.slowing_after),
        ("dormant", ratio > rules.dormant_after),
        ("lost", gone),
    ):
        state[those] = STATES.index(name)  # what comes later in this list wins
    return Standing(seen.code[first], state, silence, usual, gaps + 1)


def _came_back(seen: Orders, first: Whole, last: Whole, shop: float, rules: LifecycleSettings) -> np.ndarray[Any, Any]:
    """The last order ended a silence that had made the customer dormant by the gaps known before it."""
    several = last > first
    before = np.where(several, last - 1, last)
    broke = (seen.day[last] - seen.day[before]).astype(np.float64)
    earlier = (seen.day[before] - seen.day[first]).astype(np.float64)
    usual = (earlier + rules.gap_strength * shop) / (np.maximum(last - first - 1, 0) + rules.gap_strength)
    return np.asarray(several & (broke > rules.dormant_after * usual))


def shop_gap(seen: Orders) -> float:
    """Mean gap between order days, over all gaps that have ended."""
    first, last = seen.starts(), seen.ends()
    gaps = int((last - first).sum())
    return float((seen.day[last] - seen.day[first]).sum() / gaps) if gaps else _NO_GAP_DAYS


def _moves(old: Standing, new: Standing, customers: int) -> list[dict[str, Any]]:
    """Who stood where 30 days ago and where they stand now, largest move first; those who stayed are left out."""
    nobody = len(STATES)
    was = np.full(customers, nobody)
    was[old.code] = old.state
    pairs, counts = np.unique(was[new.code] * len(STATES) + new.state, return_counts=True)
    names = (*STATES, "none")
    moves = [
        {"from": names[pair // len(STATES)], "to": names[pair % len(STATES)], "count": int(count)}
        for pair, count in zip(pairs.tolist(), counts, strict=True)
    ]
    moved = [one for one in moves if one["from"] != one["to"]]
    return sorted(moved, key=lambda one: (-one["count"], one["from"], one["to"]))


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
