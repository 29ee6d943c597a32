"""The rule "refit now": silent where nothing changed, loud where something did; and what it refuses to judge."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from holdfast.bench.shift_drift import looked
from holdfast.checks.model import world
from holdfast.core.clock import Cutoff
from holdfast.core.errors import LeakError, TooLittleData, UsageError
from holdfast.metrics.probability import log_loss
from holdfast.metrics.ranking import auc
from holdfast.models.calibration import Evidence
from holdfast.models.drift import Drift, drift_report, told_apart
from holdfast.models.drift_promises import calibration_drift, expected, limit_of
from holdfast.models.drift_settings import DriftSettings
from holdfast.models.logit import sigmoid

DAY = 86_400_000_000


@cache
def reports(kind: str, shops: int) -> tuple[Drift, ...]:
    return tuple(looked(kind, 500 + seed, customers=1000)[0] for seed in range(shops))


def alarms(kind: str, shops: int) -> int:
    return sum(one.refit for one in reports(kind, shops))


def test_shops_that_stay_as_they_are_are_left_in_peace() -> None:
    """Set to one false alarm in twenty; three in eight would come once in two hundred times."""
    assert alarms("steady", 8) < 3
    assert alarms("seasonal", 3) < 2


@pytest.mark.parametrize(("kind", "least"), [("slower", 3), ("newcomers", 2), ("cents", 4)])
def test_shops_that_change_are_told_to_refit(kind: str, least: int) -> None:
    assert alarms(kind, 4) >= least


def test_the_reason_names_what_moved() -> None:
    cents, slower = reports("cents", 4)[0], reports("slower", 4)
    assert any("revenue" in one.en for one in cents.reasons)
    assert {one.name for one in cents.features if one.flagged} >= {"revenue", "revenue_180d"}
    told = next(one for one in slower if one.refit)
    assert any("the model said" in one.en and "模型预计" in one.zh for one in told.reasons)
    assert told.calibration.observed_over_expected > 1.05
    facts = told.as_dict("zh")
    assert facts["refit"] is True
    assert "前提" in facts["expected"]["assumes"]
    quiet = next(one for one in reports("steady", 8) if not one.refit)
    assert quiet.reasons[0].en.startswith("No refit needed")


@pytest.mark.slow
def test_false_alarm_rate_over_many_shops() -> None:
    """At most 5% by design; twelve of a hundred would come once in three hundred times."""
    assert sum(looked("steady", 2000 + seed, customers=800)[0].refit for seed in range(100)) < 12


def test_the_limit_of_the_cumulative_sum_keeps_its_promise() -> None:
    """Under slices without any change, as many alarms as allowed; the simulated limit is checked on other draws."""
    random = np.random.default_rng(3)
    for slices in (2, 8):
        limit = limit_of(slices, 0.05)
        up, down = np.zeros(4000), np.zeros(4000)
        for _ in range(slices):
            step = random.standard_normal(4000)
            up, down = np.maximum(0, up + step - 0.5), np.maximum(0, down - step - 0.5)
        assert (np.maximum(up, down) > limit).mean() == pytest.approx(0.05, abs=0.015)


def promises(move: float, slices: int = 6, n: int = 500, apart: int = 30, seed: int = 1) -> Evidence:
    random = np.random.default_rng(seed)
    p = sigmoid(random.normal(0, 1, n * slices))
    happened = random.random(n * slices) < sigmoid(np.log(p / (1 - p)) + move)
    return Evidence(p, happened, np.repeat(np.arange(slices) * apart * DAY, n), 30 * DAY)


def test_only_slices_a_horizon_apart_are_added_up() -> None:
    assert len(calibration_drift(promises(0.0, apart=30), 0.1, DriftSettings()).cutoffs) == 6
    assert len(calibration_drift(promises(0.0, apart=10), 0.1, DriftSettings()).cutoffs) == 2
    assert calibration_drift(promises(0.6), 0.1, DriftSettings()).alarm
    assert not calibration_drift(promises(0.0), 0.1, DriftSettings()).alarm
    assert not calibration_drift(promises(0.3), 0.6, DriftSettings()).alarm  # a shop whose level swings like that
    empty = Evidence(np.array([]), np.array([], bool), np.array([], np.int64))
    assert calibration_drift(empty, 0.1, DriftSettings()) is None
    with pytest.raises(UsageError, match="probabilities"):
        calibration_drift(replace(promises(0.0), said=np.full(3000, np.nan)), 0.1, DriftSettings())


def test_expected_performance_is_the_realised_one_where_probabilities_are_true() -> None:
    random = np.random.default_rng(2)
    hits = []
    for _ in range(30):
        p = sigmoid(random.normal(0.2, 1.2, 800))
        happened = random.random(800) < p
        said = expected(p, 0.0)
        for name, real in (
            ("auc", auc(happened, p)),
            ("log_loss", log_loss(happened, p)),
            ("churned", happened.mean()),
        ):
            value, low, high = getattr(said, name)
            assert low <= value <= high
            hits.append(low <= real <= high)
    assert 0.8 < np.mean(hits) <= 1.0
    sure = expected(np.zeros(50), 0.0)
    assert np.isfinite([*sure.auc, *sure.log_loss, *sure.churned]).all()


def test_a_classifier_cannot_learn_customers_by_heart() -> None:
    slices = world(customers=400, slices=6, seed=3)
    before, now = slices.at(slices.cutoffs[:3]).features, slices.at(slices.cutoffs[4:]).features
    assert told_apart(before, now) == pytest.approx(0.5, abs=0.06)
    moved = replace(now, values=now.values + np.float32(30))
    assert told_apart(before, moved) > 0.8
    assert told_apart(before.select([]), now) == 0.5


def tables(customers: int = 120, slices: int = 8) -> tuple:
    whole = world(customers=customers, slices=slices, seed=5).features
    return whole.at(whole.key.cutoffs[:-1]), whole.at(whole.key.cutoffs[-1:])


def test_a_young_history_falls_back_to_the_customary_marks() -> None:
    train, present = tables(slices=3)
    found = drift_report(train, present)
    assert not found.refit
    assert found.references < 4
    assert found.domain.p is None
    assert "customary" in found.notes[0].en
    wild = replace(present, values=present.values * np.float32(100))
    assert drift_report(train, wild).refit


@pytest.mark.parametrize("spoil", ["constant", "missing", "huge"])
def test_odd_features_are_reported_not_fatal(spoil: str) -> None:
    train, present = tables()
    values = {"constant": 1.0, "missing": np.nan, "huge": 1e38}[spoil]
    odd = [replace(one, values=one.values.copy()) for one in (train, present)]
    for one in odd:
        one.values[:, 0] = values
    found = drift_report(*odd)
    assert not found.refit
    facts = found.as_dict()
    numbers = [value for one in facts["features"] for value in one.values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()
    assert drift_report(train, odd[1]).refit


def test_what_cannot_be_judged_is_refused() -> None:
    train, present = tables()
    with pytest.raises(TooLittleData, match="50 are needed"):
        drift_report(train, present.take(np.arange(10)))
    with pytest.raises(UsageError, match="lacks"):
        drift_report(train, present.select(present.names[1:]))
    with pytest.raises(UsageError, match="predictions"):
        drift_report(train, present, p_now=np.array([0.5]))


def test_the_report_looks_at_no_label_early() -> None:
    train, present = tables()
    with pytest.raises(LeakError, match="not later"):
        drift_report(present, train)
    now = int(present.key.cutoff[0])
    open_one = Evidence(np.full(60, 0.5), np.arange(60) % 2 == 0, np.full(60, now - 20 * DAY), 30 * DAY)
    with pytest.raises(LeakError, match="had not closed"):
        drift_report(train, present, kept=open_one)
    closed = replace(open_one, cutoff=open_one.cutoff - 10 * DAY)
    assert drift_report(train, present, kept=closed).calibration.cutoffs == (Cutoff.from_micros(now - 30 * DAY),)


def test_the_report_is_the_same_twice_and_in_any_order_of_rows() -> None:
    train, present = tables()
    first = drift_report(train, present, p_now=np.full(len(present), 0.4)).as_dict()
    assert first == drift_report(train, present, p_now=np.full(len(present), 0.4)).as_dict()
    order = np.random.default_rng(1).permutation(len(present))
    shuffled = drift_report(train, present.take(order)).as_dict()
    for one, other in zip(first["features"], shuffled["features"], strict=True):
        assert one["psi"] == pytest.approx(other["psi"])
    assert shuffled["domain"]["auc"] == pytest.approx(first["domain"]["auc"], abs=1e-6)
