"""What single models and their parts must do, on small worlds whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from holdfast.checks.model import world
from holdfast.core.clock import Cutoff, Gap
from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.core.tables import FeatureColumn, FeatureTable, Key
from holdfast.core.text import Text
from holdfast.metrics.probability import log_loss
from holdfast.models.calibration import KINDS, Calibrator, Evidence, fit_calibrator, possible
from holdfast.models.columns import customer_columns
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.models.logit import fit_logit, logit, sigmoid
from holdfast.models.own_gap import OwnGap
from holdfast.models.pack import unpack
from holdfast.models.prepare import Recipe
from holdfast.models.reasons import reasons
from holdfast.models.recency import Recency
from holdfast.models.settings import ModelSettings, configured
from holdfast.models.value import SpendFit, season_of

DAY = 86_400_000_000


def test_newton_agrees_with_scikit_learn():
    random = np.random.default_rng(5)
    X = random.normal(size=(500, 4))
    y = random.random(500) < sigmoid(X @ np.array([1.0, -0.5, 0.0, 0.3]) + 0.2)
    weights = random.random(500) + 0.5
    ours = fit_logit(X, y, l2=3.0, weights=weights)
    theirs = LogisticRegression(C=1 / 3.0, tol=1e-10, max_iter=1000).fit(X, y, sample_weight=weights)
    assert ours[1:] == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert ours[0] == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_separable_and_one_class_data_stay_finite():
    X = np.r_[np.full(20, -1.0), np.full(20, 1.0)][:, None]
    assert np.isfinite(fit_logit(X, X[:, 0] > 0, l2=0.1)).all()
    assert sigmoid(fit_logit(X, np.ones(40, bool), l2=1.0)[:1])[0] > 0.99


def test_missing_values_are_marked_and_extremes_pulled_in():
    slices = world()
    recipe = Recipe.learn(slices.features, slices.features.names)
    assert [recipe.columns[i] for i in recipe.marked] == ["rating_mean"]
    wild = slices.features.values.copy()
    wild[0, 0], wild[1, 0] = 1e30, np.inf
    rows = recipe.apply(replace(slices.features, values=wild))
    assert np.isfinite(rows).all()
    assert rows[0, 0] < 6
    assert rows[1, 0] == 0.0  # infinity is missing
    assert Recipe.from_dict(recipe.as_dict()).apply(slices.features) == pytest.approx(recipe.apply(slices.features))


def test_a_column_that_only_tells_the_slice_is_left_out_until_two_years_are_seen():
    slices = world()
    season = FeatureColumn("season_sine", "", "", "", "season", Text("", ""))
    column = np.sin(slices.features.key.cutoff / (365 * DAY))[:, None].astype(np.float32)
    table = FeatureTable(
        slices.features.key, (*slices.features.columns, season), np.hstack([slices.features.values, column])
    )
    assert "season_sine" not in customer_columns(table)
    late = table.key.cutoff.copy()
    late[late == late.max()] += 800 * DAY
    assert "season_sine" in customer_columns(replace(table, key=Key(table.key.customer_id, late)))


def test_a_needed_column_that_is_absent_is_named():
    slices = world()
    without = slices.features.select([n for n in slices.features.names if n != "overdue_ratio"])
    with pytest.raises(UsageError, match="overdue_ratio"):
        OwnGap().fit(without, slices.outcomes)


def test_no_rows_is_too_little_data():
    slices = world().take(np.array([], np.int64))
    with pytest.raises(TooLittleData, match="labelled rows"):
        Recency().fit(slices.features, slices.outcomes)


def test_models_find_what_was_planted():
    train, test = world(customers=2000, seed=1), world(customers=2000, seed=2)
    truth = 0.02 * test.features.column("days_since_last_order") - 0.35 * test.features.column("order_count") + 0.8
    best = log_loss(test.outcomes.churned, sigmoid(truth.astype(float)))
    for model in (Logistic(l2=1.0), LightGbm(rounds=150)):
        said = model.fit(train.features, train.outcomes).predict(test.features).p_churn
        assert log_loss(test.outcomes.churned, said) < best + 0.02


def test_saved_rubbish_is_refused():
    for data in (b"", b"{}", b'{"format": 99}', b"\x80\x04K\x01."):
        with pytest.raises(StateError):
            unpack(data)


def test_configured_keeps_the_order_of_simplicity():
    made = configured(ModelSettings(logistic_l2=7.0), seed=3)
    assert next(iter(made)) == "base_rate"
    assert made["logistic"].l2 == 7.0
    assert made["lightgbm"].seed == 3


def evidence(shift, slices=10, rows=800, slope=1.0, seed=1, step=15):
    """Predictions whose truth is moved by `shift(i)` at slice i and stretched by `slope`."""
    random = np.random.default_rng(seed)
    said, happened, cutoff = [], [], []
    for at in range(slices):
        score = random.normal(0.5, 1.0, rows)
        said.append(sigmoid(score))
        happened.append(random.random(rows) < sigmoid(slope * score + shift(at)))
        cutoff.append(np.full(rows, at * step * DAY))
    return Evidence(np.concatenate(said), np.concatenate(happened), np.concatenate(cutoff), 30 * DAY)


@pytest.mark.parametrize("kind", KINDS)
def test_calibrators_keep_probabilities_and_save(kind):
    shown = evidence(lambda at: 0.4, slices=48)
    fitted = fit_calibrator(kind, shown)
    p = np.linspace(0, 1, 101)
    corrected = fitted.apply(p, 0)
    assert ((corrected >= 0) & (corrected <= 1)).all()
    assert (np.diff(corrected) >= -1e-12).all()
    again = Calibrator.from_dict(fitted.as_dict())
    assert np.array_equal(again.apply(p, 0), corrected)


@pytest.mark.parametrize("kind", ["shrunken_intercept", "platt", "beta", "isotonic"])
def test_calibrators_mend_a_steady_error(kind):
    fitted = fit_calibrator(kind, evidence(lambda at: 0.6))
    fresh = evidence(lambda at: 0.6, seed=9)
    assert log_loss(fresh.happened, fitted.apply(fresh.said)) < log_loss(fresh.happened, fresh.said) - 0.01


def test_platt_mends_overconfidence():
    line = fit_calibrator("platt", evidence(lambda at: 0.0, slope=0.5)).numbers["line"]
    assert line[1] == pytest.approx(0.5, abs=0.05)


def test_the_shrunken_intercept_ignores_an_error_that_does_not_last():
    flips = fit_calibrator("shrunken_intercept", evidence(lambda at: 0.5 if at // 2 % 2 else -0.5))
    steady = fit_calibrator("shrunken_intercept", evidence(lambda at: 0.5))
    assert flips.numbers["shift"][0] == 0.0
    assert steady.numbers["shift"][0] == pytest.approx(0.5, abs=0.1)


def test_too_little_evidence_is_said():
    few = evidence(lambda at: 0.0, slices=1, rows=20)
    assert not possible("platt", few)
    assert possible("none", few)
    with pytest.raises(TooLittleData):
        fit_calibrator("isotonic", few)
    with pytest.raises(UsageError, match="unknown calibration"):
        possible("spline", few)


def test_a_seasonal_intercept_learns_the_season():
    wave = lambda at: 0.6 * np.cos(2 * np.pi * at * 30 / 365.25)  # noqa: E731 - a formula
    fitted = fit_calibrator("seasonal", evidence(wave, slices=36, step=30))
    for at in (40, 43, 46):
        got = logit(fitted.apply(np.array([0.5]), at * 30 * DAY))[0]
        assert got == pytest.approx(wave(at), abs=0.15)


def reasons_table(values):
    columns = (
        FeatureColumn(
            "silence", "days", "", "none", "cadence", Text("last order {value} days ago", "上次下单在{value}天前"), 1
        ),
        FeatureColumn(
            "overdue", "ratio", "", "none", "cadence",
            Text("usually every {gap} days, silent for {silence}", "通常每{gap}天，已沉默{silence}天"), 1,
        ),
        FeatureColumn("orders", "orders", "", "none", "frequency", Text("{value} orders", "下单{value}次"), -1),
        FeatureColumn("gap", "days", "", "none", "extra", Text("gap {value}", "间隔{value}")),
    )  # fmt: skip
    key = Key.of([f"c{i}" for i in range(len(values))], Cutoff.parse("2024-01-01"))
    return FeatureTable(key, columns, np.array(values, np.float32))


class Told:
    """A fit with given contributions."""

    model_id, columns = "told", ("silence", "overdue", "orders")

    def __init__(self, parts):
        self.parts = np.array(parts, float)

    def contributions(self, features):
        return 0.0, self.parts


TYPICAL = {"silence": 30.0, "overdue": 1.0, "orders": 4.0}


def test_reasons_speak_once_for_each_family_with_the_customers_own_numbers():
    table = reasons_table([[74, 2.4, 1, 31], [3, 0.1, 9, 31], [np.nan, np.nan, 1, np.nan]])
    fit = Told([[0.2, 0.5, 0.3], [-0.2, -0.1, -0.6], [0.4, 0.3, 0.1]])
    found = reasons(fit, table, typical=TYPICAL)
    assert [one["feature"] for one in found[0]] == ["overdue", "orders"]
    assert [one["text"] for one in found[0]] == ["usually every 31 days, silent for 74", "1 order"]
    assert found[0][0]["contribution"] == pytest.approx(0.7)
    assert [one["feature"] for one in found[1]] == ["orders", "overdue"]
    assert all(one["contribution"] < 0 for one in found[1])
    assert [one["feature"] for one in found[2]] == ["orders"]  # what is missing is no reason
    chinese = reasons(Told([[0.2, 0.5, 0.3]]), table.take(np.array([0])), language="zh", typical=TYPICAL)
    assert chinese[0][0]["text"] == "通常每31天，已沉默74天"


def test_a_value_on_the_other_side_of_typical_is_never_told():
    """The model may hold many orders against a customer; no person would take that for a reason to leave."""
    table = reasons_table([[74, 2.4, 9, 31], [3, 0.1, 1, 31]])
    found = reasons(Told([[0.1, 0.1, 0.9], [-0.1, -0.1, -0.9]]), table, typical=TYPICAL)
    assert [[one["feature"] for one in row] for row in found] == [["overdue"], ["overdue"]]


def test_reasons_of_real_models_name_three_different_things():
    slices = world()
    for model in (Logistic(), LightGbm()):
        found = reasons(model.fit(slices.features, slices.outcomes), slices.features)
        families = {c.name: c.family for c in slices.features.columns}
        for row in found:
            told = [families[one["feature"]] for one in row]
            assert len(told) == len(set(told)) <= 3
            strengths = [abs(one["contribution"]) for one in row]
            assert strengths == sorted(strengths, reverse=True)


def test_value_at_risk_follows_its_definition():
    slices = world(customers=1000)
    fit = SpendFit.fit(slices)
    p = np.full(len(slices), 0.5)
    found = fit.at_risk(slices.features, p)
    assert found.at_risk == pytest.approx(np.maximum(0, found.usual - found.expected))
    assert found.expected.sum() == pytest.approx(slices.outcomes.revenue.sum() / 1e4, rel=0.4)
    sure = fit.at_risk(slices.features, np.ones(len(slices)))
    assert sure.at_risk == pytest.approx(sure.usual)
    assert fit.at_risk(slices.features, p, season=2.0).usual == pytest.approx(2 * found.usual)
    total, low, high = fit.total(slices.features, p, level_sd=0.3)
    assert low < total < high
    assert total == pytest.approx(found.at_risk.sum())
    assert SpendFit.from_dict(fit.as_dict()) == fit


def test_the_season_is_last_years_and_half_believed():
    days = np.arange("2022-01-01", "2024-01-01", dtype="datetime64[D]")
    december = (days.astype("datetime64[M]").astype(int) % 12) == 11
    table = pa.table({"local_day": days, "revenue": np.where(december, 300, 100)})
    assert season_of(table, Cutoff.parse("2023-12-01"), Gap.parse("30d")) == pytest.approx(2.0, abs=0.05)
    assert season_of(table, Cutoff.parse("2022-12-01"), Gap.parse("30d")) == 1.0


def test_of_equal_columns_one_is_used():
    slices = world()
    twice = slices.features.column("order_count")
    assert np.array_equal(twice, slices.features.column("order_count_180d"))
    assert "order_count" not in customer_columns(slices.features)
    assert "order_count_180d" in customer_columns(slices.features)


def test_a_comparison_of_two_own_numbers_speaks_for_its_family():
    table = reasons_table([[74, 2.4, 1, 31], [10, 0.3, 1, 31]])
    parts = [[0.9, -0.1, 0.0], [-0.9, 0.1, 0.0]]  # signs fight each other
    found = reasons(Told(parts), table, typical=TYPICAL)
    assert [row[0]["feature"] for row in found] == ["overdue", "overdue"]
    assert found[0][0]["contribution"] == pytest.approx(0.8)
