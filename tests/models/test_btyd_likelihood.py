"""The likelihoods: exact gradients, exact integrals, probabilities that add up, and the formulas of the papers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln, gammaln, hyp2f1

from holdfast.models.btyd import series
from holdfast.models.btyd.erlang import BgNbd, CnbdK, MbgCnbdK, MbgNbd, Nbd
from holdfast.models.btyd.pareto import ParetoNbd, reach
from holdfast.models.btyd.purchase import PURCHASE_MODELS
from holdfast.models.btyd.rows import Rows
from models.btyd_worlds import TIMED, TRUTH, model_of, truth

HARD = Rows(
    np.array([0.0, 0.0, 1.0, 5.0, 60.0, 900.0, 3.0]),
    np.array([0.0, 0.0, 3.0, 39.0, 30.0, 300.0, 1e-3]),
    np.array([0.0, 39.0, 39.0, 39.0, 31.0, 365.0, 2000.0]),
    np.ones(7),
)
TICKS = Rows(
    np.array([0.0, 0.0, 1.0, 5.0, 6.0]), np.array([0.0, 0.0, 1.0, 6.0, 6.0]), np.array([1.0, 6, 6, 6, 9]), np.ones(5)
)


def rows_of(name: str) -> Rows:
    return TICKS if name == "bg_bb" else HARD


@pytest.mark.parametrize("name", list(PURCHASE_MODELS))
def test_every_registered_model_has_a_world(name):
    assert name in TRUTH


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("name", list(TRUTH))
def test_gradients_are_the_slopes_of_the_likelihood(name, scale):
    model, rows = model_of(name), rows_of(name)
    for mix in range(3):  # alpha below, equal to and above beta, and the like
        p = np.roll(np.array(TRUTH[name]), mix) * np.where(np.arange(len(TRUTH[name])) % 2, scale, 1.0)
        if mix == 1 and name == "pareto_nbd":
            p[3] = p[1]
        _, gradient = model.log_likelihood(list(p), rows)
        for at in range(len(p)):
            up, down = p.copy(), p.copy()
            up[at], down[at] = p[at] * np.exp(1e-4), p[at] * np.exp(-1e-4)
            slope = (model.log_value(list(up), rows) - model.log_value(list(down), rows)) / 2e-4
            assert np.allclose(gradient[at], slope, rtol=1e-5, atol=1e-5 * (1 + np.abs(slope).max()))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.1, 2000), st.floats(-4, 4), st.floats(-4, 4), st.floats(0.05, 20), st.floats(0, 60), st.floats(-6, 6)
)
def test_the_integral_over_the_time_of_leaving_is_exact(R, log_a, log_b, s, lo, log_length):
    a, b, hi = np.exp(log_a), np.exp(log_b), lo + np.exp(log_length)
    base = min(a, b)

    def integrand(z):
        y = (base + lo) * np.exp(z) - base
        return np.exp(z - R * np.log((a + y) / (a + lo)) - (s + 1) * np.log((b + y) / (b + lo))) * (base + lo)

    end = np.log((base + hi) / (base + lo))
    steep = 1 / (R + s + 1)
    cuts = sorted({c for c in (steep, 10 * steep, 100 * steep, 1000 * steep) if c < end})
    whole = sum(quad(integrand, x, y, epsabs=0, epsrel=1e-11)[0] for x, y in zip([0, *cuts], [*cuts, end], strict=True))
    expected = np.log(whole) - R * np.log(a + lo) - (s + 1) * np.log(b + lo)
    found = reach(np.array([R]), np.array(a), np.array(s), np.array(b), np.array([lo]), np.array([hi])).log[0]
    assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("alpha", "beta"), [(10.6, 11.7), (11.7, 10.6), (8.0, 8.0)])
def test_pareto_nbd_is_the_hypergeometric_formula(alpha, beta):
    """Fader & Hardie (2005), "A note on deriving the Pareto/NBD model", equations (18) and (19)."""
    r, s = 0.553, 0.606
    x, t_x, T = np.array([0.0, 1, 2, 6]), np.array([0.0, 3, 30, 37]), np.array([38.9, 38.9, 32, 38.0])
    high, second = (alpha, s + 1) if alpha >= beta else (beta, r + x)

    def piece(t):
        z = abs(alpha - beta) / (high + t)
        return hyp2f1(r + s + x, second, r + s + x + 1, z) / (high + t) ** (r + s + x)

    a0 = piece(t_x) - piece(T)
    alive = (alpha + T) ** -(r + x) * (beta + T) ** -s
    expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(alive + s / (r + s + x) * a0)
    assert np.allclose(ParetoNbd().log_value((r, alpha, s, beta), Rows(x, t_x, T, np.ones(4))), expected, rtol=1e-10)


def test_bg_nbd_and_mbg_nbd_are_the_published_formulas():
    """Fader, Hardie & Lee (2005), equation (6); Batislam, Denizel & Filiztekin (2007), equation (2)."""
    r, alpha, a, b = 0.5, 6.0, 0.9, 1.6
    x, t_x, T = np.array([0.0, 1, 4]), np.array([0.0, 3, 30]), np.array([38.9, 38.9, 32])
    start = gammaln(r + x) - gammaln(r) + r * np.log(alpha)

    def both(stay, left):
        return start + np.log(np.exp(stay) * (alpha + T) ** -(r + x) + left * (alpha + t_x) ** -(r + x))

    left = np.where(x > 0, np.exp(betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b)), 0.0)
    bg = both(betaln(a, b + x) - betaln(a, b), left)
    mbg = both(betaln(a, b + x + 1) - betaln(a, b), np.exp(betaln(a + 1, b + x) - betaln(a, b)))
    rows = Rows(x, t_x, T, np.ones(3))
    assert np.allclose(BgNbd().log_value((r, alpha, a, b), rows), bg, rtol=1e-12)
    assert np.allclose(MbgNbd().log_value((r, alpha, a, b), rows), mbg, rtol=1e-12)


def test_expected_orders_are_the_closed_form_of_bg_nbd():
    """Fader, Hardie & Lee (2005), equation (10)."""
    r, alpha, a, b, t = 0.243, 4.414, 0.793, 2.426, 39.0
    x, t_x, T = np.array([0.0, 2, 7]), np.array([0.0, 30.43, 30]), np.array([38.86, 38.86, 35])
    grown = 1 - ((alpha + T) / (alpha + T + t)) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
    odds = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x), 0.0)
    expected = (a + b + x - 1) / (a - 1) * grown / (1 + odds)
    found = BgNbd().expected((r, alpha, a, b), Rows(x, t_x, T, np.ones(3)), t)
    assert np.allclose(found, expected, rtol=1e-9)
    assert found[1] == pytest.approx(1.226, abs=5e-4)  # the paper's worked example


def test_k_of_one_is_the_model_with_poisson_orders():
    assert np.array_equal(CnbdK(1).log_value((0.5, 6.0), HARD), Nbd().log_value((0.5, 6.0), HARD))
    p = (0.5, 6.0, 0.9, 1.6)
    assert np.array_equal(MbgCnbdK(1).log_value(p, HARD), MbgNbd().log_value(p, HARD))


@pytest.mark.parametrize("name", list(TRUTH))
def test_probabilities_of_all_numbers_of_orders_add_up_to_one(name):
    process = truth(name)
    T = np.array([6 * process.unit_days, 12 * process.unit_days])
    found = process.order_distribution(T, 12 if name == "bg_bb" else 60)
    assert (found >= 0).all()
    assert found[:-1].sum() == pytest.approx(1.0, abs=1e-2 if name != "bg_bb" else 0.2)
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    mean = found @ np.arange(len(found))
    assert mean == pytest.approx(process.expected_repeat_orders(T).mean(), rel=0.02)


@pytest.mark.parametrize("name", TIMED)
def test_silence_grows_with_the_horizon_and_a_gap_changes_nothing_at_zero(name):
    process, rows, p = truth(name), HARD, list(TRUTH[name])
    model = process.model
    short, long = model.p_none(p, rows, 2.0), model.p_none(p, rows, 20.0)
    assert ((long <= short + 1e-12) & (long >= 0) & (short <= 1)).all()
    assert np.allclose(model.p_none_after_gap(p, rows, 1e-12, 5.0), model.p_none(p, rows, 5.0), atol=1e-9)
    ahead = model.expected(p, rows, 5.0)
    assert (ahead >= 1 - model.p_none(p, rows, 5.0) - 1e-9).all(), "at least as many orders as P(an order)"


def test_heavy_buyers_neither_overflow_nor_vanish():
    rows = Rows(np.array([1e5]), np.array([3600.0]), np.array([3650.0]), np.ones(1))
    for model, p in ((Nbd(), [0.8, 60.0]), (MbgNbd(), [0.8, 60.0, 0.01, 50.0]), (ParetoNbd(), [0.8, 60.0, 0.1, 900.0])):
        assert np.isfinite(model.log_value(p, rows)).all()
        assert 0 <= model.p_none(p, rows, 30.0)[0] <= 1
        assert np.isfinite(model.expected(p, rows, 30.0)).all()
    alive = Rows(np.array([1e5]), np.array([3650.0]), np.array([3650.0]), np.ones(1))
    assert MbgNbd().expected([0.8, 60.0, 1e-4, 5000.0], alive, 30.0)[0] == pytest.approx(808.6, rel=0.01)


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "cnbd_k", "mbg_cnbd_k"])
def test_customers_summed_together_and_one_by_one_agree(name, monkeypatch):
    model, p = model_of(name), list(TRUTH[name])
    together = model.expected(p, HARD, 9.0), model.p_none_after_gap(p, HARD, 5.0, 9.0)
    monkeypatch.setattr(series, "_MANY", 0)
    alone = model.expected(p, HARD, 9.0), model.p_none_after_gap(p, HARD, 5.0, 9.0)
    assert np.allclose(together[0], alone[0], rtol=1e-9)
    assert np.allclose(together[1], alone[1], atol=1e-9)


def test_a_wholesaler_over_a_long_horizon_is_exact_and_quick():
    """Without dropout the expected orders are known: rate x time, as far as whole gaps fit."""
    rows = Rows(np.array([500.0]), np.array([10.0]), np.array([10.0]), np.ones(1))
    for k in (1, 12):
        found = CnbdK(k).expected([1.0, 0.1], rows, 60.0)[0]
        assert found == pytest.approx((1.0 / k + 500) / (0.1 / k + 10) * 60 / 1.0, rel=0.15 if k > 1 else 1e-9)
    few = MbgCnbdK(12).expected([1.0, 0.1, 1e-9, 1.0], rows, 60.0)[0]
    assert few == pytest.approx(CnbdK(12).expected([1.0, 0.1], rows, 60.0)[0], rel=1e-6)
