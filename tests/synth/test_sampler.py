"""Synthetic customers are like the shop's in sum, like none of them one by one, and no harm to learn from."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from holdfast.bench.shift_sampler import augmented, halves, lines_of, online_retail
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.synth.fidelity import closeness, fidelity
from holdfast.synth.sampler import COLUMNS, Sampler
from holdfast.synth.world import World, make

START = int(np.datetime64(World().start).astype(np.int64))


@cache
def lines() -> pa.Table:
    return lines_of(make(World(customers=1600, seed=2)))


@cache
def split() -> tuple[pa.Table, pa.Table, pa.Table]:
    """What was learnt from, strangers, and as many synthetic customers."""
    learnt, strangers = halves(lines())
    return learnt, strangers, Sampler.fit(learnt).sample(len(learnt["customer_id"].unique()), 1)


def test_marginals_gaps_baskets_and_seasons_are_those_of_the_shop() -> None:
    learnt, strangers, made = split()
    ours, theirs = fidelity(learnt, made), fidelity(learnt, strangers)
    for name in ("orders", "gap", "order_value", "order_lines", "mean_value", "silence", "age", "spend"):
        assert ours[f"ks_{name}"] < 0.11, name
    assert ours["season"] < theirs["season"] + 0.05
    assert ours["weekday"] < theirs["weekday"] + 0.03
    assert ours["items"] < 0.2
    assert ours["item_rank"] > 0.8
    assert ours["repeat_synthetic"] == pytest.approx(ours["repeat_real"], abs=0.06)


def test_frequency_and_value_depend_on_each_other_as_they_do_in_the_shop() -> None:
    """The frequent spend double an order: so do their synthetic likes."""
    learnt = split()[0]
    counts = learnt.group_by("customer_id").aggregate([("order_id", "count_distinct")])
    often = counts.filter(pc.greater(counts["order_id_count_distinct"], 5))["customer_id"].combine_chunks()
    frequent = pc.is_in(learnt["customer_id"], value_set=often)
    dear = pc.if_else(frequent, pc.multiply(learnt["quantity"], 2.0), learnt["quantity"])
    tied = learnt.set_column(learnt.column_names.index("quantity"), "quantity", dear)
    made = Sampler.fit(tied).sample(900, 3)
    found = fidelity(tied, made)
    assert found["frequency_value_real"] > 0.3
    assert found["frequency_value_synthetic"] == pytest.approx(found["frequency_value_real"], abs=0.12)


def test_nobody_is_copied() -> None:
    """No history equals a real one, and the closest real customer is hardly nearer than to strangers."""
    learnt, strangers, made = split()
    found = closeness(learnt, strangers, made)
    assert found["copies"] == 0.0
    assert found["median_ratio"] > 0.8
    assert found["near_ratio"] > 0.6
    copied = closeness(learnt, strangers, learnt)
    assert copied["copies"] == 1.0
    assert copied["median_ratio"] < 1e-3  # and the check would have seen it


def test_training_on_synthetic_and_real_does_not_hurt() -> None:
    """Walk-forward on a small shop, paired by customer: no loss that the interval could not explain, and none to speak of."""
    ids = lines()["customer_id"].unique().to_pylist()[::4]
    few = lines().filter(pc.is_in(lines()["customer_id"], value_set=pa.array(ids)))
    for model in (Logistic(), LightGbm(rounds=40)):
        gain, low, high, rows = augmented(few, [START + day for day in (520, 580, 640)], model, slices=6)
        assert rows > 300
        assert low <= gain <= high
        assert high > 0
        assert gain > -0.004


@pytest.mark.slow
@pytest.mark.real_data
def test_online_retail_is_kept_and_not_copied(real_data: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    real = online_retail()
    learnt, strangers = halves(real)
    made = Sampler.fit(learnt).sample(len(learnt["customer_id"].unique()), 1)
    found = fidelity(learnt, made)
    assert max(value for name, value in found.items() if name.startswith("ks_")) < 0.09
    assert found["items"] < 0.15
    close = closeness(learnt, strangers, made)
    assert close["copies"] == 0.0
    assert close["near_ratio"] > 0.9
    last = int(pc.max(real["local_day"].cast(pa.int32())).as_py()) + 1
    for model in (Logistic(), LightGbm()):
        gain, _, high, _ = augmented(real, [last - 30 * back for back in (3, 2, 1)], model)
        assert gain > -0.002
        assert high > 0


def test_the_sampler_looks_at_nothing_it_was_not_given() -> None:
    """Synthetic days lie in the span of the real ones: a sampler fitted before a cutoff invents nothing after it."""
    learnt, _, made = split()
    for bound in (pc.min, pc.max):
        assert abs((bound(made["local_day"]).as_py() - bound(learnt["local_day"]).as_py()).days) < 30
    assert pc.max(made["local_day"]).as_py() <= pc.max(learnt["local_day"]).as_py()
    assert pc.min(made["local_day"]).as_py() >= pc.min(learnt["local_day"]).as_py()
    assert set(made["item_id"].to_pylist()) <= set(learnt["item_id"].to_pylist())
    assert not set(made["customer_id"].to_pylist()) & set(learnt["customer_id"].to_pylist())


def test_the_same_seed_gives_the_same_customers_and_row_order_does_not_matter() -> None:
    learnt = split()[0]
    again = Sampler.fit(learnt).sample(50, 9)
    assert again.equals(Sampler.fit(learnt).sample(50, 9))
    assert not again.equals(Sampler.fit(learnt).sample(50, 10))
    assert tuple(again.column_names) == COLUMNS
    assert len(again["customer_id"].unique()) == 50


def test_values_are_sane() -> None:
    made = split()[2]
    assert pc.min(made["quantity"]).as_py() >= 1
    assert all(float(one).is_integer() for one in made["quantity"].to_pylist()[:200])
    assert pc.min(made["unit_price"]).as_py() >= 0
    assert sum(made[name].null_count for name in COLUMNS) == 0


def plain(customers: int, orders: int = 1, price: float = 5.0) -> pa.Table:
    n = customers * orders
    day = (np.arange(n) % orders * 10 + 19_000).astype(np.int32)
    return pa.table(
        {
            "customer_id": [f"c{one // orders}" for one in range(n)],
            "local_day": pa.array(day).cast(pa.date32()),
            "order_id": [f"o{one}" for one in range(n)],
            "item_id": ["i"] * n,
            "quantity": np.ones(n),
            "unit_price": np.full(n, price),
        }
    )


@pytest.mark.parametrize("orders", [1, 3])
def test_a_shop_where_everybody_is_alike_can_be_sampled(orders: int) -> None:
    made = Sampler.fit(plain(30, orders)).sample(10, 1)
    assert made.num_rows >= 10
    assert np.isfinite(made["quantity"].to_numpy()).all()


def test_free_goods_and_odd_rows_are_survived() -> None:
    assert Sampler.fit(plain(30, 2, price=0.0)).sample(5, 1).num_rows >= 5
    odd = plain(30, 2).to_pylist()
    odd[0]["quantity"], odd[1]["unit_price"], odd[2]["customer_id"], odd[3]["local_day"] = (
        -1.0,
        float("nan"),
        None,
        None,
    )
    odd[4]["unit_price"] = 1e12
    made = Sampler.fit(pa.Table.from_pylist(odd, plain(1).schema)).sample(40, 1)
    assert np.isfinite(made["quantity"].to_numpy() * made["unit_price"].to_numpy()).all()


def test_what_cannot_be_sampled_says_so() -> None:
    with pytest.raises(TooLittleData, match="20 customers"):
        Sampler.fit(plain(5, 3))
    with pytest.raises(TooLittleData, match="20 customers"):
        Sampler.fit(plain(30).slice(0, 0))
    with pytest.raises(UsageError, match="item_id"):
        Sampler.fit(plain(30).drop(["item_id"]))
    with pytest.raises(UsageError, match="0 customers"):
        Sampler.fit(plain(30)).sample(0)
