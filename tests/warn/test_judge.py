"""Lists judged at capacity, a shortfall model on a planted world, and cohorts that bend."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.results import Undetermined
from holdfast.warn.judge import Check, best_first, stability
from holdfast.warn.shop import Bend, drift_signal, retention_bend

IDS = pa.array(["a", "b", "c", "d"])
CHECK = Check(
    IDS, np.array([10.0, 0.0, 30.0, 60.0]), np.array([True, False, True, False]), np.array([5.0, -1.0, 9.0, 7.0])
)


def test_a_list_by_hand() -> None:
    found = CHECK.judge(np.array([4.0, 3.0, 2.0, 1.0]), 3)
    assert found["value_recall"][0] == pytest.approx(0.4)
    assert found["precision"][0] == pytest.approx(2 / 3)
    assert found["lead_days"][0] == 5.0
    assert found["lead_positive_share"][0] == pytest.approx(2 / 3)


def test_a_customer_of_weight_two_takes_two_places() -> None:
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [2.0, 0.0, 1.0, 1.0]])
    found = CHECK.judge(np.array([4.0, 3.0, 2.0, 1.0]), 3, weights)
    assert found["value_recall"].tolist() == pytest.approx([0.4, 50 / 110])
    assert found["precision"][1] == 1.0


def test_the_oracle_is_the_most_that_can_be_caught() -> None:
    random = np.random.default_rng(1)
    for capacity in (1, 2, 3, 4):
        most = CHECK.judge(CHECK.lost, capacity)["value_recall"][0]
        assert all(CHECK.judge(random.random(4), capacity)["value_recall"][0] <= most for _ in range(20))
    assert most == 1.0


def test_equal_scores_know_no_row_order() -> None:
    back = pa.array(IDS.to_pylist()[::-1])
    one = IDS.take(pa.array(best_first(np.ones(4), IDS))).to_pylist()
    assert one == back.take(pa.array(best_first(np.ones(4), back))).to_pylist()


def test_stability_counts_only_who_could_be_on_both_lists() -> None:
    before = (pa.array(["a", "b", "c"]), np.array([3.0, 2.0, 1.0]))
    now = (pa.array(["b", "c", "d"]), np.array([3.0, 1.0, 2.0]))
    assert stability(before, now, 2) == 1.0  # a left the population and d is new: of b and c, b is on both
    assert np.isnan(stability(before, (pa.array(["z"]), np.ones(1)), 2))


def shop(shares: list[float], size: int, seed: int = 1) -> pa.Table:
    """One cohort a month, of which so many come back within 40 days."""
    random, ids, days = np.random.default_rng(seed), [], []
    for month, share in enumerate(shares):
        for one in range(size):
            first = date(2023, 1, 5) + timedelta(days=30 * month)
            back = [first + timedelta(days=int(random.integers(5, 40)))] if random.random() < share else []
            for day in (first, *back):
                ids.append(f"{month}-{one}")
                days.append(day)
    return pa.table({"customer_id": ids, "local_day": pa.array(days, pa.date32())})


def test_cohorts_that_come_back_less_bend_and_steady_ones_do_not() -> None:
    bent = retention_bend(shop([0.5] * 8 + [0.25] * 2, 300), date(2024, 6, 1))
    assert isinstance(bent, Bend)
    assert bent.bending
    assert bent.difference == pytest.approx(-0.25, abs=0.06)
    assert "more than cohorts usually differ" in bent.sentence().en
    steady = [retention_bend(shop([0.5] * 10, 200, seed), date(2024, 6, 1)) for seed in range(40)]
    assert (
        sum(isinstance(one, Bend) and one.bending for one in steady) <= 4
    )  # one-sided 2.5%, P(5 or more of 40) = 0.3%


def test_a_seasonal_shop_needs_more_than_one_bad_month() -> None:
    swings = [0.7, 0.3, 0.6, 0.35, 0.65, 0.3, 0.7, 0.4, 0.35, 0.4]
    found = retention_bend(shop(swings, 300), date(2024, 6, 1))
    assert isinstance(found, Bend)
    assert not found.bending


def test_open_or_small_cohorts_say_nothing() -> None:
    assert isinstance(retention_bend(shop([0.5] * 4, 100), date(2024, 6, 1)), Undetermined)
    assert isinstance(retention_bend(shop([0.5] * 10, 10), date(2024, 6, 1)), Undetermined)
    open_ones = retention_bend(shop([0.5] * 8, 100), date(2023, 6, 20))
    future = retention_bend(shop([0.5] * 5, 100), date(2023, 6, 20))
    assert open_ones == future


def test_drift_is_named_only_where_something_moved() -> None:
    assert drift_signal({"refit": False, "reasons": []}) is None
    assert drift_signal(None) is None
    assert "2 stars" in drift_signal({"refit": True, "reasons": ["2 stars"]}).zh  # type: ignore[union-attr]
