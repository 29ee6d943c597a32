"""A shop that treats its riskiest customers: naive training says they are safe, weighted training stays true."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from holdfast.bench.shift_treated import Trial, line, targeted, tenths
from holdfast.checks.model import world
from holdfast.core.assignments import Assignments
from holdfast.core.clock import NO_GAP
from holdfast.core.errors import UsageError
from holdfast.evaluate.forward import predict_forward
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.models.calibration import Evidence, fit_calibrator
from holdfast.models.fitting import fit_on
from holdfast.models.logistic import Logistic
from holdfast.models.logit import sigmoid
from holdfast.models.treated import as_untreated, effective, left_alone, untreated
from holdfast.snapshot.treated_settings import TreatedSettings

DAY = 86_400_000_000


@cache
def trial(effect: float) -> Trial:
    return Trial.of(targeted(effect))


@cache
def said(effect: float, way: str) -> np.ndarray:
    return trial(effect).said(trial(effect).ways()[way][0])


def off(effect: float, way: str, group: str) -> tuple[float, float, float]:
    """Calibration intercept, mean gap, worst gap of a fifth."""
    mine = trial(effect).groups[group]
    truth, p = trial(effect).truth[mine], said(effect, way)[mine]
    gaps = tenths(truth, p, 5)
    return line(truth, p)[0], float(gaps.mean()), float(np.abs(gaps).max())


@pytest.mark.parametrize(("group", "least"), [("holdout", 0.14), ("contacted before", 0.4), ("under a contact", 0.25)])
def test_naive_training_calls_the_riskiest_safe_and_weights_mend_it(group: str, least: float) -> None:
    """Against the exact risk if nothing is done; by intercept (what is said is too low), and in the worst fifth."""
    naive, logged = off(1.0, "naive", group), off(1.0, "logged", group)
    assert naive[0] > least
    assert naive[2] > 0.06
    assert abs(logged[0]) < min(0.2, 0.6 * naive[0])
    assert abs(logged[1]) < 0.035
    assert logged[2] < 0.6 * naive[2]


def test_dropping_treated_rows_without_weights_is_not_enough() -> None:
    """A campaign passes over those who have just ordered: among the untreated they are too many."""
    group = "contacted before"
    assert off(1.0, "treated rows dropped", group)[0] > off(1.0, "logged", group)[0] + 0.1
    assert abs(off(1.0, "fitted", group)[0]) < 0.5 * off(1.0, "naive", group)[0]


def test_calibration_slopes_stay_near_one() -> None:
    for group in ("holdout", "contacted before"):
        mine = trial(1.0).groups[group]
        assert 0.85 < line(trial(1.0).truth[mine], said(1.0, "logged")[mine])[1] < 1.2


def test_where_offers_do_nothing_both_agree() -> None:
    assert np.abs(said(0.0, "naive") - said(0.0, "logged")).mean() < 0.03
    for group in trial(0.0).groups:
        assert abs(off(0.0, "naive", group)[1] - off(0.0, "logged", group)[1]) < 0.02


def test_the_note_says_what_was_done() -> None:
    slices, seen = trial(1.0).train, trial(1.0).train_assignments
    _, note = untreated(slices, seen)
    facts = note.as_dict("zh")
    assert facts["way"] == "logged"
    assert 0.15 < facts["treated_share"] < 0.4
    assert len(slices) * 0.3 < facts["effective_rows"] < len(slices)
    assert "不采取措施" in facts["text"]
    assert "logged chance" in note.sentence().en


def small(n: int = 300) -> tuple:
    slices = world(customers=n, slices=2)
    treated = np.zeros(len(slices), bool)
    seen = Assignments(
        slices.features.key, slices.outcomes.horizon, treated, pa.nulls(len(slices), pa.string()),
        np.full(len(slices), np.nan), np.ones(len(slices)), np.zeros(len(slices), bool),
    )  # fmt: skip
    return slices, seen


def test_where_nobody_was_contacted_nothing_changes() -> None:
    slices, seen = small()
    again, note = untreated(slices, seen)
    assert again is slices
    assert note.way == "nobody"


def test_with_neither_holdout_nor_overlap_the_card_says_under_current_marketing() -> None:
    slices, seen = small()
    everybody = replace(seen, treated=np.ones(len(slices), bool), contact_days=np.ones(len(slices)))
    again, note = untreated(slices, everybody)
    assert again.weights is None
    assert note.way == "current_marketing"
    assert "Under current marketing" in note.sentence().en
    assert "holdout" in note.sentence().en


def test_a_small_holdout_is_used_where_nothing_else_speaks() -> None:
    slices, seen = small(2000)
    held = np.random.default_rng(1).random(len(slices)) < 0.3
    seen = replace(seen, treated=~held, holdout=held, contact_days=np.where(held, np.nan, 1.0))
    again, note = untreated(slices, replace(seen, p_untreated=np.full(len(slices), np.nan)))
    assert note.way in ("fitted", "holdout")
    assert np.array_equal(again.weights > 0, held)
    assert note.effective_rows == pytest.approx(held.sum())


def test_a_treated_holdout_is_treated() -> None:
    slices, seen = small()
    flags = np.zeros(len(slices), bool)
    flags[::2] = True
    seen = replace(seen, treated=flags, holdout=flags, contact_days=np.where(flags, 1.0, np.nan))
    again, _ = untreated(slices, seen, TreatedSettings(least_rows=10, least_class=2))
    assert again.weights is not None
    assert (again.weights[flags] == 0).all()


def test_weights_multiply_and_stay_bounded() -> None:
    slices, seen = small()
    random = np.random.default_rng(2)
    p = random.choice([1e-9, 0.0, 0.5], len(slices))
    treated = random.random(len(slices)) > p
    seen = replace(seen, treated=treated, p_untreated=p, contact_days=np.where(treated, 1.0, np.nan))
    seen = replace(seen, treated=np.r_[False, treated[1:]])  # one row that was nearly sure to be treated, and was not
    settings = TreatedSettings(least_rows=20, least_class=5, most=10.0)
    own = replace(slices, weights=np.full(len(slices), 2.0))
    weighted, note = untreated(own, seen, settings)
    assert np.isfinite(weighted.weights).all()
    assert note.no_overlap_share > 0.5
    plain, _ = untreated(slices, seen, settings)
    assert weighted.weights == pytest.approx(2 * plain.weights)
    used = plain.weights[plain.weights > 0]
    assert used.max() / used.min() <= 10.0 / 2.0 + 1e-9


def test_other_rows_are_refused() -> None:
    slices, seen = small()
    with pytest.raises(UsageError, match="different rows"):
        untreated(slices, seen.take(np.arange(5)))


def test_fitted_chances_find_the_planted_ones() -> None:
    """Contacts that follow silence, and pass over those who have ordered since: the chance of none is recovered."""
    slices = world(customers=4000, slices=1, seed=4)
    random = np.random.default_rng(3)
    silence = slices.features.column("days_since_last_order").astype(float)
    bought_first = slices.outcomes.event_observed & (slices.outcomes.duration < 15)
    p = np.where(bought_first, 0.95, sigmoid(1.0 - 0.02 * silence))
    treated = random.random(len(slices)) > p
    n = len(slices)
    seen = Assignments(
        slices.features.key, slices.outcomes.horizon, treated, pa.nulls(n, pa.string()),
        np.where(treated, 15.0, np.nan), np.full(n, np.nan), np.zeros(n, bool),
    )  # fmt: skip
    found = left_alone(slices, seen)
    assert ((found > 0) & (found < 1)).all()
    assert np.abs(found - p)[~treated].mean() < 0.06
    few = seen.take(np.arange(30))
    share = left_alone(slices.take(np.arange(30)), replace(few, treated=np.arange(30) < 5))
    assert share == pytest.approx(np.full(30, 26 / 32))


def test_calibrators_learn_from_the_untreated_alone() -> None:
    """Half the risky are treated, and an offer works: a correction learnt from all rows undoes what the weights did."""
    random = np.random.default_rng(5)
    n, slices = 1500, 8
    p = sigmoid(random.normal(0.3, 1.0, n * slices))
    chance = np.clip(p, 0.1, 0.8)
    treated = random.random(n * slices) < chance
    happened = random.random(n * slices) < np.where(treated, 0.4 * p, p)
    cutoff = np.repeat(np.arange(slices) * 30 * DAY, n)
    evidence, weights = Evidence(p, happened, cutoff, 30 * DAY), np.where(treated, 0.0, 1 / (1 - chance))
    alone = as_untreated(evidence, weights)
    assert len(alone) == pytest.approx(effective(weights), rel=0.05)
    for kind in ("shrunken_intercept", "platt", "beta", "isotonic"):
        wrong, right = (fit_calibrator(kind, one).apply(p, 0) for one in (evidence, alone))
        assert np.abs(right - p).mean() < 0.04, kind
        assert np.abs(wrong - p).mean() > 0.08, kind
    assert as_untreated(evidence, None) is evidence
    assert len(as_untreated(evidence, np.zeros(len(evidence)))) == 0
    assert abs(alone.said.mean() - p.mean()) < 0.01  # spread as the whole population is


def test_calibration_stays_true_through_a_walk_forward_backtest() -> None:
    """Corrections learnt out of time: from all rows they undo the weights, from the untreated they leave them right."""
    one = trial(1.0)
    weighted = one.ways()["logged"][0]
    at = weighted.cutoffs[-5:]
    forward = predict_forward(
        weighted, {"logistic": Logistic(l2=10.0)}, at, (NO_GAP, weighted.outcomes.horizon), EvaluateSettings(folds=1)
    )
    everybody = replace(forward, slices=replace(weighted, weights=None))
    evidence = {
        name: way.evidence("logistic", at, crossed=False) for name, way in (("all", everybody), ("untreated", forward))
    }
    p = one.said(weighted, Logistic(l2=10.0))
    gaps = {}
    for name, learnt in evidence.items():
        corrected = fit_calibrator("platt", learnt).apply(p, 0)
        gaps[name] = float(corrected.mean() - one.truth.mean())
    assert gaps["all"] < -0.06  # treated customers who came back taught it that risk is low
    assert abs(gaps["untreated"]) < 0.035


def test_weights_do_not_know_later_slices() -> None:
    """Leaving the newest slice out changes no weight of an older one."""
    slices, seen = trial(1.0).train, trial(1.0).train_assignments
    for given in (seen, replace(seen, p_untreated=np.full(len(seen), np.nan))):
        older = slices.features.key.at(slices.cutoffs[:10])
        whole, part = untreated(slices, given)[0], untreated(slices.take(older), given.take(older))[0]
        assert np.array_equal(whole.weights[older], part.weights)


def test_a_weighted_model_is_as_deterministic_as_any() -> None:
    slices = trial(1.0).ways()["fitted"][0]
    first, second = (fit_on(Logistic(), one).to_bytes() for one in (slices, trial(1.0).ways()["fitted"][0]))
    assert first == second
