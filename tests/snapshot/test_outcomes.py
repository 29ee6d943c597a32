"""What happened after a cutoff, and when it may be asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.features.shops import localised, log_of

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData
from holdfast.engine.duck import Engine
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import OutcomeSettings, PopulationSettings
from holdfast.snapshot.snapshot import Snapshot

CUTOFF = Cutoff.parse("2024-03-01")
MONTH = Horizon.parse("30d")


def order(who: str, moment: str, number: str, **more: Any) -> dict[str, Any]:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    row = {"event_id": f"{who}{number}", "customer_id": who, "occurred_at": at, "recorded_at": at, "source": "s"}
    return {
        **row,
        "event_type": "purchase",
        "order_id": number,
        "quantity": 1.0,
        "unit_price": 50_000,
        "source_id": "x",
        **more,
    }


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


EVENTS = [
    order("ann", "2024-02-10", "1"),
    order("ann", "2024-03-01", "2"),  # the first instant of the horizon
    order("ann", "2024-03-30T23:59", "3"),
    order("bob", "2024-02-11", "4"),
    order("bob", "2024-03-31", "5"),  # the first instant after it
    order("cat", "2024-02-12", "6"),
    order("cat", "2024-03-05T09:00", "7", retracted_at=at("2024-03-05T20:00")),  # voided on its own day
    order("dan", "2024-02-13", "8"),
    order("dan", "2024-03-06", "9", retracted_at=at("2024-03-20")),  # cancelled on a later day
    order("eve", "2024-02-14", "10"),
    order("eve", "2024-03-07", "11", event_id="changed", retracted_at=at("2024-03-15")),  # replaced by a newer version
    order("eve", "2024-03-07", "11", event_id="changed", recorded_at=at("2024-03-15"), unit_price=70_000),
    order("zoe", "2024-05-01", "12"),
]


@pytest.fixture(scope="module")
def snapshot(engine: Engine) -> Snapshot:
    return Snapshot(Ledger.open(engine, log_of(engine, localised(EVENTS, "UTC"), "UTC", None)), [CUTOFF])


def row(snapshot: Snapshot, who: str, **options: Any) -> dict[str, Any]:
    found = snapshot.outcomes(MONTH, **options).to_arrow().to_pylist()
    return next(one for one in found if one["customer_id"] == who)


def test_rows_are_the_population(snapshot: Snapshot) -> None:
    assert snapshot.outcomes(MONTH).key.equals(snapshot.population())
    assert snapshot.population().customer_id.to_pylist() == ["ann", "bob", "cat", "dan", "eve"]


def test_the_horizon_is_half_open(snapshot: Snapshot) -> None:
    assert row(snapshot, "ann")["orders"] == 2
    assert row(snapshot, "ann")["duration"] == 0.0
    assert row(snapshot, "bob")["churned"]
    assert row(snapshot, "bob")["duration"] == 30.0
    assert row(snapshot, "ann", gap=Gap.parse("1d"))["orders"] == 1


def test_an_order_voided_on_its_own_day_is_none_and_a_later_cancellation_counts(snapshot: Snapshot) -> None:
    assert row(snapshot, "cat")["churned"]
    assert not row(snapshot, "dan")["churned"]
    assert row(snapshot, "dan", settings=OutcomeSettings(cancelled_orders="drop"))["churned"]


def test_a_newer_version_takes_the_place_of_the_old(snapshot: Snapshot) -> None:
    assert (row(snapshot, "eve")["orders"], row(snapshot, "eve")["revenue"]) == (1, 70_000)
    then = row(snapshot, "eve", known_at=Cutoff.parse("2024-03-10"))
    assert then["orders"] == 0, "the version that lasted was not known yet"


def test_censored_is_not_retained(snapshot: Snapshot) -> None:
    found = row(snapshot, "cat")
    assert not found["event_observed"]
    assert found["duration"] == (snapshot.ends.at - CUTOFF.at) / timedelta(days=1)


def test_an_open_window_is_refused(engine: Engine, snapshot: Snapshot) -> None:
    late = Snapshot(snapshot.ledger, [Cutoff.parse("2024-04-10")])
    assert not late.closed(late.cutoffs[0], MONTH, NO_GAP)
    with pytest.raises(TooLittleData, match="not known yet"):
        late.outcomes(MONTH)


def test_by_event_only_own_acts_count(engine: Engine) -> None:
    sent = order("fay", "2024-02-20", "13", event_type="message")
    seen = order("gus", "2024-02-20", "14", event_type="view")
    log = log_of(engine, localised([*EVENTS, sent, seen], "UTC"), "UTC", None)
    found = Snapshot(Ledger.open(engine, log), [CUTOFF], PopulationSettings(active_by="event", within="30d"))
    assert found.population().customer_id.to_pylist() == ["ann", "bob", "cat", "dan", "eve", "gus"]
