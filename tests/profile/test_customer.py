"""One customer's page obeys the visibility rule, and order days are what everybody else counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.log import EventLog
from holdfast.core.schema import EVENTS_CLEAN
from holdfast.engine.duck import Engine
from holdfast.profile.customer import customer_page
from holdfast.profile.orders import Orders
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.rows import order_days
from holdfast.snapshot.snapshot import Snapshot

CUTOFF = Cutoff.parse("2024-03-01", "Europe/London")


def event(name: str, day: date, **more: Any) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return {
        "event_id": name, "customer_id": "a", "occurred_at": at, "recorded_at": at, "event_type": "purchase",
        "item_id": name, "quantity": 2.0, "unit_price": 50_000, "order_id": f"order-{day}", "local_day": day,
        "local_hour": 12, "source": "s", "source_id": "a",
    } | more  # fmt: skip


def rows(*events: dict[str, Any]) -> pa.Table:
    return EVENTS_CLEAN.conform(pa.Table.from_pylist(list(events), schema=EVENTS_CLEAN.schema))


JAN, FEB, MAR = date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 5)


def test_a_page_by_hand() -> None:
    page = customer_page(
        rows(
            event("x", JAN), event("y", JAN, discount=20_000), event("z", FEB), event("w", date(2024, 2, 20)),
            event("v", FEB, event_type="view", order_id=None, quantity=None, unit_price=None),
        ),
        CUTOFF, zone="Europe/London", titles={"x": "Cake stand"},
    )  # fmt: skip
    assert (page["orders"], page["order_days"], page["revenue"]) == (3, 3, 38.0)
    assert page["gaps"] == [31, 10]
    assert page["usual_gap_days"] == 20.5
    assert page["days_since_last_order"] == 10
    assert page["overdue_ratio"] == pytest.approx(10 / 20.5)
    assert page["months"] == [
        {"month": "2024-01", "orders": 1, "revenue": 18.0},
        {"month": "2024-02", "orders": 2, "revenue": 20.0},
    ]
    assert [one["kind"] for one in page["timeline"]] == ["purchase", "purchase", "view", "purchase"]
    assert page["timeline"][-1]["items"] == ["Cake stand", "y"]


def test_what_was_not_known_at_the_cutoff_is_not_on_the_page() -> None:
    late = event("late", JAN, recorded_at=CUTOFF.at)
    future = event("future", MAR)
    gone = event("gone", JAN, retracted_at=CUTOFF.at - timedelta(days=1))
    still = event("still", JAN, retracted_at=CUTOFF.at)  # voided later: at the cutoff it counts
    page = customer_page(rows(late, future, gone, still), CUTOFF)
    assert page["orders"] == 1
    assert page["timeline"][0]["items"] == ["still"]


def test_nobody_has_an_empty_page() -> None:
    page = customer_page(rows(), CUTOFF)
    assert page["orders"] == 0
    assert page["first_order"] is None
    assert page["usual_gap_days"] is None
    assert page["months"] == []


def test_order_days_follow_the_same_rule_and_the_same_money() -> None:
    table = rows(
        event("x", JAN), event("one piece", JAN, quantity=None), event("y", FEB, discount=20_000), event("future", MAR),
        event("late", JAN, recorded_at=CUTOFF.at), event("gone", FEB, retracted_at=CUTOFF.at - timedelta(days=1)),
        event("still", FEB, retracted_at=CUTOFF.at), event("v", FEB, event_type="view"),
    )  # fmt: skip
    with Engine() as engine:
        log = EventLog(engine.memory(table), "UTC", "EUR", "one customer", JAN, MAR)
        orders = Orders.read(order_days(Snapshot(Ledger.open(engine, log), (CUTOFF,)).observed))
    assert orders.ids == ("a",)
    assert orders.revenue.tolist() == [150_000, 180_000]
    page = customer_page(table, CUTOFF)
    assert page["revenue"] == sum(orders.revenue.tolist()) / 10_000
