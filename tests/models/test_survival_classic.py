"""Kaplan-Meier, the parametric families and Cox: planted truths are recovered, and slow twins agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import HoldfastError, TooLittleData, UsageError
from holdfast.models.survival.cox import fit_cox
from holdfast.models.survival.kaplan_meier import kaplan_meier, nelson_aalen, risk_table, standard_errors
from holdfast.models.survival.parametric import FAMILIES, ParametricFit, _Problem, fit_parametric


def watched(random, times, *, late=False):
    """Censor times at random; with `late`, keep those still without an event at a random entry."""
    n = len(times)
    until = random.exponential(80, n)
    entry = random.uniform(0, 25, n) if late else np.zeros(n)
    days, happened = np.minimum(times, until), times <= until
    kept = days > entry
    return days[kept], happened[kept], entry[kept], kept


# ---- Kaplan-Meier ---------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_risk_table_equals_counting(seed):
    random = np.random.default_rng(seed)
    n = 30
    days, happened = np.round(random.exponential(5, n)) + 1, random.random(n) < 0.6
    entry, weight = np.round(random.random(n) * (days - 1)) * (random.random(n) < 0.5), random.poisson(1.0, n) * 1.0
    entry = np.minimum(entry, days - 0.5)
    table = risk_table(days, happened, entry=entry, weights=weight)
    for at, day in enumerate(table.day):
        assert table.at_risk[at] == pytest.approx(weight[(days >= day) & (entry < day)].sum())
        assert table.events[at] == pytest.approx(weight[(days == day) & happened].sum())
    twice = np.repeat(np.arange(n), weight.astype(int))
    if happened[twice].any():
        again = kaplan_meier(days[twice], happened[twice], entry=entry[twice])
        weighted = kaplan_meier(days, happened, entry=entry, weights=weight)
        assert weighted.day.tolist() == again.day.tolist()
        assert weighted.value == pytest.approx(again.value)


def test_intervals_cover_the_true_curve():
    """95% log-log intervals at three days, over 600 small samples with censoring."""
    random, hits = np.random.default_rng(1), []
    for _ in range(600):
        days, happened, _, _ = watched(random, random.weibull(1.4, 60) * 40)
        curve = kaplan_meier(days, happened)
        hits.append(
            [low <= math.exp(-((day / 40) ** 1.4)) <= high for day in (10, 25, 40) for _, low, high in [curve.at(day)]]
        )
    assert np.mean(hits, axis=0) == pytest.approx(np.full(3, 0.95), abs=0.03)


def test_late_entry_is_not_survival():
    """Who enters late was seen to survive only because the others were never seen: ignoring that flatters the curve."""
    random = np.random.default_rng(2)
    days, happened, entry, _ = watched(random, random.exponential(20, 40_000), late=True)
    told = kaplan_meier(days, happened, entry=entry)
    assert told.at(20)[0] == pytest.approx(math.exp(-1), abs=0.02)
    assert kaplan_meier(days, happened).at(20)[0] > math.exp(-1) + 0.1
    assert nelson_aalen(days, happened, entry=entry).at(20)[0] == pytest.approx(1.0, abs=0.05)
    assert len(standard_errors(days, happened, entry=entry)) == len(told.day)


def test_all_censored_is_a_flat_curve_and_no_time_is_negative():
    flat = kaplan_meier(np.array([3.0, 9.0]), np.array([False, False]))
    assert flat.at(100) == (1.0, 1.0, 1.0)
    assert flat.median() is None
    for bad in (np.array([-1.0, 2.0]), np.array([np.nan, 2.0]), np.array([np.inf, 2.0])):
        with pytest.raises(UsageError, match="negative or not a number"):
            kaplan_meier(bad, np.array([True, True]))
    with pytest.raises(UsageError, match="enter no earlier"):
        kaplan_meier(np.array([1.0]), np.array([True]), entry=np.array([1.0]))
    with pytest.raises(UsageError, match="weights"):
        kaplan_meier(np.array([1.0]), np.array([True]), weights=np.array([-1.0]))
    with pytest.raises(TooLittleData):
        kaplan_meier(np.array([]), np.array([], bool))
    everybody = kaplan_meier(np.array([2.0, 2.0]), np.array([True, True]))
    assert everybody.at(2)[0] == 0.0
    assert np.isfinite([everybody.low, everybody.high]).all()


# ---- parametric families --------------------------------------------------------------------------------------

PLANTED = {
    "exponential": ({}, lambda r, n: r.exponential(30, n)),
    "weibull": ({"shape": 1.5}, lambda r, n: r.weibull(1.5, n) * 30),
    "log_logistic": ({"shape": 2.0}, lambda r, n: 30 * (1 / r.random(n) - 1) ** (1 / 2.0)),
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", list(PLANTED))
def test_planted_families_are_recovered(name, late):
    more, draw = PLANTED[name]
    random = np.random.default_rng(3)
    days, happened, entry, _ = watched(random, draw(random, 20_000), late=late)
    fit = fit_parametric(name, days, happened, entry=entry)
    assert fit.scale == pytest.approx(30, rel=0.04)
    assert fit.shape == pytest.approx(more.get("shape", 1.0), rel=0.04)
    assert abs(fit.theta[0] - math.log(30)) < 3.5 * fit.standard_errors[0]


@pytest.mark.parametrize("name", list(PLANTED))
def test_the_share_that_never_orders_is_recovered(name):
    more, draw = PLANTED[name]
    random = np.random.default_rng(4)
    n = 20_000
    times = np.where(random.random(n) < 0.3, np.inf, draw(random, n))
    until = random.uniform(60, 400, n)
    fit = fit_parametric(f"{name}_cure", np.minimum(times, until), times <= until)
    assert fit.cured == pytest.approx(0.3, abs=0.03)
    assert fit.scale == pytest.approx(30, rel=0.06)
    assert fit.shape == pytest.approx(more.get("shape", 1.0), rel=0.06)
    assert fit.quantile(np.array([0.9])).tolist() == [np.inf]
    plain = fit_parametric(name, np.minimum(times, until), times <= until)
    assert fit.log_likelihood > plain.log_likelihood + 100


@pytest.mark.parametrize("name", list(FAMILIES))
def test_gradient_hazard_and_quantile_follow_from_the_formula(name):
    random = np.random.default_rng(5)
    days, happened, entry, _ = watched(random, random.weibull(0.8, 200) * 25, late=True)
    X = random.normal(size=(len(days), 2))
    family = FAMILIES[name]
    problem = _Problem(family, days, happened, entry, random.random(len(days)) + 0.5, X)
    theta = np.r_[3.0, 0.3, -0.2, np.full(len(family.shapes), -0.4)]
    gradient = problem.loss(theta)[1]
    for place in range(len(theta)):
        step = np.zeros(len(theta))
        step[place] = 1e-6
        slope = (problem.loss(theta + step)[0] - problem.loss(theta - step)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-4)
    fit = ParametricFit(name, np.r_[3.0, np.full(len(family.shapes), -0.4)], np.eye(1), 0.0)
    when = np.array([0.5, 5.0, 50.0])
    slope = (fit.cumulative(when + 1e-5) - fit.cumulative(when - 1e-5)) / 2e-5
    assert fit.hazard(when) == pytest.approx(slope, rel=1e-5)
    assert fit.quantile(1 - fit.survival(when)) == pytest.approx(when, rel=1e-6)
    drawn = fit.simulate(np.random.default_rng(1), 10_000)
    assert (drawn > 5.0).mean() == pytest.approx(fit.survival(np.array([5.0]))[0], abs=0.02)


def test_standard_errors_cover():
    random, hits = np.random.default_rng(6), []
    for _ in range(150):
        days, happened, _, _ = watched(random, random.weibull(1.5, 300) * 30)
        fit = fit_parametric("weibull", days, happened)
        off = np.abs(fit.theta - [math.log(30), math.log(1.5)])
        hits.append(off < 1.96 * fit.standard_errors)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.035)


def test_covariates_stretch_time_and_weights_count():
    random = np.random.default_rng(7)
    X = random.normal(size=(8000, 2))
    times = random.weibull(1.3, 8000) * np.exp(3 + X @ [0.5, -0.3])
    days, happened, _, kept = watched(random, times)
    fit = fit_parametric("weibull", days, happened, covariates=X[kept])
    assert fit.theta[:3] == pytest.approx([3, 0.5, -0.3], abs=0.04)
    counts = random.poisson(1.0, len(days)).astype(float)
    twice = np.repeat(np.arange(len(days)), counts.astype(int))
    weighted = fit_parametric("weibull", days, happened, covariates=X[kept], weights=counts)
    repeated = fit_parametric("weibull", days[twice], happened[twice], covariates=X[kept][twice])
    assert weighted.theta == pytest.approx(repeated.theta, abs=1e-6)
    assert weighted.standard_errors == pytest.approx(repeated.standard_errors, rel=1e-4)
    with pytest.raises(UsageError, match="covariates are"):
        fit.survival(np.array([1.0]), np.zeros((1, 3)))
    assert fit.survival(np.array([20.0]))[0] == pytest.approx(math.exp(-((20 / fit.scale) ** fit.shape)))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_families_answer_bad_input(name):
    with pytest.raises(TooLittleData, match="none of 3 rows"):
        fit_parametric(name, np.array([1.0, 2.0, 3.0]), np.zeros(3, bool))
    with pytest.raises(UsageError, match="negative"):
        fit_parametric(name, np.array([-1.0]), np.array([True]))
    with pytest.raises(UsageError, match="enters"):
        fit_parametric(name, np.array([1.0]), np.array([True]), entry=np.array([2.0]))
    for days in (np.array([0.0, 0.0, 5.0]), np.array([1e9, 2e9, 3e9]), np.full(10, 7.0), np.array([1e-9, 1e9])):
        fit = fit_parametric(name, days, np.arange(len(days)) != 1)
        curve = fit.survival(np.array([1e-9, 1.0, 100.0, 1e9]))
        assert np.isfinite(curve).all(), days
        assert (np.diff(curve) <= 1e-12).all()


# ---- Cox ------------------------------------------------------------------------------------------------------


def partial_likelihood(beta, X, days, happened, entry, weight, ties):
    """By its definition, one event time after the other (weights as in R's coxph)."""
    score, total = X @ beta, 0.0
    for day in np.unique(days[happened]):
        risk = (days >= day) & (entry < day)
        own = (days == day) & happened
        base, tied = (weight * np.exp(score))[risk].sum(), (weight * np.exp(score))[own].sum()
        total += (weight * score)[own].sum()
        for place in range(int(own.sum())):
            share = place / own.sum() if ties == "efron" else 0.0
            total -= weight[own].mean() * math.log(base - share * tied)
    return total


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(3))
def test_cox_maximises_the_likelihood_of_its_definition(ties, seed):
    from scipy.optimize import minimize

    random = np.random.default_rng(seed)
    n = 60
    X = random.normal(size=(n, 2))
    days = np.ceil(random.exponential(np.exp(2 - X[:, 0])))
    happened, entry = random.random(n) < 0.7, np.where(random.random(n) < 0.4, np.floor(random.random(n) * days), -1.0)
    weight = random.integers(1, 4, n).astype(float)
    fit = fit_cox(X, days, happened, ties=ties, entry=entry, weights=weight)
    best = minimize(lambda b: -partial_likelihood(b, X, days, happened, entry, weight, ties), np.zeros(2), tol=1e-12)
    assert fit.coefficients == pytest.approx(best.x, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-8)
    step, hessian = 1e-4, np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            a, b = np.eye(2)[i] * step, np.eye(2)[j] * step
            at = lambda d: -partial_likelihood(fit.coefficients + d, X, days, happened, entry, weight, ties)  # noqa: E731
            hessian[i, j] = (at(a + b) - at(a - b) - at(b - a) + at(-a - b)) / (4 * step**2)
    assert fit.covariance == pytest.approx(np.linalg.inv(hessian), rel=1e-3)
    other = fit_cox(np.vstack([X, X[::-1]]), np.r_[days, days[::-1]], np.r_[happened, happened[::-1]], ties=ties,
                    entry=np.r_[entry, entry[::-1]], weights=np.r_[weight, weight[::-1]],
                    strata=np.repeat([7, 3], n))  # fmt: skip
    assert other.coefficients == pytest.approx(fit.coefficients, abs=1e-7)  # two equal strata say the same
    assert other.standard_errors == pytest.approx(fit.standard_errors / math.sqrt(2), rel=1e-6)


def test_cox_recovers_planted_effects_with_late_entry():
    random = np.random.default_rng(8)
    X = random.normal(size=(30_000, 2))
    times = (random.exponential(np.exp(-X @ [0.7, -0.4]))) ** (1 / 1.5) * 30
    days, happened, entry, kept = watched(random, times, late=True)
    fit = fit_cox(X[kept], days, happened, entry=entry)
    assert fit.coefficients == pytest.approx([0.7, -0.4], abs=0.04)
    assert (np.abs(fit.coefficients - [0.7, -0.4]) < 3.5 * fit.standard_errors).all()
    truth = np.exp(-((np.array([10.0, 30.0]) / 30) ** 1.5))
    assert fit.survival(np.zeros((1, 2)), np.array([10.0, 30.0]))[0] == pytest.approx(truth, abs=0.03)
    ignored = fit_cox(X[kept], days, happened)
    assert abs(ignored.coefficients[0] - 0.7) > 2 * abs(fit.coefficients[0] - 0.7)


def test_strata_have_levels_of_their_own():
    random = np.random.default_rng(9)
    stratum, X = random.integers(0, 2, 6000), random.normal(size=(6000, 1))
    times = random.exponential(np.exp(-0.5 * X[:, 0]) * np.where(stratum == 1, 5.0, 50.0))
    fit = fit_cox(X, times, np.ones(6000, bool), strata=stratum)
    assert fit.coefficients[0] == pytest.approx(0.5, abs=0.06)
    quick, slow = (fit.survival(np.zeros((1, 1)), np.array([5.0]), one)[0, 0] for one in (1, 0))
    assert (quick, slow) == pytest.approx((math.exp(-1), math.exp(-0.1)), abs=0.04)


def test_cox_answers_bad_input():
    X, days, happened = np.arange(6.0)[:, None], np.arange(1.0, 7.0), np.ones(6, bool)
    with pytest.raises(TooLittleData):
        fit_cox(X, days, np.zeros(6, bool))
    with pytest.raises(UsageError, match="negative"):
        fit_cox(X, -days, happened)
    with pytest.raises(UsageError, match="finite"):
        fit_cox(np.full((6, 1), np.nan), days, happened)
    with pytest.raises(UsageError, match="enters"):
        fit_cox(X, days, happened, entry=days)
    with pytest.raises(HoldfastError, match="no finite value"):
        fit_cox(X, days, happened)  # the first to go is always the lowest
    assert abs(fit_cox(X, days, happened, l2=1.0).coefficients[0]) < 5
    constant = fit_cox(np.c_[np.ones(6), [0, 1, 0, 1, 1, 0]], days, happened)
    assert constant.coefficients[0] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(constant.survival(np.ones((2, 2)), np.array([3.0]))).all()
    big = fit_cox(np.array([0, 1, 0, 1, 1, 0.0])[:, None] * 1e6, days, happened)
    assert np.isfinite(big.coefficients).all()
    nothing = fit_cox(np.zeros((6, 0)), days, happened)
    assert nothing.survival(np.zeros((1, 0)), np.array([3.5]))[0, 0] == pytest.approx(math.exp(-1 / 6 - 1 / 5 - 1 / 4))
