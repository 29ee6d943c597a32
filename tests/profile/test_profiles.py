"""Profiles as a whole: the law of time, the laws of names, and planted tastes and prices recovered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.shops import ITEM_ROWS, ZONES, cutoffs, localised, log_of, rows

from holdfast.core.clock import Cutoff, Window
from holdfast.core.schema import RELEASE_PROFILES
from holdfast.engine.duck import Engine
from holdfast.profile.counts import numbers
from holdfast.profile.orders import Orders
from holdfast.profile.profiles import Profiles, profiles
from holdfast.snapshot.acts import Acts, top_level
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.rows import identities_of, order_days
from holdfast.snapshot.settings import PopulationSettings
from holdfast.snapshot.snapshot import Snapshot
from holdfast.synth.catalogue import TREE
from holdfast.synth.world import Made

LAW = settings(
    max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EVENT = PopulationSettings(active_by="event", within="60d")
YEAR = Window.parse("365d")


def made(ledger: Ledger, cutoff: Cutoff, population: PopulationSettings = EVENT, window: Window = YEAR) -> Profiles:
    snapshot = Snapshot(ledger, (cutoff,), population)
    orders = Orders.read(order_days(snapshot.observed))
    key = snapshot.population()
    return profiles(Acts(ledger, cutoff, window), key, orders, np.full(len(key), 20.0))


def extras(ledger: Ledger, cutoff: Cutoff) -> list[Any]:
    """What is read beside the table: paths and active days."""
    acts = Acts(ledger, cutoff, YEAR)
    tables = (acts.steps(5), acts.steps(5, categories=True), acts.active_days(), acts.reach(), acts.treated())
    return [one.to_pylist() for one in tables]


@LAW
@given(data=st.data())
def test_deleting_what_was_recorded_later_changes_nothing(engine: Engine, data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    events = localised(data.draw(rows()), zone)
    (cutoff,) = data.draw(cutoffs(zone).filter(lambda found: len(found) == 1))
    later = lambda at: at is not None and at >= cutoff.at  # noqa: E731
    before = [
        {**row, "retracted_at": None if later(row["retracted_at"]) else row["retracted_at"]}
        for row in events
        if not later(row["recorded_at"]) and not later(row["occurred_at"])
    ]
    if not before:
        return
    # an item that nobody can date is no feature of the past, only of the present
    items = [row for row in ITEM_ROWS if row["valid_from"] is not None]
    known = [row for row in items if not later(row["valid_from"])]
    whole = Ledger.open(engine, log_of(engine, events, zone, items))
    cut = Ledger.open(engine, log_of(engine, before, zone, known))
    assert made(whole, cutoff).table.equals(made(cut, cutoff).table)
    assert extras(whole, cutoff) == extras(cut, cutoff)


@LAW
@given(data=st.data(), chance=st.randoms(use_true_random=False))
def test_order_of_rows_and_names_do_not_matter(engine: Engine, data: st.DataObject, chance: Any) -> None:
    events = localised(data.draw(rows()), "UTC")
    cutoff = data.draw(cutoffs("UTC"))[-1]
    one = made(Ledger.open(engine, log_of(engine, events, "UTC")), cutoff).table
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert one.equals(made(Ledger.open(engine, log_of(engine, shuffled, "UTC")), cutoff).table)
    renamed = [{**row, "customer_id": f"客户 {row['customer_id']}"} for row in events]
    other = made(Ledger.open(engine, log_of(engine, renamed, "UTC")), cutoff).table
    assert one.drop_columns(["customer_id"]).equals(other.drop_columns(["customer_id"]))


def test_every_column_of_the_release_is_filled(shop: tuple[Made, Ledger]) -> None:
    world, ledger = shop
    table = made(ledger, world.world.ends, PopulationSettings()).table
    assert [(f.name, f.type) for f in table.schema] == [(f.name, f.type) for f in RELEASE_PROFILES.schema]
    empty = {name for name in table.column_names if table[name].null_count == table.num_rows}
    assert empty == {"segments", "learnt_segment"}
    for column in RELEASE_PROFILES.columns:
        assert column.nullable or table[column.name].null_count == 0, column.name
    share = numbers(table["price_sensitivity"])
    assert np.nanmin(share) >= 0
    assert np.nanmax(share) <= 1
    assert set(table["value_tier"].unique().to_pylist()) == {"top", "high", "middle", "low"}


def test_planted_tastes_are_recovered(shop: tuple[Made, Ledger]) -> None:
    world, ledger = shop
    found = made(ledger, world.world.ends, PopulationSettings())
    liked, truth = found.interests, world.truth
    order = [[name for name, _, _ in TREE].index(one) for one in liked.categories]
    every = np.array(truth["tastes"].to_pylist())[:, order]
    place = {one: i for i, one in enumerate(truth["customer_id"].to_pylist())}
    tastes = every[[place[one] for one in found.table["customer_id"].to_pylist()]]
    acts = (liked.views + liked.wishes + liked.orders).sum(axis=1)
    assert (tastes > liked.usual)[liked.sure].mean() > 0.9
    assert liked.sure[(tastes > 0.4) & (acts[:, None] >= 20)].mean() > 0.9
    seen = acts >= 5
    assert np.corrcoef(liked.share[seen].ravel(), tastes[seen].ravel())[0, 1] > 0.75


def test_price_sensitivity_follows_the_planted_one(shop: tuple[Made, Ledger]) -> None:
    world, ledger = shop
    table = made(ledger, world.world.ends, PopulationSettings(within="400d"), Window.parse("400d")).table
    truth = dict(zip(world.truth["customer_id"].to_pylist(), world.truth["price_sensitivity"].to_pylist(), strict=True))
    planted = np.array([truth[one] for one in table["customer_id"].to_pylist()])
    said = numbers(table["price_sensitivity"])
    known = np.isfinite(said)
    rng, pairs = np.random.default_rng(1), np.column_stack([said[known], planted[known]])
    r = np.corrcoef(pairs.T)[0, 1]
    by_chance = [abs(np.corrcoef(pairs[:, 0], rng.permutation(pairs[:, 1]))[0, 1]) for _ in range(200)]
    assert r > np.quantile(by_chance, 0.95)


def test_the_favourite_channel_is_the_planted_one(shop: tuple[Made, Ledger]) -> None:
    world, ledger = shop
    table = made(ledger, world.world.ends, PopulationSettings()).table
    people = world.hidden.people
    names = np.array(["web", "app", "store"])
    online = dict(
        zip(world.truth["customer_id"].to_pylist(), names[people.channels[:, :2].argmax(axis=1)].tolist(), strict=True)
    )
    told = [
        (one["channel"], online[one["customer_id"]]) for one in table.to_pylist() if one["channel"] in ("web", "app")
    ]
    assert len(told) > 0.3 * table.num_rows
    assert np.mean([said == true for said, true in told]) > 0.95


def test_a_promotion_announced_later_is_no_deal(shop: tuple[Made, Ledger], engine: Engine) -> None:
    _, ledger = shop
    day = engine.arrow(ledger.log.events.filter(ledger.log.events.event_type == "purchase").limit(1))["local_day"][
        0
    ].as_py()
    cutoff = Cutoff.parse("2025-01-01", ledger.zone)
    counts = {}
    for known in ("2024-01-01", "2025-06-01"):
        at = pa.array([Cutoff.parse(known).at], pa.timestamp("us", "UTC"))
        calendar = engine.memory(pa.table({"day": [day], "kind": ["promotion"], "known_from": at}))
        other = replace(ledger, log=replace(ledger.log, tables={**ledger.log.tables, "calendar": calendar}))
        counts[known] = sum(Acts(other, cutoff, Window.parse("400d")).deals()["deal_count"].to_pylist())
    assert counts["2024-01-01"] > counts["2025-06-01"]


def test_courses_and_loans_have_interests_too(engine: Engine) -> None:
    """What is no goods is called by its category, or else by its kind."""
    events = localised([
        {"event_id": f"e{n}", "customer_id": "abc"[n % 3], "occurred_at": Cutoff.parse("2024-03-01").at, "source": "s",
         "recorded_at": Cutoff.parse("2024-03-01").at, "event_type": "view", "item_id": ("k1", "k2", "k3")[n % 3], "source_id": "x"}
        for n in range(12)
    ], "UTC")  # fmt: skip
    at = Cutoff.parse("2024-01-01").at
    items = [
        {"item_id": "k1", "kind": "course", "category": "Maths > Algebra", "valid_from": at},
        {"item_id": "k2", "kind": "loan", "valid_from": at}, {"item_id": "k3", "kind": "goods", "valid_from": at},
    ]  # fmt: skip
    tastes = Acts(Ledger.open(engine, log_of(engine, events, "UTC", items)), Cutoff.parse("2024-04-01"), YEAR).tastes()
    assert [(one["customer_id"], one["category"]) for one in tastes.to_pylist()] == [("a", "Maths"), ("b", "loan")]
    assert top_level(" > x", None) is None


def test_a_shop_with_dates_and_orders_alone_still_has_profiles(engine: Engine) -> None:
    events = localised([
        {"event_id": f"e{n}", "customer_id": "abcd"[n % 4], "occurred_at": Cutoff.parse(f"2024-0{1 + n % 5}-11").at, "source": "s",
         "recorded_at": Cutoff.parse(f"2024-0{1 + n % 5}-11").at, "event_type": "purchase", "quantity": 1.0, "unit_price": 10_000,
         "source_id": "x"}
        for n in range(40)
    ], "UTC")  # fmt: skip
    ledger = Ledger.open(engine, log_of(engine, events, "UTC", None))
    cutoff = Cutoff.parse("2024-06-01")
    row = made(ledger, cutoff).table.to_pylist()[0]
    assert row["hour"] is row["interests"] is row["price_sensitivity"] is row["channel"] is row["platforms"] is None
    assert (row["rfm_cell"], row["aipl"]) == ("333", "loyal")
    assert identities_of(engine, ledger.log, "a", cutoff) == [{"source": "s", "source_id": "x", "evidence": "alone"}]
    assert made(ledger, Cutoff.parse("2023-01-01")).table.num_rows == 0
