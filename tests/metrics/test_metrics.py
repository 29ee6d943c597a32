"""Metrics against scikit-learn and against their own definitions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as other

from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.decision import at_threshold
from holdfast.metrics.forecast import LESS_IS_BETTER, METRICS, forecast_metrics, gain
from holdfast.metrics.moments import Moments
from holdfast.metrics.probability import brier, brier_parts, calibration_table, ece, log_loss
from holdfast.metrics.ranking import auc, average_precision, lift_at, lift_curve, recall_at


def made(seed: int, n: int = 400, ties: bool = True):
    random = np.random.default_rng(seed)
    said = random.random(n)
    said = np.round(said, 1) if ties else said
    return random.random(n) < 0.2 + 0.6 * said, np.clip(said, 0.02, 0.98), random.poisson(1.0, n).astype(float)


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed, ties):
    y, p, w = made(seed, ties=ties)
    for weight in (None, w):
        given_weight = {"sample_weight": weight}
        assert auc(y, p, weight) == pytest.approx(other.roc_auc_score(y, p, **given_weight), abs=1e-12)
        assert average_precision(y, p, weight) == pytest.approx(
            other.average_precision_score(y, p, **given_weight), abs=1e-12
        )
        assert log_loss(y, p, weight) == pytest.approx(other.log_loss(y, p, **given_weight), abs=1e-12)
        assert brier(y, p, weight) == pytest.approx(other.brier_score_loss(y, p, **given_weight), abs=1e-12)
    found = at_threshold(y, p, 0.5)
    assert found["f1"] == pytest.approx(other.f1_score(y, p >= 0.5))
    assert found["precision"] == pytest.approx(other.precision_score(y, p >= 0.5))
    assert found["recall"] == pytest.approx(other.recall_score(y, p >= 0.5))
    assert found["accuracy"] == pytest.approx(other.accuracy_score(y, p >= 0.5))


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_many_weightings_at_once_equal_one_at_a_time(seed):
    y, p, _ = made(seed, n=60)
    weights = np.random.default_rng(seed).poisson(1.0, (5, 60)).astype(float)
    together = forecast_metrics(y, p, weights)
    for at in range(5):
        alone = forecast_metrics(y, p, weights[at])
        repeated = np.repeat(np.arange(60), weights[at].astype(int))
        for name in METRICS:
            assert together[name][at] == pytest.approx(alone[name], abs=1e-10, nan_ok=True)
            if name != "ece" and len(repeated):  # bins are laid by rows, not by weights
                said_twice = forecast_metrics(y[repeated], p[repeated])[name]
                assert alone[name] == pytest.approx(said_twice, abs=1e-10, nan_ok=True)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_order_of_rows_changes_nothing(seed):
    y, p, _ = made(seed, n=50)
    order = np.random.default_rng(seed).permutation(50)
    first, second = forecast_metrics(y, p), forecast_metrics(y[order], p[order])
    assert all(first[name] == pytest.approx(second[name], abs=1e-12, nan_ok=True) for name in METRICS)


def test_one_class_is_not_a_number_rather_than_a_plausible_one():
    y, p = np.ones(5, bool), np.linspace(0.1, 0.9, 5)
    assert np.isnan(auc(y, p))
    assert np.isnan(average_precision(~y, p))
    assert np.isnan(at_threshold(~y, p)["recall"])
    assert np.isnan(at_threshold(y, p, 0.99)["precision"])


def test_equal_scores_lift_nothing():
    y = np.array([True, False, True, False, False, False, False, False, False, False])
    p = np.full(10, 0.3)
    assert lift_at(y, p, 0.1) == pytest.approx(1.0)
    assert auc(y, p) == 0.5
    assert recall_at(y, p, 0.2) == pytest.approx(0.2)
    assert lift_curve(y, p, 4)[-1] == {"share": 1.0, "recall": 1.0, "lift": 1.0}


def test_brier_parts_add_up_and_ece_of_truth_is_small():
    random = np.random.default_rng(3)
    p = random.random(20_000)
    y = random.random(20_000) < p
    parts = brier_parts(y, p)
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within"]
    assert total == pytest.approx(brier(y, p))
    assert parts["reliability"] < 0.001
    assert ece(y, p) < 0.015
    assert ece(y, np.clip(p + 0.2, 0, 1)) > 0.15
    table = calibration_table(y, p)
    assert sum(row["n"] for row in table) == 20_000
    assert sum(row["low"] <= row["said"] <= row["high"] for row in table) >= 8


def test_gain_is_positive_when_better():
    assert all(gain(name, 0.2, 0.3) > 0 for name in LESS_IS_BETTER)
    assert gain("auc", 0.7, 0.6) > 0


def test_customers_are_drawn_whole_and_the_same_in_every_run():
    (codes, more), customers = customer_codes([pa.array(["a", "b", "a"]), pa.array(["b"])])
    assert customers == 2
    assert codes.tolist() == [0, 1, 0]
    assert more.tolist() == [1]
    first = np.concatenate(list(replicates(50, 30, seed=4)))
    second = np.concatenate(list(replicates(50, 30, seed=4, cells=100)))
    assert np.array_equal(first, second)
    assert abs(first.mean() - 1) < 0.1


def test_interval_of_a_mean_covers_it():
    hits = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        values = random.exponential(1.0, 150)
        draws = np.concatenate([w @ values / w.sum(axis=1) for w in replicates(150, 200, seed)])
        low, high = interval(draws, 0.95)
        hits += low <= 1.0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_moments_add():
    values = np.random.default_rng(1).normal(5, 2, 1000)
    whole, parts = Moments.of(values), Moments.of(values[:300]) + Moments.of(values[300:])
    assert parts.mean == pytest.approx(values.mean())
    assert parts.variance == pytest.approx(values.var(ddof=1))
    assert whole.interval() == pytest.approx(parts.interval())
    assert np.isnan(Moments().mean)
