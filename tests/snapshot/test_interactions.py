"""Interactions at a cutoff obey the law of time; outcomes are what came after it, by the rules of orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.shops import ITEM_ROWS, START, ZONES, cutoffs, localised, log_of, rows

from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.interactions import Interactions
from holdfast.core.schema import EVENT_TYPES
from holdfast.engine.duck import Engine
from holdfast.snapshot.fold import survey
from holdfast.snapshot.interactions import OWN_ACTS, interactions, items_on_sale
from holdfast.snapshot.item_outcomes import item_outcomes
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import OutcomeSettings
from holdfast.snapshot.snapshot import Snapshot

LAW = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONG = ("customer", "item", "occurred_at", "event_type", "basket", "session", "quantity", "amount")
NUMBERS = ("price", "margin_rate", "stock", "min_age", "active_from", "active_to")
WORDS = ("item_id", "kind", "title", "category", "brand", "description", "image")
DAY = timedelta(days=1)


def opened(engine: Engine, events: list[dict[str, Any]], zone: str, items: Any = ITEM_ROWS) -> Ledger:
    return Ledger.open(engine, log_of(engine, events, zone, items))


def unfolded(engine: Engine, events: list[dict[str, Any]], zone: str, items: Any = ITEM_ROWS) -> Ledger:
    """A ledger whose tables nobody made: interactions are read from the log itself."""
    log = log_of(engine, events, zone, items)
    return Ledger(engine, log, survey(engine, log.events), *[None] * 6)


def same(one: Interactions, other: Interactions) -> bool:
    """Bit for bit."""
    return (
        one.customer_id.equals(other.customer_id)
        and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in LONG)
        and all(getattr(one.items, n).equals(getattr(other.items, n)) for n in WORDS)
        and all(np.array_equal(getattr(one.items, n), getattr(other.items, n), equal_nan=True) for n in NUMBERS)
    )


def known(events: list[dict[str, Any]], cutoff: Cutoff) -> list[dict[str, Any]]:
    """The rows of a log in which the cutoff is now."""
    return [
        {
            **row,
            "retracted_at": None if row["retracted_at"] and row["retracted_at"] >= cutoff.at else row["retracted_at"],
        }
        for row in events
        if row["recorded_at"] < cutoff.at and row["occurred_at"] < cutoff.at
    ]


@LAW
@given(data=st.data())
def test_deleting_what_was_recorded_later_changes_nothing(engine: Engine, data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    events = localised(data.draw(rows()), zone)
    (cutoff,) = data.draw(cutoffs(zone).filter(lambda found: len(found) == 1))
    items = [row for row in ITEM_ROWS if row["valid_from"] is not None and row["valid_from"] < cutoff.at]
    before = known(events, cutoff)
    now = interactions(unfolded(engine, events, zone), cutoff)
    if before:
        assert same(now, interactions(unfolded(engine, before, zone, items), cutoff))
    else:
        assert len(now) == 0


@LAW
@given(data=st.data(), seed=st.randoms(use_true_random=False))
def test_they_are_the_rows_of_the_log_in_any_order(engine: Engine, data: st.DataObject, seed: Any) -> None:
    events = localised(data.draw(rows()), "Europe/London")
    (cutoff,) = data.draw(cutoffs("Europe/London").filter(lambda found: len(found) == 1))
    shuffled = list(events)
    seed.shuffle(shuffled)
    found = interactions(unfolded(engine, events, "Europe/London"), cutoff)
    assert same(found, interactions(unfolded(engine, shuffled, "Europe/London"), cutoff))
    mine = [
        row
        for row in known(events, cutoff)
        if row["item_id"] and row["event_type"] in OWN_ACTS and row["retracted_at"] is None
    ]
    said = sorted(
        (found.customer_id[int(c)].as_py(), found.items.item_id[int(i)].as_py(), EVENT_TYPES[t], float(q))
        for c, i, t, q in zip(found.customer, found.item, found.event_type, found.quantity, strict=True)
    )
    assert said == sorted(
        (row["customer_id"], row["item_id"], row["event_type"], 1.0 if row["quantity"] is None else row["quantity"])
        for row in mine
    )


def line(number: int, day: float, item: str | None, **more: Any) -> dict[str, Any]:
    at = START + day * DAY
    return {
        "event_id": f"e{number}", "customer_id": "ann", "occurred_at": at, "recorded_at": at, "event_type": "purchase",
        "item_id": item, "quantity": 2.0, "unit_price": 10_000, "order_id": f"o{day}", "retracted_at": None,
        "source": "s", "source_id": "x", **more,
    }  # fmt: skip


def shop(engine: Engine, *lines: dict[str, Any], items: Any = ITEM_ROWS) -> Ledger:
    end = line(99, 60, None, customer_id="zoe", event_type="visit", order_id=None)
    return opened(engine, localised([*lines, end], "UTC"), "UTC", items)


def at(day: float) -> Cutoff:
    return Cutoff(START + day * DAY)


def test_orders_amounts_and_what_a_later_refund_leaves(engine: Engine) -> None:
    ledger = shop(
        engine,
        line(1, 1, "i1", order_id="o1", discount=500),
        line(2, 1, "i2", order_id="o1", unit_price=None),
        line(3, 2, "i2", order_id=None),
        line(4, 2.5, "i3", order_id=None),
        line(5, 2.6, "i1", event_type="view", order_id=None, session_id="s1"),
        line(6, 3, "i1", event_type="refund", order_id="o1"),
        line(7, 4, "i3", customer_id="bob", retracted_at=START + 4.5 * DAY),
    )
    past = interactions(ledger, at(10))
    assert past.customer_id.to_pylist() == ["ann"]
    assert past.amount.tolist() == [19_500, -1, 20_000, 20_000, 20_000]
    assert past.basket[0] == past.basket[1]
    assert past.basket[2] == past.basket[3]  # without an order, one a day
    assert past.basket[4] == -1
    assert past.session.tolist() == [-1, -1, -1, -1, 0]
    assert interactions(ledger, at(4.25)).customer_id.to_pylist() == ["ann", "bob"]
    assert interactions(ledger, at(10), event_types=("refund",)).size == 1


def test_a_catalogue_is_as_old_as_the_cutoff(engine: Engine) -> None:
    items = [
        {"item_id": "i1", "title": "Old", "category": "A", "price": 5, "valid_from": START, "stock": 0},
        {"item_id": "i1", "title": "New", "category": "B", "stock": 3, "embedding": [1.0, 2.0], "valid_from": START + 20 * DAY},
        {"item_id": "i2", "title": "Timeless", "brand": "x", "valid_from": None},
        {"item_id": "i9", "title": "Fresh", "active_from": START + 9 * DAY, "valid_from": START + 9 * DAY},
    ]  # fmt: skip
    ledger = shop(engine, line(1, 1, "i1"), line(2, 1, "i2"), items=items)
    then = interactions(ledger, at(10))
    assert then.items.item_id.to_pylist() == ["i1", "i2", "i9"]
    assert then.items.title.to_pylist() == ["Old", None, "Fresh"]
    assert then.items.price.tolist() == [5, -1, -1]
    assert then.items.embedding is None
    assert items_on_sale(then, Window.parse("5d")).tolist() == [False, False, True]  # out of stock; long ago; new
    shown = interactions(ledger, at(10), titles="newest")
    assert shown.items.title.to_pylist() == ["New", "Timeless", "Fresh"]
    assert shown.items.category.to_pylist() == ["A", None, None]
    today = interactions(ledger, at(10), attributes="newest")
    assert today.items.category.to_pylist() == ["B", None, None]
    assert today.items.brand.to_pylist() == [None, "x", None]
    assert today.items.embedding[0].tolist() == [1, 2]
    assert items_on_sale(today, Window.parse("30d")).tolist() == [True, True, True]
    with pytest.raises(UsageError, match="titles"):
        interactions(ledger, at(10), titles="latest")  # type: ignore[arg-type]
    assert interactions(shop(engine, line(1, 1, "i1"), items=None), at(10)).items.title.to_pylist() == [None]


def test_segments_and_ties(engine: Engine) -> None:
    ledger = shop(engine, line(1, 1, "i1"), line(2, 1, "i1", customer_id="bob"))
    said = pa.table({"customer_id": ["zoe", "bob"], "segment": ["a", "b"]})
    assert interactions(ledger, at(10), segments=said).segment.to_pylist() == [None, "b"]
    assert interactions(ledger, at(10)).segment is None
    since = pa.array([START, START + 20 * DAY, START, None], pa.timestamp("us", "UTC"))
    ties = pa.table({
        "customer_id": ["ann", "bob", "ann", "bob"], "other_id": ["bob", "ann", "kim", "ann"], "kind": ["friend"] * 4,
        "weight": pa.array([None, 2.0, 1.0, 1.0]), "since": since,
    })  # fmt: skip
    ledger.log.tables["ties"] = engine.memory(ties)  # type: ignore[index]
    found = interactions(ledger, at(10)).ties
    assert found is not None
    assert (found.customer.tolist(), found.other.tolist(), found.weight.tolist()) == ([0], [1], [1.0])


def test_outcomes_are_the_items_of_the_horizon(engine: Engine) -> None:
    ledger = shop(
        engine,
        line(1, 1, "i1"),
        line(2, 10, "i2"),
        line(3, 12, "i2"),
        line(4, 12, "i1", event_type="view"),
        line(5, 15, "i3", retracted_at=START + 16 * DAY),
        line(6, 16, "i1", retracted_at=START + 16.1 * DAY),
        line(7, 40, "i3"),
        line(8, 20, "i3", customer_id="bob"),
    )
    found = item_outcomes(ledger, at(10), Horizon.parse("30d"))
    assert found.customer_id.to_pylist() == ["ann", "bob", "zoe"]
    assert found.to_arrow().to_pylist() == [
        {"customer_id": "ann", "item_id": "i2", "amount": 40_000},
        {"customer_id": "ann", "item_id": "i3", "amount": 20_000},  # cancelled on a later day: it still counts
        {"customer_id": "bob", "item_id": "i3", "amount": 20_000},
    ]
    dropped = item_outcomes(ledger, at(10), Horizon.parse("30d"), settings=OutcomeSettings(cancelled_orders="drop"))
    assert dropped.counts.tolist() == [1, 1, 0]
    later = item_outcomes(
        ledger, at(10), Horizon.parse("5d"), Gap.parse("1d"), customer_id=pa.array(["bob", "kim", "ann"])
    )
    assert later.counts.tolist() == [0, 0, 2]
    with pytest.raises(TooLittleData, match="not known yet"):
        item_outcomes(ledger, at(40), Horizon.parse("30d"))


@settings(LAW, max_examples=2)
@given(data=st.data())
def test_who_ordered_an_item_ordered(engine: Engine, data: st.DataObject) -> None:
    """Outcomes by item and outcomes by order agree on who came, where every line is about an item."""
    events = [
        {**row, "item_id": row["item_id"] or "i0", "order_id": None} for row in localised(data.draw(rows()), "UTC")
    ]
    ledger = opened(engine, [*events, *localised([line(99, 60, "i1", customer_id="zoe")], "UTC")], "UTC")
    cutoff, horizon = Cutoff(START + data.draw(st.integers(1, 30)) * DAY), Horizon.parse("20d")
    found = item_outcomes(ledger, cutoff, horizon)
    came = Snapshot(ledger, (cutoff,)).outcomes(horizon, key=_key(ledger, cutoff))
    said = dict(zip(came.key.customer_id.to_pylist(), (~came.churned).tolist(), strict=True))
    assert {name: bool(n) for name, n in zip(found.customer_id.to_pylist(), found.counts, strict=True)} == said


def _key(ledger: Ledger, cutoff: Cutoff) -> Any:
    from holdfast.core.tables import Key

    names = ledger.engine.arrow(ledger.customers.order_by("customer_id"))["customer_id"].combine_chunks()
    return Key.of(names, cutoff)
