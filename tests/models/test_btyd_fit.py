"""Simulated worlds: parameters within their standard errors, k recovered, covariates found, fits saved and read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import Horizon
from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.models.btyd.choose import choose_purchase_model, learnable
from holdfast.models.btyd.covariates import Covariates
from holdfast.models.btyd.erlang import BgCnbdK, CnbdK, MbgCnbdK, MbgNbd
from holdfast.models.btyd.fit import PurchaseFit
from holdfast.models.btyd.gamma_gamma import GammaGamma, GammaGammaFit
from holdfast.models.btyd.pareto import ParetoNbd
from holdfast.models.btyd.purchase import PURCHASE_MODELS
from holdfast.models.btyd.summary import PurchaseSummary
from models.btyd_worlds import TRUTH, ages, model_of, simulated, truth

MONTH = Horizon.parse("30d")


@pytest.mark.parametrize("name", list(TRUTH))
def test_a_simulated_world_is_recovered_within_its_standard_errors(name):
    fit = model_of(name).fit(simulated(name, 4000, seed=5))
    off = (fit.theta - np.log(TRUTH[name])) / np.sqrt(np.diag(fit.covariance))
    assert np.abs(off).max() < 3.5, dict(zip(fit.model.names, off.round(1), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mbg_nbd", "pareto_nbd", "mbg_cnbd_k", "bg_bb"])
def test_ninety_percent_intervals_cover_the_truth_nine_times_in_ten(name):
    inside = []
    for seed in range(40):
        fit = model_of(name).fit(simulated(name, 1500, seed=100 + seed))
        inside.append(np.abs(fit.theta - np.log(TRUTH[name])) < 1.645 * np.sqrt(np.diag(fit.covariance)))
    cover = np.mean(inside, axis=0)
    assert (cover >= 0.775).all(), cover  # P(fewer of 40 | 90%) = 1% for each


@pytest.mark.parametrize("seen", [True, False], ids=["gaps seen", "gaps not seen"])
@pytest.mark.parametrize(("kind", "name"), [(CnbdK, "cnbd_k"), (BgCnbdK, "bg_cnbd_k"), (MbgCnbdK, "mbg_cnbd_k")])
def test_the_likelihood_finds_how_regular_orders_are(kind, name, seen):
    summary = simulated(name, 2500, seed=8)
    if not seen:
        summary = summary.take(np.arange(len(summary)))
        assert summary.log_gaps is None
    fit = kind().fit(summary)
    assert fit.model.k == 3
    assert fit.gaps_seen is seen


def test_poisson_orders_are_not_called_regular():
    assert MbgCnbdK().fit(simulated("mbg_nbd", 2500, seed=3)).model.k == 1


@pytest.mark.parametrize("name", ["mbg_nbd", "pareto_nbd"])
def test_covariates_of_rate_and_dropout_are_found(name):
    plain, random = truth(name), np.random.default_rng(3)
    app = random.random(6000) < 0.4
    T = ages(6000)
    moved = dict(zip(plain.model.names, TRUTH[name], strict=True))
    moved["alpha"] *= np.exp(-0.5)  # those from the app order e^0.5 times as often
    other = "a" if name == "mbg_nbd" else "beta"
    moved[other] *= np.exp(0.7 if other == "a" else -0.7)
    from_app = PurchaseFit(plain.model, np.log(list(moved.values())), plain.covariance, 0.0, 0, 0, 7.0)
    who, when = [], []
    for rows, process in ((np.flatnonzero(app), from_app), (np.flatnonzero(~app), plain)):
        at, days = process.simulate(T[rows], seed=9)
        who.append(rows[at])
        when.append(days)
    summary = PurchaseSummary.from_times(np.concatenate(who), np.concatenate(when) / 7, T / 7, unit_days=7)
    z = Covariates.of({"app": app})
    fit = plain.model.fit(summary, z)
    error = fit.standard_errors
    for effect, value in (("rate:app", 0.5), ("dropout:app", 0.7)):
        assert abs(fit.parameters[effect] - value) < 3 * error[effect], (effect, fit.parameters[effect], error[effect])
    assert fit.log_likelihood > plain.model.fit(summary).log_likelihood + 20
    said = fit.p_no_order(summary, MONTH, covariates=z)
    assert np.isfinite(said).all()
    for rows, process in ((app, from_app), (~app, plain)):
        part = PurchaseSummary.of(summary.frequency[rows], summary.t_x[rows], summary.T[rows], unit_days=7)
        assert np.abs(said[rows] - process.p_no_order(part, MONTH)).mean() < 0.03
    again = PurchaseFit.from_bytes(fit.to_bytes())
    assert np.array_equal(
        again.expected_orders(summary, MONTH, covariates=z), fit.expected_orders(summary, MONTH, covariates=z)
    )
    with pytest.raises(UsageError, match="knows the covariates"):
        fit.p_no_order(summary, MONTH)


def test_covariate_gradients_are_slopes():
    summary = simulated("mbg_nbd", 300)
    rows, _ = summary.with_covariates(np.random.default_rng(1).normal(size=(300, 2)))
    for model in (MbgNbd(), ParetoNbd(), CnbdK(2), MbgCnbdK(2)):
        objective = model.objective(rows)
        size = len(model.names) + 2 * len(model.moves)
        theta = np.random.default_rng(2).normal(0, 0.3, size)
        _, gradient = objective(theta)
        for at in range(size):
            step = np.zeros(size)
            step[at] = 1e-5
            slope = (objective(theta + step)[0] - objective(theta - step)[0]) / 2e-5
            assert gradient[at] == pytest.approx(slope, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"a": np.ones(100)}, "constant"),
        ({"a": np.r_[np.nan, np.arange(99.0)]}, "missing"),
        ({"a": np.arange(100) * 1e6}, "reaches"),
        ({"a": np.arange(100.0), "b": np.arange(100.0) * 2}, "follows from the others"),
        ({"a": np.arange(99.0)}, "99 rows"),
    ],
)
def test_covariates_that_cannot_be_learnt_from_are_refused(values, what):
    with pytest.raises(UsageError, match=what):
        MbgNbd().fit(simulated("mbg_nbd", 100), Covariates.of(values))


@pytest.mark.parametrize("name", list(TRUTH))
def test_a_saved_fit_says_the_same_and_holds_no_customer(name):
    summary = simulated(name, 200)
    fit = model_of(name).fit(summary)
    again = PurchaseFit.from_bytes(fit.to_bytes())
    assert again.to_bytes() == fit.to_bytes()
    assert again.model == fit.model
    assert np.array_equal(again.p_no_order(summary, MONTH), fit.p_no_order(summary, MONTH))
    assert again.standard_errors == fit.standard_errors
    with pytest.raises(StateError):
        PurchaseFit.from_bytes(b"\x80\x04nonsense")


@pytest.mark.parametrize("name", list(PURCHASE_MODELS))
def test_a_fit_does_not_depend_on_the_order_of_customers(name):
    summary = simulated(name, 300)
    order = np.random.default_rng(1).permutation(len(summary))
    shuffled = PurchaseSummary.of(
        summary.frequency[order], summary.t_x[order], summary.T[order], unit_days=summary.unit_days,
        log_gaps=summary.log_gaps, opportunities=summary.opportunities,
    )  # fmt: skip
    first, second = (model_of(name).fit(one) for one in (summary, shuffled))
    assert first.to_bytes() == second.to_bytes()


def test_where_nobody_leaves_the_fit_ends_at_the_edge_and_says_so():
    fit = MbgNbd().fit(simulated("nbd", 2000, seed=12))
    assert fit.standard_errors["b"] is None or fit.standard_errors["b"] > fit.parameters["b"]
    assert np.isfinite(list(fit.parameters.values())).all()
    summary = simulated("nbd", 50)
    assert np.isfinite(fit.p_no_order(summary, MONTH)).all()


def test_many_histories_are_fitted_from_the_optimum_of_a_part():
    summary = simulated("mbg_nbd", 120_000, seed=2)
    assert summary.groups > 50_000
    fit = MbgNbd().fit(summary)
    off = (fit.theta - np.log(TRUTH["mbg_nbd"])) / np.sqrt(np.diag(fit.covariance))
    assert np.abs(off).max() < 3.5
    part = learnable(summary)
    assert 20_000 < part.customers < 90_000
    assert part.orders / part.customers == pytest.approx(summary.orders / summary.customers, rel=0.05)


def test_the_next_order_is_the_median_day():
    process, summary = truth("mbg_nbd"), simulated("mbg_nbd", 300)
    day = process.days_to_next_order(summary)
    assert np.isinf(day).any()
    known = np.isfinite(day)
    assert known.any()
    reached = 1 - np.array([process.p_no_order(summary.take([i]), float(day[i]))[0] for i in np.flatnonzero(known)])
    before = 1 - np.array([process.p_no_order(summary.take([i]), float(day[i]) - 1)[0] for i in np.flatnonzero(known)])
    assert (reached >= 0.5).all()
    assert (before < 0.5).all()
    assert (1 - process.p_no_order(summary, 180.0)[~known] < 0.5).all()


def test_the_second_order_is_asked_of_one_order_customers_alone():
    process, summary = truth("mbg_nbd"), simulated("mbg_nbd", 100)
    said = process.p_second_order(summary, 60.0)
    assert np.array_equal(np.isnan(said), summary.frequency > 0)
    assert np.allclose(said[summary.frequency == 0], 1 - process.p_no_order(summary, 60.0)[summary.frequency == 0])
    for horizon in (-1.0, np.inf, np.nan):
        with pytest.raises(UsageError, match="horizon"):
            process.p_no_order(summary, horizon)


def test_the_choice_is_the_true_model_and_never_bg_nbd():
    assert choose_purchase_model(simulated("mbg_cnbd_k", 3000)).chosen == "mbg_cnbd_k"
    choice = choose_purchase_model(simulated("nbd", 3000))
    assert choice.chosen == "nbd"
    assert choice.alive is None
    assert not choice.dropout.identified
    choice = choose_purchase_model(simulated("bg_nbd", 3000))
    assert choice.chosen not in ("bg_nbd", "bg_cnbd_k")
    assert choice.fits["bg_nbd"].log_likelihood > choice.fit.log_likelihood
    with pytest.raises(TooLittleData):
        choose_purchase_model(PurchaseSummary.of([1.0] * 5, [2.0] * 5, [5.0] * 5))


def test_order_values_are_recovered_and_shrunk():
    random = np.random.default_rng(4)
    p, q, gamma, n = 6.0, 4.0, 15.0, 4000
    x = random.integers(0, 8, n)
    rate = random.gamma(q, 1 / gamma, n)
    z = np.where(x > 0, random.gamma(np.maximum(p * x, 1e-9), 1.0) / rate / np.maximum(x, 1), 0.0)
    fit = GammaGamma().fit(x, z)
    off = (np.log(list(fit.parameters.values())) - np.log([p, q, gamma])) / np.sqrt(np.diag(fit.covariance))
    assert np.abs(off).max() < 3.5
    assert fit.independent
    assert fit.population_value == pytest.approx(p * gamma / (q - 1), rel=0.05)
    said, true = fit.expected_value(x, z), p / rate
    assert np.corrcoef(said[x > 3], true[x > 3])[0, 1] > 0.9
    assert said.mean() == pytest.approx(true.mean(), rel=0.03)
    again = GammaGammaFit.from_bytes(fit.to_bytes())
    assert np.array_equal(again.expected_value(x, z), said)
    both = GammaGamma().fit(x, z * (1 + x))
    assert not both.independent
    assert "biased" in both.note.en


def test_order_values_that_cannot_be_learnt_from_are_refused():
    with pytest.raises(TooLittleData):
        GammaGamma().fit(np.full(50, 2.0), np.full(50, 9.99))
    with pytest.raises(TooLittleData):
        GammaGamma().fit([1.0, 2.0], [3.0, 4.0])
    with pytest.raises(UsageError, match="negative"):
        GammaGamma().fit([1.0, 2.0], [3.0, -4.0])
    with pytest.raises(UsageError, match="order value"):
        GammaGamma().fit([1.0, 2.0], [3.0, 1e15])
    fit = GammaGamma().fit(np.r_[np.full(20, 3.0), 2.0], np.r_[np.arange(1.0, 21), 0.0])
    assert fit.dropped == 1


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_any_thin_shop_gets_finite_answers(seed):
    """Ten to sixty customers of every odd kind: all the same, one giant, orders on the first day or the last."""
    random = np.random.default_rng(seed)
    n = int(random.integers(10, 60))
    T = np.ceil(random.uniform(1, random.choice([10, 400, 5000]), n))
    kinds = (random.poisson(0.3, n), random.poisson(5, n), random.geometric(0.01, n), (random.random(n) < 0.1) * 500)
    x = np.where(T < 2, 0, (*kinds, np.full(n, 3))[random.integers(5)]).astype(np.float64)
    last = (random.uniform(0, 1, n) * T, T, np.minimum(T, 1.0))[random.integers(3)]
    summary = PurchaseSummary.of(x, np.where(x > 0, np.maximum(last, 1e-3), 0.0), T)
    for name in ("nbd", "bg_nbd", "mbg_nbd", "mbg_cnbd_k") if x.any() else ():
        fit = model_of(name).fit(summary)
        for gap in (0.0, 10.0):
            p, ahead = fit.p_no_order(summary, 60.0, gap), fit.expected_orders(summary, 60.0, gap)
            assert ((p >= 0) & (p <= 1)).all()
            assert (np.isfinite(ahead) & (ahead >= -1e-9)).all()
        assert np.isfinite(fit.p_alive(summary)).all()
        assert PurchaseFit.from_bytes(fit.to_bytes()).to_bytes() == fit.to_bytes()
