"""The tabular classifiers: what each promises beyond the contract, and what they do with bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from holdfast.checks.model import world
from holdfast.core.clock import Cutoff
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.models import FITTED
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Slices
from holdfast.core.text import Text
from holdfast.metrics.probability import log_loss
from holdfast.models.columns import customer_columns, filled
from holdfast.models.decision_tree import DecisionTree
from holdfast.models.ensemble import Ensemble
from holdfast.models.linear_svm import LinearSvm, fit_squared_hinge
from holdfast.models.logit import logit, sigmoid
from holdfast.models.mlp import Mlp
from holdfast.models.random_forest import RandomForest
from holdfast.models.rfm_logistic import RfmLogistic
from holdfast.models.stacked import Stacked, stack

TABULAR = (LinearSvm(l2=1.0), DecisionTree(), RandomForest(trees=20), Mlp(nets=1, epochs=8), Ensemble(), Stacked())
DAY = 86_400_000_000


def with_values(slices: Slices, change) -> Slices:
    values = slices.features.values.copy()
    change(values)
    return replace(slices, features=replace(slices.features, values=values))


BAD = {
    "constant features": lambda values: values.__setitem__(slice(None), 3.0),
    "missing everywhere": lambda values: values.__setitem__(slice(None), np.nan),
    "huge values": lambda values: values.__setitem__((slice(None, None, 3), 0), np.float32(3e38)),
    "infinity": lambda values: values.__setitem__((slice(None, None, 3), 5), np.inf),
}


@pytest.mark.parametrize("model", TABULAR, ids=lambda one: one.model_id)
@pytest.mark.parametrize("bad", list(BAD))
def test_bad_features_give_probabilities_never_nan(model, bad):
    slices = with_values(world(customers=120, slices=2), BAD[bad])
    fitted = model.fit(slices.features, slices.outcomes)
    said = fitted.predict(slices.features).p_churn
    assert np.isfinite(said).all()
    assert ((said > 0) & (said < 1)).all()
    baseline, parts = fitted.contributions(slices.features)
    assert baseline + parts.sum(axis=1) == pytest.approx(logit(said, 1e-12), abs=1e-6)
    if bad in ("constant features", "missing everywhere"):
        assert said == pytest.approx(slices.outcomes.churned.mean(), abs=0.05)


@pytest.mark.parametrize("model", TABULAR, ids=lambda one: one.model_id)
@pytest.mark.parametrize("everybody", [True, False])
def test_one_class_only_stays_a_probability(model, everybody):
    slices = world(customers=60, slices=1)
    same = replace(slices.outcomes, churned=np.full(len(slices), everybody))
    said = model.fit(slices.features, same).predict(slices.features).p_churn
    assert ((said > 0) & (said < 1)).all()
    assert (said > 0.8).all() if everybody else (said < 0.2).all()


@pytest.mark.parametrize("model", TABULAR, ids=lambda one: one.model_id)
def test_no_rows_are_refused_and_ten_customers_are_not(model):
    none = world().take(np.array([], np.int64))
    with pytest.raises(TooLittleData):
        model.fit(none.features, none.outcomes)
    ten = world(customers=10, slices=1)
    said = model.fit(ten.features, ten.outcomes).predict(ten.features).p_churn
    assert np.isfinite(said).all()


@pytest.mark.parametrize("model", TABULAR, ids=lambda one: one.model_id)
def test_what_was_planted_is_found_and_a_weight_of_zero_is_a_row_left_out(model):
    train, test = world(customers=1500, seed=1), world(customers=1500, seed=2)
    truth = 0.02 * test.features.column("days_since_last_order") - 0.35 * test.features.column("order_count") + 0.8
    best = log_loss(test.outcomes.churned, sigmoid(truth.astype(float)))
    said = model.fit(train.features, train.outcomes).predict(test.features).p_churn
    assert log_loss(test.outcomes.churned, said) < best + 0.05
    lies = replace(train.outcomes, churned=~train.outcomes.churned)
    half = np.arange(len(train)) % 2 == 0
    mixed = replace(train.outcomes, churned=np.where(half, train.outcomes.churned, lies.churned))
    told = model.fit(train.features, mixed, weights=half.astype(float)).predict(test.features).p_churn
    assert log_loss(test.outcomes.churned, told) < best + 0.08


def test_the_support_vector_machine_agrees_with_scikit_learn():
    random = np.random.default_rng(3)
    X = random.normal(size=(400, 3))
    y = random.random(400) < sigmoid(X @ np.array([1.5, -1.0, 0.0]))
    weights = random.random(400) + 0.5
    ours = fit_squared_hinge(X, y, l2=2.0, weights=weights)
    theirs = LinearSVC(C=0.25, dual=False, tol=1e-10, max_iter=10_000, intercept_scaling=100.0)  # half of the square
    theirs.fit(X, y, sample_weight=2 * weights)
    assert ours[1:] == pytest.approx(theirs.coef_[0], abs=2e-3)
    assert np.isfinite(fit_squared_hinge(X, np.ones(400, bool), l2=1.0)).all()


def test_the_trees_rules_are_its_predictions_in_both_languages():
    slices = world(customers=600)
    fit = DecisionTree(leaves=6).fit(slices.features, slices.outcomes)
    said = fit.predict(slices.features).p_churn
    rules = fit.rules()
    assert 2 <= len(rules) <= 6
    assert len(rules) == len(fit.rules("zh"))
    rates = [f"{one:.0%}" for one in sorted(set(said), reverse=True)]
    assert [line.split("-> ")[1].split(" ")[0] for line in rules] == rates
    rows = sum(int(line.split("n=")[1].rstrip(")").replace(",", "")) for line in rules)
    assert rows == len(slices)
    assert any("more than" in line or "above" in line for line in rules)
    assert "多于" in "".join(fit.rules("zh"))
    assert FITTED["decision_tree"].from_bytes(fit.to_bytes()).rules() == rules


def test_a_tree_without_a_split_speaks_of_everybody():
    slices = with_values(world(customers=50, slices=1), BAD["constant features"])
    fit = DecisionTree().fit(slices.features, slices.outcomes)
    assert len(fit.rules()) == 1
    assert fit.rules()[0].startswith("everybody -> ")
    assert fit.columns == ()


def test_the_network_stops_by_customers_it_does_not_learn_from():
    slices = world(customers=300)
    long, short = (Mlp(nets=1, epochs=n, patience=3).fit(slices.features, slices.outcomes) for n in (200, 40))
    assert long.to_bytes() == short.to_bytes()  # patience ended both long before


def test_shares_are_never_negative_and_go_to_who_knows():
    random = np.random.default_rng(2)
    score = random.normal(0, 1.5, 4000)
    happened = random.random(4000) < sigmoid(score)
    rows = np.column_stack([score, random.normal(0, 1.5, 4000), -score])
    shares = stack(rows, happened, np.zeros(4000, np.int64), l2=1.0)
    assert (shares >= 0).all()
    assert shares[0] - shares[2] == pytest.approx(1.0, abs=0.1)
    assert shares[1] == pytest.approx(0.0, abs=0.06)
    held = stack(rows, happened, np.zeros(4000, np.int64), l2=1e9)
    assert held == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_a_level_that_moves_between_cutoffs_is_no_skill():
    random = np.random.default_rng(4)
    slice_of = np.repeat(np.arange(4), 1000)
    score, level = random.normal(0, 1, 4000), np.array([-1.0, 1.0, -1.0, 1.0])[slice_of]
    happened = random.random(4000) < sigmoid(score + level)
    told = np.column_stack([score, 0.0 * score + level])
    shares = stack(told, happened, slice_of, l2=1.0)
    assert shares[0] == pytest.approx(1.0, abs=0.12)


def test_an_ensemble_is_the_mean_of_its_members_and_never_of_one():
    slices = world()
    members = (("rfm_logistic", RfmLogistic()), ("decision_tree", DecisionTree()))
    fit = Ensemble(members).fit(slices.features, slices.outcomes)
    apart = [logit(one.fit(slices.features, slices.outcomes).predict(slices.features).p_churn) for _, one in members]
    assert logit(fit.predict(slices.features).p_churn) == pytest.approx(np.mean(apart, axis=0), abs=1e-6)
    with pytest.raises(UsageError, match="needs two members"):
        Ensemble(members).only(["rfm_logistic"])


def test_windows_that_reach_beyond_the_shops_record_are_left_out():
    """At two of three cutoffs the oldest customer came less than 180 days ago."""
    ages = np.array([90.0, 60.0, 120.0, 90.0, 200.0, 170.0])
    cutoffs = Cutoff.parse("2024-01-01").micros + np.repeat([0, 30, 110], 2) * DAY
    columns = tuple(
        FeatureColumn(name, "", window, "", "x", Text("", ""))
        for name, window in (("T", ""), ("orders_90d", "90d"), ("orders_180d", "180d"))
    )
    values = np.column_stack([ages, np.arange(6.0), np.arange(6.0) ** 2]).astype(np.float32)
    table = FeatureTable(Key.of(list("ababab"), cutoffs), columns, values)
    assert filled(table).tolist() == [True, True, False]
    assert customer_columns(table) == ("T", "orders_90d")
    older = replace(table, values=(values + np.array([[100.0, 0, 0]])).astype(np.float32))
    assert filled(older).all()
    assert filled(table.select(["orders_180d"])).all()  # nobody's age is known
