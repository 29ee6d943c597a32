"""A customer's own rhythm: closed quantiles, planted parameters recovered, nothing from the future."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.warn.rhythm import LEAST_GAPS, Rhythm, Rhythms, rhythms

TODAY = date(2024, 6, 1)
orders = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 400)), max_size=60)


def table(rows: list[tuple[str, int]]) -> pa.Table:
    days = [TODAY + timedelta(days=at - 300) for _, at in rows]
    return pa.table(
        {"customer_id": pa.array([who for who, _ in rows], pa.string()), "local_day": pa.array(days, pa.date32())}
    )


def same(one: Rhythms, other: Rhythms) -> bool:
    columns = ("silence", "count", "total", "level", "q80", "q95")
    return one.customer_id.equals(other.customer_id) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in columns
    )


@settings(max_examples=40, deadline=None)
@given(orders, st.randoms(use_true_random=False))
def test_rows_in_any_order_and_rows_of_the_future_change_nothing(rows: list[tuple[str, int]], random: object) -> None:
    known = [one for one in rows if one[1] < 300]
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same(rhythms(table(known), TODAY), rhythms(table(shuffled), TODAY))
    assert same(rhythms(table(known), TODAY), rhythms(table([*known, *known]), TODAY))


def test_quantiles_are_those_of_drawn_gaps() -> None:
    shop, random = Rhythm(shape=1.8, a=2.5, b=60.0), np.random.default_rng(3)
    for count, total in ((0, 0.0), (4, 50.0)):
        rate = random.gamma(shop.a + count * shop.shape, 1 / (shop.b + total), 400_000)
        gaps = random.gamma(shop.shape, 1 / rate)
        for share in (0.5, 0.8, 0.95):
            q = float(shop.quantile(share, count, total))
            assert np.mean(gaps < q) == pytest.approx(share, abs=0.004)
            assert float(shop.level(q, count, total)) == pytest.approx(share)


def test_own_gaps_move_the_rhythm_from_the_shops_to_the_customers() -> None:
    shop = Rhythm(shape=2.0, a=3.0, b=90.0)
    alone = float(shop.quantile(0.5, 0, 0))
    few, many = (float(shop.quantile(0.5, n, 10.0 * n)) for n in (1, 2000))
    assert alone > few > many
    assert many == pytest.approx(10 * 0.839, rel=0.01)  # the median of gamma gaps of shape 2 and mean 10


def test_planted_parameters_are_recovered() -> None:
    random = np.random.default_rng(5)
    n = random.integers(1, 12, 4000)
    rate = random.gamma(3.0, 1 / 80.0, len(n))
    draws = [random.gamma(2.0, 1 / r, k) for r, k in zip(rate, n, strict=True)]
    sums = np.array([one.sum() for one in draws]), np.array([np.log(one).sum() for one in draws])
    found = Rhythm.fit(n.astype(float), *sums)
    assert found.shape == pytest.approx(2.0, rel=0.08)
    assert found.a == pytest.approx(3.0, rel=0.12)
    assert found.b == pytest.approx(80.0, rel=0.15)
    assert not found.assumed


def test_too_few_gaps_are_not_fitted() -> None:
    found = Rhythm.fit(np.array([3.0]), np.array([30.0]), np.array([6.9]))
    assert found.assumed
    assert found.gaps == 3 < LEAST_GAPS


def test_silence_counts_from_the_last_order_known() -> None:
    found = rhythms(table([("a", 280), ("a", 290), ("a", 350), ("b", 299), ("c", 300)]), TODAY)
    assert found.customer_id.to_pylist() == ["a", "b"]
    assert found.silence.tolist() == [10.0, 1.0]
    assert found.mean_gap[0] == 10.0
    assert np.isnan(found.mean_gap[1])
    assert found.rows_of(pa.array(["b", "z"])).tolist() == [1, -1]
    assert found.within.all()


def test_a_table_without_days_is_refused() -> None:
    with pytest.raises(UsageError, match="local_day"):
        rhythms(pa.table({"customer_id": ["a"]}), TODAY)
