"""Metrics of spend: against plain slow versions, under weights, and where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.errors import UsageError
from holdfast.metrics.value import (
    VALUE_METRICS,
    bias,
    decile_error,
    decile_table,
    gain_curve,
    gini,
    mae,
    top_share,
    tweedie_deviance,
    value_gain,
    value_metrics,
)


def some(n=400, seed=1):
    random = np.random.default_rng(seed)
    mean = random.lognormal(3.0, 1.0, n)
    return np.where(random.random(n) < 0.4, 0.0, mean * random.gamma(1.5, 1 / 1.5, n)), mean


def slow_gini(spent, said):
    def area(score):
        order = np.argsort(-score, kind="stable")
        share = np.cumsum(spent[order]) / spent.sum()
        return float((share.sum() - (len(spent) + 1) / 2) / len(spent))

    return area(said) / area(spent)


def test_gini_equals_the_textbook_sum_where_no_forecasts_tie():
    spent, said = some()
    spent = spent + np.arange(len(spent)) * 1e-9  # no ties in the perfect order either
    assert gini(spent, said) == pytest.approx(slow_gini(spent, said), abs=1e-9)
    assert gini(spent, spent) == pytest.approx(1.0)
    assert gini(spent, -spent + spent.max()) == pytest.approx(-1.0)


def test_equal_forecasts_share_their_rank_so_row_order_is_nothing():
    spent, said = some()
    rough = np.round(said, -1)
    order = np.random.default_rng(3).permutation(len(spent))
    assert gini(spent, rough) == pytest.approx(gini(spent[order], rough[order]), abs=1e-12)
    assert gini(spent, np.ones(len(spent))) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("metric", [gini, bias, tweedie_deviance, mae])
def test_a_weight_of_two_is_the_row_twice(metric):
    spent, said = some(80)
    counts = np.random.default_rng(2).integers(0, 3, len(spent))
    twice = metric(np.repeat(spent, counts), np.repeat(said, counts))
    matrix = metric(spent, said, np.vstack([counts, np.ones_like(counts)]))
    assert matrix[0] == pytest.approx(twice, rel=2e-3)  # the floor of a forecast follows the unweighted mean
    assert matrix[1] == pytest.approx(metric(spent, said))


def test_tweedie_deviance_is_least_at_the_mean_and_stands_forecasts_of_zero():
    spent, said = some(2000)
    at = [tweedie_deviance(spent, np.full(len(spent), spent.mean() * f)) for f in (0.8, 1.0, 1.25)]
    assert at[1] < at[0]
    assert at[1] < at[2]
    assert np.isfinite(tweedie_deviance(spent, np.zeros(len(spent))))
    assert tweedie_deviance(spent, said) < at[1]
    with pytest.raises(UsageError, match="power"):
        tweedie_deviance(spent, said, power=2.0)


def test_the_median_wins_by_absolute_error_though_it_forgets_the_money():
    spent, _ = some(4000)
    median, mean = np.full(len(spent), np.median(spent)), np.full(len(spent), spent.mean())
    assert mae(spent, median) < mae(spent, mean)
    assert bias(spent, median) < -0.3
    assert bias(spent, mean) == pytest.approx(0.0, abs=1e-12)


def test_tables_and_curves_add_up():
    spent, said = some()
    table = decile_table(spent, said)
    assert sum(one["n"] for one in table) == len(spent)
    assert len(table) == 10
    assert sum(one["n"] * one["spent"] for one in table) == pytest.approx(spent.sum())
    assert all(one["low"] <= one["spent"] <= one["high"] for one in table)
    off = sum(one["n"] * abs(one["said"] - one["spent"]) for one in table) / spent.sum()
    assert decile_error(spent, said) == pytest.approx(off)
    curve = gain_curve(spent, said)
    assert curve[-1]["gain"] == pytest.approx(1.0)
    assert all(c["gain"] <= c["perfect"] + 1e-12 for c in curve)
    assert top_share(spent, said, 0.1) > 0.1


def test_what_cannot_be_computed_is_not_a_number_and_bad_input_is_refused():
    nothing, said = np.zeros(5), np.ones(5)
    found = value_metrics(nothing, said)
    assert tuple(found) == VALUE_METRICS
    assert np.isnan([found["gini"], found["bias"], found["decile_error"]]).all()
    assert np.isnan(top_share(nothing, said))
    assert np.isnan(mae(np.zeros(0), np.zeros(0)))
    for spent, bad in (
        (np.ones(2), np.array([1.0, np.nan])),
        (np.array([-1.0, 1.0]), np.ones(2)),
        (np.ones(2), np.ones(3)),
    ):
        with pytest.raises(UsageError):
            gini(spent, bad)


def test_gain_is_positive_when_better_whichever_way_the_metric_runs():
    assert value_gain("gini", 0.8, 0.7) > 0
    assert value_gain("tweedie_deviance", 5.0, 6.0) > 0
    assert value_gain("bias", 0.1, -0.4) == pytest.approx(0.3)
    assert value_gain("bias", -0.4, 0.1) < 0
