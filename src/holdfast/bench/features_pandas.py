"""The columns of `bench features` as somebody would compute them in pandas."""

from __future__ import annotations

from datetime import date
from typing import Any


def aggregate(events: Any, cutoff: date) -> Any:
    """One row per customer with an order in the 180 days before the cutoff."""
    import pandas as pd

    at = pd.Timestamp(cutoff, tz="UTC")
    events = events[(events.occurred_at < at) & (events.recorded_at < at)].copy()
    events["age"] = (pd.Timestamp(cutoff) - pd.to_datetime(events.local_day)).dt.days
    bought = events[events.event_type == "purchase"].copy()
    bought["revenue"] = (bought.quantity * bought.unit_price + 0.5).astype("int64")
    parts: dict[str, Any] = {}
    for window in (7, 30, 60, 90, 180, None):
        name = f"_{window}d" if window else ""
        groups = _within(bought, window).groupby("customer_id")
        parts[f"order_count{name}"] = groups.order_id.nunique()
        parts[f"revenue{name}"] = groups.revenue.sum() / 10_000
    for window in (30, 90, 180, None):
        name = f"_{window}d" if window else ""
        parts[f"session_count{name}"] = _within(events, window).groupby("customer_id").session_id.nunique()
        groups = _within(bought, window).groupby("customer_id")
        parts[f"item_count{name}"], parts[f"line_count{name}"] = groups.item_id.nunique(), groups.size()
    parts |= _browsing(events)
    ages = bought.groupby("customer_id").age
    parts["days_since_last_order"], parts["T"] = ages.min(), ages.max()
    table = pd.DataFrame(parts)
    return table[table.days_since_last_order <= 180]


def _browsing(events: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for window in (7, 30, 90):
        inside = _within(events, window)
        for kind in ("view",) if window == 7 else ("view", "search", "cart_add"):
            parts[f"{kind}_count_{window}d"] = inside[inside.event_type == kind].groupby("customer_id").size()
        if window != 7:
            groups = inside.groupby("customer_id")
            parts[f"item_seen_count_{window}d"] = groups.item_id.nunique()
            parts[f"active_day_count_{window}d"] = groups.age.nunique()
    everything = events.groupby("customer_id")
    parts["days_since_last_act"], parts["act_count"] = everything.age.min(), everything.size()
    recent = _within(events, 180)
    for name, chosen in (
        ("night", recent.local_hour < 6),
        ("weekend", recent.age.isin(_weekends(recent))),
        ("app", recent.channel == "app"),
    ):
        parts[f"{name}_share_180d"] = chosen.groupby(recent.customer_id).mean()
    return parts


def _weekends(events: Any) -> list[int]:
    import pandas as pd

    days = events[["age", "local_day"]].drop_duplicates()
    return list(days.age[pd.to_datetime(days.local_day).dt.dayofweek >= 5])


def _within(events: Any, window: int | None) -> Any:
    return events if window is None else events[events.age <= window]
