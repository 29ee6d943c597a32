"""Futures of a world: the past stays what it was, the plan is what makes the difference."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow.compute as pc
import pytest

from holdfast.core.errors import UsageError
from holdfast.synth.future import Future, Given
from holdfast.synth.parameters import World
from holdfast.synth.world import drawn, make

WORLD = World(customers=1500, days=400, seed=3)


@cache
def future() -> Future:
    return Future(drawn(WORLD))


def everybody(arm: str) -> Given:
    names = future().drawn.names
    return Given.of(WORLD, names, dict.fromkeys(names.to_pylist(), arm))


def test_new_events_are_known_after_the_last_day_and_none_is_told_twice() -> None:
    made, later = make(WORLD), future().events(None, 30)
    recorded = later["events"]["recorded_at"]
    assert pc.min(recorded).as_py() >= WORLD.ends.at
    assert later["events"].num_rows > 500
    for name, key in (("events", "event_id"), ("texts", "text_id")):
        known = set(made.tables[name][key].to_pylist())
        new = later[name][key].to_pylist()
        assert len(set(new)) == len(new)
        assert not known & set(new)
    sold = later["events"].filter(pc.equal(later["events"]["event_type"], "purchase"))
    new_orders = set(sold.filter(pc.greater_equal(sold["occurred_at"], WORLD.ends.at))["order_id"].to_pylist())
    assert new_orders
    assert not new_orders & set(made.tables["events"]["order_id"].to_pylist())


def test_the_same_seed_is_the_same_future() -> None:
    one, two, other = (future().events(None, 20, seed=seed)["events"] for seed in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(other)


def test_a_contact_that_works_brings_orders_and_one_that_does_not_costs() -> None:
    seeds = range(12)
    nothing, reminder, postcard = (
        np.array([future().money(given, 21, seed=seed).sum() for seed in seeds])
        for given in (None, everybody("reminder"), everybody("postcard"))
    )
    gain = reminder - nothing
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain))
    cost = 0.80 * WORLD.customers
    loss = nothing - postcard
    assert abs(loss.mean() - cost) < 4 * loss.std(ddof=1) / np.sqrt(len(loss))


def test_a_future_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError, match="beyond this world"):
        future().live(None, 1000)
    with pytest.raises(UsageError, match="no treatment"):
        Given.of(WORLD, future().drawn.names, {"c00001": "balloon"})
