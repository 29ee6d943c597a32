"""The laws of time: what is known later changes nothing; two readers say the same; order and names do not matter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.shops import ITEM_ROWS, START, ZONES, cutoffs, localised, log_of, rows

from holdfast.core.clock import Cutoff
from holdfast.core.tables import FeatureTable
from holdfast.engine.duck import Engine
from holdfast.features.build import build
from holdfast.features.declare import FEATURES
from holdfast.features.plain import evaluate
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import PopulationSettings
from holdfast.snapshot.snapshot import Snapshot

LAW = settings(
    max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EVENT = PopulationSettings(active_by="event", within="60d")


def table(
    engine: Engine, events: list[dict[str, Any]], zone: str, at: tuple[Cutoff, ...], items: Any = ITEM_ROWS
) -> FeatureTable:
    return build(Snapshot(Ledger.open(engine, log_of(engine, events, zone, items)), at, EVENT).observed)


@pytest.mark.parametrize("zone", ZONES)
@LAW
@given(data=st.data())
def test_sql_and_plain_python_agree_on_every_feature(engine: Engine, zone: str, data: st.DataObject) -> None:
    events = localised(data.draw(rows()), zone)
    made = table(engine, events, zone, data.draw(cutoffs(zone)))
    for at in range(len(made)):
        who, cutoff = made.key.customer_id[at].as_py(), Cutoff.from_micros(int(made.key.cutoff[at]))
        own = [row for row in events if row["customer_id"] == who]
        said = evaluate(own, cutoff, zone=zone, items=ITEM_ROWS)
        for name in FEATURES:
            expected, found = np.float32(said[name]), made.column(name)[at]
            assert np.isclose(expected, found, rtol=2e-6, atol=1e-6, equal_nan=True), (
                name,
                who,
                str(cutoff),
                said[name],
                found,
            )


def same(one: FeatureTable, other: FeatureTable) -> bool:
    """Bit for bit."""
    return one.fingerprint == other.fingerprint


@LAW
@given(data=st.data())
def test_deleting_what_was_recorded_later_changes_nothing(engine: Engine, data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    events = localised(data.draw(rows()), zone)
    (cutoff,) = data.draw(cutoffs(zone).filter(lambda found: len(found) == 1))
    before = [
        {**row, "retracted_at": None if _later(row["retracted_at"], cutoff) else row["retracted_at"]}
        for row in events
        if row["recorded_at"] < cutoff.at and row["occurred_at"] < cutoff.at
    ]
    items = [row for row in ITEM_ROWS if row["valid_from"] is not None and row["valid_from"] < cutoff.at]
    now = table(engine, events, zone, (cutoff,))
    if before:
        assert same(now, table(engine, before, zone, (cutoff,), items))
    else:
        assert len(now) == 0


def _later(instant: Any, cutoff: Cutoff) -> bool:
    return instant is not None and instant >= cutoff.at


@LAW
@given(data=st.data(), seed=st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_customers_do_not_matter(engine: Engine, data: st.DataObject, seed: Any) -> None:
    events = localised(data.draw(rows()), "Europe/London")
    at = data.draw(cutoffs("Europe/London"))
    now = table(engine, events, "Europe/London", at)
    shuffled = list(events)
    seed.shuffle(shuffled)
    assert same(now, table(engine, shuffled, "Europe/London", at))
    renamed = [{**row, "customer_id": f"客户 {row['customer_id']}"} for row in events]
    other = table(engine, renamed, "Europe/London", at)
    assert other.key.customer_id.to_pylist() == [f"客户 {one}" for one in now.key.customer_id.to_pylist()]
    assert np.array_equal(other.values, now.values, equal_nan=True)


@LAW
@given(data=st.data())
def test_cutoffs_together_or_one_by_one_are_the_same(engine: Engine, data: st.DataObject) -> None:
    events = localised(data.draw(rows()), "UTC")
    at = data.draw(cutoffs("UTC"))
    together = table(engine, events, "UTC", at)
    for one in at:
        assert same(together.at([one]), table(engine, events, "UTC", (one,)))


def test_two_shops_side_by_side_are_the_two_shops(engine: Engine) -> None:
    events = localised(_plain_rows(), "UTC")
    at = (Cutoff.parse("2011-04-10"),)
    others = [{**row, "customer_id": f"z{row['customer_id']}", "event_id": f"z{row['event_id']}"} for row in events]
    alone, both = table(engine, events, "UTC", at), table(engine, events + others, "UTC", at)
    assert len(both) == 2 * len(alone)
    assert np.array_equal(both.values[: len(alone)], alone.values, equal_nan=True)
    assert np.array_equal(both.values[len(alone) :], alone.values, equal_nan=True)


def _plain_rows() -> list[dict[str, Any]]:
    """Nothing late, nothing retracted: the way of folding that most shops take."""
    made = [
        {"event_id": f"e{at}", "customer_id": "abc"[at % 3], "occurred_at": START + timedelta(hours=7 * at), "source": "s",
         "event_type": ("view", "purchase", "cart_add")[at % 7 % 3], "item_id": f"i{at * at % 5}", "quantity": 1.0,
         "unit_price": 10_000 * at, "order_id": f"o{at // 4}", "session_id": f"s{at // 3}", "source_id": "x"}
        for at in range(60)
    ]  # fmt: skip
    return [{**row, "recorded_at": row["occurred_at"]} for row in made]


def test_the_plain_way_of_folding_agrees_with_plain_python(engine: Engine) -> None:
    events = localised(_plain_rows(), "UTC")
    at = tuple(Cutoff.parse(day) for day in ("2011-03-25", "2011-03-31", "2011-04-20"))
    made = table(engine, events, "UTC", at)
    assert len(made) == 9
    for row in range(len(made)):
        own = [one for one in events if one["customer_id"] == made.key.customer_id[row].as_py()]
        said = evaluate(own, Cutoff.from_micros(int(made.key.cutoff[row])), zone="UTC", items=ITEM_ROWS)
        expected = np.array([said[name] for name in made.names], np.float32)
        assert np.allclose(expected, made.values[row], rtol=2e-6, equal_nan=True)
