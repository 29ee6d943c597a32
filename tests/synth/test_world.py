"""The tables that a world leaves behind are what the schema says, and the same every time."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from holdfast.core.errors import UsageError
from holdfast.core.schema import CANONICAL, EVENT_TYPES
from holdfast.synth.raw import raw_dirt, raw_table, write_raw
from holdfast.synth.world import Arm, Made, World, make


@cache
def made(seed: int = 3) -> Made:
    return make(World(customers=600, days=500, seed=seed, dirt=0.02))


def test_tables_are_canonical() -> None:
    for name, table in made().tables.items():
        schema = CANONICAL[name]
        assert table.column_names == list(schema.names)
        for column in schema.columns:
            assert table[column.name].type == column.dtype, f"{name}.{column.name}"
            if not column.nullable:
                assert table[column.name].null_count == 0, f"{name}.{column.name}"
        keys = table.select(list(schema.key))
        assert keys.group_by(list(schema.key)).aggregate([]).num_rows == table.num_rows, name


def test_every_id_leads_somewhere() -> None:
    tables = made().tables
    people, items = set(tables["customers"]["customer_id"].to_pylist()), set(tables["items"]["item_id"].to_pylist())
    for name in ("events", "texts", "exposures"):
        assert set(tables[name]["customer_id"].to_pylist()) <= people
    for name in ("events", "texts", "prices"):
        assert set(tables[name]["item_id"].to_pylist()) - {None} <= items
    decided = set(tables["exposures"]["decision_id"].to_pylist())
    assert set(tables["events"]["decision_id"].to_pylist()) - {None} <= decided


def test_nothing_happens_outside_the_world() -> None:
    world, events = made().world, made().tables["events"]
    for column in ("occurred_at", "recorded_at"):
        assert pc.min(events[column]).as_py() >= world.cutoff(0).at
        assert pc.max(events[column]).as_py() < world.ends.at
    assert pc.all(pc.greater_equal(events["recorded_at"], events["occurred_at"])).as_py()
    assert pc.sum(pc.greater(events["recorded_at"], events["occurred_at"])).as_py() > 0, "no late recording"


def test_the_shop_shows_what_shops_have() -> None:
    kinds = Counter(made().tables["events"]["event_type"].to_pylist())
    wanted = {
        "visit",
        "view",
        "list_view",
        "search",
        "cart_add",
        "wishlist",
        "checkout",
        "purchase",
        "refund",
        "cancel",
    }
    wanted |= {"review", "message", "message_open", "click", "unsubscribe", "ticket", "delivery", "delivery_failed"}
    assert wanted <= set(kinds) <= set(EVENT_TYPES)
    events = made().tables["events"]
    assert set(events["channel"].to_pylist()) >= {"web", "app", "store", "mail"}
    assert set(events["platform"].to_pylist()) == {"site", "marketplace"}


def test_items_are_sold_after_their_launch_and_at_their_price() -> None:
    frame = made().tables["events"].to_pandas()
    items = made().tables["items"].to_pandas().set_index("item_id")
    sold = frame[frame.event_type == "purchase"]
    assert (sold.occurred_at.to_numpy() >= items.active_from[sold.item_id].to_numpy()).all()
    known = set(map(tuple, made().tables["prices"].select(["item_id", "price"]).to_pandas().to_numpy()))
    assert set(map(tuple, sold[["item_id", "unit_price"]].astype({"unit_price": "int64"}).to_numpy())) <= known
    assert (sold.discount.fillna(0) < sold.unit_price * sold.quantity).all()


def test_a_cancellation_names_the_lines_of_its_order() -> None:
    frame = made().tables["events"].to_pandas()
    lines = ["customer_id", "order_id", "item_id", "quantity", "unit_price"]
    sold = Counter(map(tuple, frame[frame.event_type == "purchase"][lines].to_numpy()))
    gone = Counter(map(tuple, frame[frame.event_type == "cancel"][lines].to_numpy()))
    assert gone
    assert all(sold[line] >= count for line, count in gone.items())


def test_the_same_world_gives_the_same_tables_and_another_seed_others() -> None:
    again = make(made().world)
    assert all(table.equals(again.tables[name]) for name, table in made().tables.items())
    assert again.truth.equals(made().truth)
    assert not made(4).tables["events"].equals(made().tables["events"])


def test_a_local_day_never_spills_over_also_when_the_clock_changes() -> None:
    world, events = made().world, made().tables["events"]
    sold = events.filter(pc.equal(events["event_type"], "purchase"))
    local = pc.local_timestamp(sold["occurred_at"].cast(pa.timestamp("us", tz=world.zone)))
    days = pc.cast(local, pa.date32()).to_numpy()
    orders = made().hidden.life
    shop = np.datetime64(world.start) + orders.order_day.astype("timedelta64[D]")
    assert set(days) <= set(shop)
    per_order = sold.append_column("day", pa.array(days)).group_by("order_id").aggregate([("day", "count_distinct")])
    assert pc.max(per_order["day_count_distinct"]).as_py() == 1


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_raw_files_have_the_same_bytes_every_time(tmp_path: Path, form: str) -> None:
    first = write_raw(made(), tmp_path / "a", form=form)  # type: ignore[arg-type]
    second = write_raw(made(), tmp_path / "b", form=form)  # type: ignore[arg-type]
    assert [one.name for one in first] == [one.name for one in second]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_the_raw_file_holds_every_row_and_the_planted_dirt(tmp_path: Path) -> None:
    paths = {path.name: path for path in write_raw(made(), tmp_path)}
    with gzip.open(paths["events.csv.gz"]) as stream:
        options = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(raw_table(made(), "events").column_names, "string")
        )
        read = pyarrow.csv.read_csv(stream, convert_options=options)
    planted = raw_dirt(made()).planted
    clean = made().tables["events"].num_rows
    assert read.num_rows == clean + sum(planted.values())
    assert all(count == planted["duplicate"] > 100 for count in planted.values())
    assert pc.sum(pc.starts_with(read["occurred_at"], "2099")).as_py() == planted["future"]
    assert pc.sum(pc.starts_with(read["unit_price"], "-")).as_py() == planted["negative_price"]


def test_raw_money_is_in_currency_units(tmp_path: Path) -> None:
    path = next(one for one in write_raw(made(), tmp_path, form="parquet") if one.name == "events.parquet")
    raw, kept = pq.read_table(path)["unit_price"], made().tables["events"]["unit_price"]
    assert pc.max(pc.abs(pc.subtract(pc.multiply(raw, 10_000.0), kept.cast(pa.float64())))).as_py() < 1e-6


def test_small_worlds_work_and_impossible_ones_say_so() -> None:
    assert make(World(customers=1, days=2)).tables["events"].num_rows >= 0
    with pytest.raises(UsageError, match="at least 1 customer"):
        World(customers=0)
    with pytest.raises(UsageError, match="add to 1"):
        World(arms=(Arm("nothing", 0.5),))
    with pytest.raises(UsageError, match="stop working"):
        World(effect_days=60)


def test_a_targeted_world_contacts_the_silent_and_logs_how_likely_that_was() -> None:
    one = make(World(customers=1500, days=400, seed=5, target="risk"))
    life = one.hidden.life
    chance = life.contact_chance
    assert np.allclose(chance.sum(axis=1), 1)
    assert (chance[:, 0] < 0.3).sum() > 50 < (chance[:, 0] > 0.7).sum()
    for part in np.array_split(np.argsort(chance[:, 0], kind="stable"), 5):
        share, n = (life.contact_arm[part] == 0).mean(), len(part)
        assert abs(share - chance[part, 0].mean()) < 4 * np.sqrt(0.25 / n)
    logged = one.tables["exposures"].to_pylist()
    assert all(abs(sum(a["propensity"] for a in row["arm_propensities"]) - 1) < 1e-9 for row in logged[:50])
    assert all(row["propensity"] in [a["propensity"] for a in row["arm_propensities"]] for row in logged[:50])
    with pytest.raises(UsageError, match="can target"):
        World(target="everybody")


def test_targeting_is_off_by_default_and_the_default_world_is_what_it_was() -> None:
    """Hash of what happened before worlds could target: published demos must not move."""
    one = make(World(customers=60, days=200))
    columns = {
        "events": ["customer_id", "occurred_at", "event_type"],
        "exposures": ["customer_id", "arm", "propensity", "arm_propensities"],
    }
    told = [one.tables[name].select(wanted).to_pylist() for name, wanted in columns.items()]
    assert hashlib.sha256(repr(told).encode()).hexdigest()[:16] == "cf58f6f45fce5f5d"
