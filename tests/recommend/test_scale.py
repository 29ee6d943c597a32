"""Lanes learnt where the rows lie give what the lanes in memory give: on DuckDB always, on Spark where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.conftest import missing

from holdfast.checks.recommender import check_lists, check_rules_are_hard, check_saves, check_scores
from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, Items
from holdfast.engine.duck import Engine
from holdfast.recommend.complement import Complement
from holdfast.recommend.factors.ials import Ials
from holdfast.recommend.scale.together import complements, lines

CUTOFF = Cutoff.parse("2024-06-01")


def tasteful(customers: int = 400, items: int = 60, seed: int = 1) -> Interactions:
    """Customers of three tastes, who buy baskets of their own taste mostly; a few buy by the hundred."""
    random = np.random.default_rng(seed)
    taste, kind = random.integers(0, 3, customers), np.arange(items) % 3
    who, what, basket = [], [], []
    for customer in range(customers):
        for turn in range(random.integers(1, 6)):
            chance = np.where(kind == taste[customer], 5.0, 0.4) / (1 + np.arange(items) // 3) ** 0.5
            size = min(items, 1 + random.poisson(2.0))
            found = random.choice(items, size, replace=False, p=chance / chance.sum())
            who += [customer] * size
            what += found.tolist()
            basket += [customer * 10 + turn] * size
    days = np.asarray(basket) % 10 + random.integers(1, 2, len(basket))
    names = Items.named([f"i{one:03d}" for one in range(items)])
    return Interactions.of(
        pa.array([f"c{one:04d}" for one in range(customers)]), names, CUTOFF, customer=np.array(who), item=np.array(what),
        occurred_at=CUTOFF.micros - days * 86_400_000_000, basket=np.array(basket),
    )  # fmt: skip


SETTINGS = Complement(support=2, surprise=2.0, complements=7)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from holdfast.engine.spark import Spark

    try:
        import pyspark  # noqa: F401  (only whether it is there)
    except ImportError:
        missing("pyspark is not installed: pip install 'holdfast[spark]'")
    if not shutil.which("java"):
        missing("Spark needs Java 17")
    with Spark(master="local[2]", memory="1g", partitions=2) as session:
        yield session


def same_pairs(found: Any, expected: Any) -> None:
    assert np.array_equal(found.strength.indptr, expected.strength.indptr)
    assert np.array_equal(found.strength.indices, expected.strength.indices)
    np.testing.assert_allclose(found.strength.data, expected.strength.data, rtol=1e-6)


def test_pairs_counted_by_a_query_are_those_counted_in_memory() -> None:
    past = tasteful()
    expected = SETTINGS.fit(past)
    assert expected.strength.nnz > 100
    with Engine() as engine:
        same_pairs(complements(engine, engine.memory(lines(past)), past.items, SETTINGS), expected)


def test_a_shop_without_baskets_has_no_pairs() -> None:
    past = tasteful().keeping(np.zeros(tasteful().size, bool))
    with Engine() as engine:
        fit = complements(engine, engine.memory(lines(past)), past.items, SETTINGS)
    assert fit.strength.nnz == 0
    assert not fit.recommend(past, 3).counts.any()


@pytest.mark.slow
def test_spark_counts_the_same_pairs(spark: Any) -> None:
    past = tasteful()
    same_pairs(complements(spark, spark.memory(lines(past)), past.items, SETTINGS), SETTINGS.fit(past))


@pytest.mark.slow
def test_spark_learns_factors_as_good_as_ours(spark: Any) -> None:
    """Hidden last baskets: the twin finds as many as the lane does, and far more than chance."""
    from holdfast.recommend.scale.als import SparkIals

    past = tasteful(customers=800)
    newest = np.zeros(past.size, bool)
    for customer in range(len(past)):
        rows = past.rows_of(customer)
        newest[rows[past.basket[rows] == past.basket[rows].max()]] = True
    known, hidden = past.keeping(~newest), past.keeping(newest)
    settings = Ials(factors=8, iterations=10)
    found = {}
    for name, lane in (("ours", settings), ("spark", SparkIals(spark, settings))):
        lists = lane.fit(known).recommend(known, 10)
        told = {
            (who, item) for who, item in zip(np.repeat(np.arange(len(lists)), lists.counts), lists.item, strict=True)
        }
        able = lists.counts[hidden.customer] > 0
        hits = [(who, item) in told for who, item in zip(hidden.customer[able], hidden.item[able], strict=True)]
        found[name] = float(np.mean(hits))
    assert found["spark"] > found["ours"] - 0.03
    assert found["spark"] > 2 * 10 / 60


@pytest.mark.slow
@pytest.mark.parametrize("check", [check_scores, check_lists, check_rules_are_hard, check_saves])
def test_the_twin_keeps_the_contract(spark: Any, check: Any) -> None:
    from holdfast.recommend.scale.als import SparkIals

    check(SparkIals(spark, Ials(factors=4, iterations=3)))
