"""One customer's page: timeline, rhythm and spend by month, from that customer's own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa

from holdfast.core.clock import Cutoff
from holdfast.core.money import to_units
from holdfast.profile.orders import day_number

#: Mean gap is no rhythm before there are so many gaps.
_MIN_GAPS = 2


def customer_page(
    rows: pa.Table, cutoff: Cutoff, *, zone: str = "UTC", titles: Mapping[str, str] | None = None, newest: int = 12
) -> dict[str, Any]:
    """What one customer did before the cutoff, as plain data.

    `rows` are the customer's EVENTS_CLEAN rows (any order). Returns {"first_order", "last_order" (ISO days),
    "orders", "order_days", "revenue" (currency units), "days_since_last_order", "gaps" (days, oldest first),
    "usual_gap_days", "overdue_ratio", "months": [{"month", "orders", "revenue"}],
    "timeline": [{"day", "kind", "order_id", "lines", "units", "amount", "items"}] newest first}.
    """
    seen = [row for row in rows.to_pylist() if _counts(row, cutoff)]
    bought = [row for row in seen if row["event_type"] == "purchase"]
    days = sorted({row["local_day"] for row in bought})
    gaps = [(b - a).days for a, b in pairwise(days)]
    silence = (cutoff.local_day(zone) - days[-1]).days if days else None
    usual = sum(gaps) / len(gaps) if len(gaps) >= _MIN_GAPS else None
    return {
        "first_order": days[0].isoformat() if days else None,
        "last_order": days[-1].isoformat() if days else None,
        "orders": len({_order(row) for row in bought}),
        "order_days": len(days),
        "revenue": to_units(sum(_amount(row) for row in bought)),
        "days_since_last_order": silence,
        "gaps": gaps,
        "usual_gap_days": usual,
        "overdue_ratio": silence / usual if usual and silence is not None else None,
        "months": _by_month(bought, cutoff.local_day(zone)),
        "timeline": _timeline(seen, titles or {})[:newest],
        "events": _kinds(seen),
    }


def _counts(row: Mapping[str, Any], cutoff: Cutoff) -> bool:
    """The visibility rule of every reader (docs/adr/0001)."""
    retracted = row.get("retracted_at")
    return bool(
        row["occurred_at"] < cutoff.at
        and row["recorded_at"] < cutoff.at
        and not (retracted is not None and retracted < cutoff.at)
    )


def _amount(row: Mapping[str, Any]) -> int:
    quantity = 1.0 if row["quantity"] is None else row["quantity"]  # one piece, as everywhere
    return round(quantity * (row["unit_price"] or 0)) - (row.get("discount") or 0)


def _order(row: Mapping[str, Any]) -> Any:
    return row.get("order_id") or (row["local_day"], "")


def _by_month(bought: Sequence[Mapping[str, Any]], until: date) -> list[dict[str, Any]]:
    """Every month from the first order to the cutoff, empty ones included."""
    if not bought:
        return []
    spent: dict[tuple[int, int], int] = {}
    orders: dict[tuple[int, int], set[Any]] = {}
    for row in bought:
        month = (row["local_day"].year, row["local_day"].month)
        spent[month] = spent.get(month, 0) + _amount(row)
        orders.setdefault(month, set()).add(_order(row))
    year, month_number = min(spent)
    found = []
    while day_number(date(year, month_number, 1)) < day_number(until):
        key = (year, month_number)
        revenue = to_units(spent.get(key, 0))
        found.append({"month": f"{year}-{month_number:02}", "orders": len(orders.get(key, ())), "revenue": revenue})
        year, month_number = (year + 1, 1) if month_number == 12 else (year, month_number + 1)
    return found


def _timeline(seen: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """One entry per day, kind and order, newest first."""
    groups: dict[tuple[date, str, str], list[Mapping[str, Any]]] = {}
    for row in seen:
        groups.setdefault((row["local_day"], row["event_type"], row.get("order_id") or ""), []).append(row)
    newest = sorted(groups.items(), key=lambda pair: (-day_number(pair[0][0]), pair[0][1], pair[0][2]))
    return [_entry(day, kind, order, rows, titles) for (day, kind, order), rows in newest]


def _entry(
    day: date, kind: str, order: str, rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]
) -> dict[str, Any]:
    dearest = sorted(rows, key=lambda row: (-_amount(row), row.get("item_id") or "", row["event_id"]))
    items = dict.fromkeys(titles.get(row["item_id"], row["item_id"]) for row in dearest if row.get("item_id"))
    money = kind in ("purchase", "refund", "cancel")
    return {
        "day": day.isoformat(),
        "kind": kind,
        "order_id": order or None,
        "lines": len(rows),
        "units": sum(row["quantity"] or 0 for row in rows),
        "amount": to_units(sum(_amount(row) for row in rows)) if money else None,
        "items": list(items)[:3],
    }


def _kinds(seen: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in seen:
        counts[row["event_type"]] = counts.get(row["event_type"], 0) + 1
    return dict(sorted(counts.items()))
