"""Histories: how they are built, grouped and refused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.models.btyd.bgbb import BgBb
from holdfast.models.btyd.erlang import MbgNbd
from holdfast.models.btyd.purchase import PURCHASE_MODELS
from holdfast.models.btyd.rows import distinct, grouped
from holdfast.models.btyd.summary import PurchaseSummary, customers_of
from models.btyd_worlds import histories, simulated, truth

BAD = {
    "a negative number": ([-1.0], [0.0], [3.0]),
    "a negative length": ([1.0], [-2.0], [3.0]),
    "after the end": ([1.0], [4.0], [3.0]),
    "whole number": ([1.5], [1.0], [3.0]),
    "a part missing": ([1.0], [np.nan], [3.0]),
    "infinite": ([1.0], [1.0], [np.inf]),
    "t_x is not 0": ([0.0], [1.0], [3.0]),
    "no time between": ([2.0], [0.0], [3.0]),
    "longer than a century": ([1.0], [1e9], [1e10]),
    "more than 1,000,000": ([1e7], [1.0], [3.0]),
    "not one length": ([1.0, 2.0], [1.0], [3.0]),
}


@pytest.mark.parametrize("what", list(BAD))
def test_what_cannot_be_a_history_is_refused_with_its_row(what):
    with pytest.raises(UsageError, match=what):
        PurchaseSummary.of(*BAD[what])


@pytest.mark.parametrize("name", list(PURCHASE_MODELS))
def test_too_thin_a_history_is_refused(name):
    model = PURCHASE_MODELS[name]()
    ticks = model.opportunities
    with pytest.raises(TooLittleData, match="9 customers"):
        model.fit(PurchaseSummary.of([1.0] * 9, [2.0] * 9, [5.0] * 9, opportunities=ticks))
    with pytest.raises(TooLittleData, match="0 repeat orders"):
        model.fit(PurchaseSummary.of([0.0] * 50, [0.0] * 50, [5.0] * 50, opportunities=ticks))
    with pytest.raises(UsageError, match="needs a summary of"):
        model.fit(PurchaseSummary.of([1.0] * 50, [2.0] * 50, [5.0] * 50, opportunities=not ticks))


def test_orders_of_one_day_are_one_and_later_ones_are_left_out():
    days = np.array(["2024-01-01", "2024-01-01", "2024-01-11", "2024-01-06", "2024-02-20"], "datetime64[D]")
    who = ["b", "b", "b", "a", "c"]
    summary = PurchaseSummary.from_orders(who, days, date(2024, 1, 31))
    assert customers_of(who, days, date(2024, 1, 31)).tolist() == ["a", "b"]
    assert (summary.frequency.tolist(), summary.t_x.tolist(), summary.T.tolist()) == ([0, 1], [0, 10], [25, 30])
    assert summary.log_gaps == pytest.approx(np.log(10))
    with pytest.raises(UsageError, match="without a date"):
        PurchaseSummary.from_orders(["a"], np.array(["NaT"], "datetime64[D]"), date(2024, 1, 31))


def test_features_become_histories_and_customers_without_orders_keep_their_place():
    table = histories(["a", "b", "c"], [[0, 10, 20], [], [5]], date(2024, 2, 1))
    summary = PurchaseSummary.from_features(table)
    assert (len(summary), summary.customers, summary.orders) == (3, 2, 2)
    fit = MbgNbd().fit(PurchaseSummary.of([0, 1, 2] * 20, [0, 9, 20] * 20, [31, 30, 29] * 20))
    said = fit.p_no_order(summary, Horizon.parse("30d"))
    assert np.isnan(said).tolist() == [False, True, False]


def test_units_are_remembered_and_converted():
    weeks = simulated("mbg_nbd", 800)
    days = PurchaseSummary.of(weeks.frequency, weeks.t_x * 7, weeks.T * 7)
    in_days, in_weeks = MbgNbd().fit(days), MbgNbd().fit(weeks)
    assert in_weeks.parameters["alpha"] * 7 == pytest.approx(in_days.parameters["alpha"], rel=1e-5)
    month = Horizon.parse("30d")
    assert np.allclose(in_days.p_no_order(weeks, month), in_weeks.p_no_order(days, month), rtol=1e-6)
    assert np.allclose(in_days.expected_orders(days, month), in_weeks.expected_orders(weeks, month), rtol=1e-6)
    assert in_weeks.log_likelihood == pytest.approx(in_days.log_likelihood + days.orders * np.log(7))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(5, 7)), min_size=1, max_size=60))
def test_grouping_loses_nothing_and_knows_no_order(rows):
    x, t_x, T = (np.array(one, np.float64) for one in zip(*rows, strict=True))
    t_x = np.where(x > 0, t_x, 0.0)
    summary = PurchaseSummary.of(x, t_x, T)
    assert np.array_equal(summary.spread(summary.rows.x), x)
    assert np.array_equal(summary.spread(summary.rows.t_x), t_x)
    assert summary.rows.weight.sum() == len(x)
    assert summary.groups == len(set(zip(x, t_x, T, strict=True)))
    order = np.random.default_rng(1).permutation(len(x))
    again = PurchaseSummary.of(x[order], t_x[order], T[order])
    assert np.array_equal(again.rows.T, summary.rows.T)
    assert np.array_equal(again.rows.weight, summary.rows.weight)


def test_colliding_hashes_are_noticed(monkeypatch):
    columns = [np.array([1.0, 2.0, 1.0, 3.0])]
    real = np.unique
    seen = []

    def collide(values, **options):
        if not seen:
            seen.append(1)
            return real(np.zeros(len(values)), **options)
        return real(values, **options)

    monkeypatch.setattr(np, "unique", collide)
    first, count, group = grouped(columns)
    assert count.tolist() == [2, 1, 1]
    assert np.array_equal(columns[0][first][group], columns[0])


def test_distinct_numbers_however_large():
    for x in (np.array([3.0, 0, 3]), np.array([5e5, 1, 5e5])):
        xs, at = distinct(x)
        assert np.array_equal(xs[at], x)
        assert len(xs) == 2


def test_periods_with_and_without_an_order_are_opportunities():
    process, n = truth("bg_bb"), 300
    who, when = process.simulate(np.full(n, 240.0), seed=3)
    everyone = np.concatenate([np.arange(n), who, who])  # every order twice: once more in the same period
    days = np.concatenate([np.zeros(n), when, when + 7]).astype(np.int64)
    summary = PurchaseSummary.from_periods(everyone, days, 9 * 30 + 12, period_days=30)
    assert (summary.T == 8).all()
    assert np.array_equal(summary.frequency, np.bincount(who, minlength=n))
    last = np.zeros(n)
    np.maximum.at(last, who, when / 30)
    assert np.array_equal(summary.t_x, last)
    assert np.isfinite(BgBb().fit(summary).p_no_order(summary, 90.0)).all()
    young = PurchaseSummary.from_periods(["a", "b"], [0, 0], 20, period_days=30)
    assert (young.T == 0).all()
    with pytest.raises(UsageError, match="cannot be converted"):
        summary.in_unit(7.0)
