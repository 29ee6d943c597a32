"""Qini, AUUC and uplift at k: by hand, against a peer, as laws, and in worlds whose effect is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.metrics.uplift import gain_curve, perfect_curve, uplift_at, uplift_metrics


def world(n=4000, seed=3, share=0.4):
    """Half of the customers gain 1, the others nothing; the score knows which."""
    random = np.random.default_rng(seed)
    gains = random.random(n) < 0.5
    treated = random.random(n) < share
    y = random.normal(size=n) + np.where(treated & gains, 1.0, 0.0)
    return gains.astype(float), treated, y


def test_the_curve_by_hand():
    curve = gain_curve([3, 2, 2, 1], [1, 0, 1, 0], [2.0, 1.0, 4.0, 0.0])
    # front quarter: one treated customer, nobody to compare with; the tie of two comes in together; then everybody
    assert curve.share.tolist() == [0.0, 0.25, 0.75, 1.0]
    assert curve.gain.tolist() == pytest.approx([0.0, 0.25 * 2, 0.75 * (3 - 1), 3 - 0.5])
    assert curve.auuc == pytest.approx(0.25 * 0.25 + 0.5 * 1.0 + 0.25 * 2.0)
    assert curve.qini == pytest.approx(curve.auuc - 1.25)
    assert curve.at(0.5) == pytest.approx(1.0)


def test_golden_against_scikit_uplift():
    """scikit-uplift 0.5.1: auc(uplift_curve)/n^2, and the same less the diagonal, on these very rows (ties included)."""
    random = np.random.default_rng(5)
    score = np.round(random.normal(size=2000), 1)
    treated = (random.random(2000) < 0.4).astype(int)
    y = (random.random(2000) < 0.2 + 0.1 * treated * (score > 0)).astype(int)
    curve = gain_curve(score, treated, y)
    assert curve.auuc == pytest.approx(0.050575009957105954, rel=1e-9)
    assert curve.qini == pytest.approx(0.011556439565986537, rel=1e-9)
    assert curve.gain[-1] == pytest.approx(0.07803714078223883, rel=1e-9)


def test_a_score_that_knows_finds_the_known_area():
    score, treated, y = world(200_000)
    # half of the customers gain 1: the gain rises to 0.5 over the first half and stays
    assert gain_curve(score, treated, y).auuc == pytest.approx(0.375, abs=0.01)
    assert gain_curve(score, treated, y).qini == pytest.approx(0.125, abs=0.01)
    assert uplift_at(score, treated, y, share=0.3) == pytest.approx(1.0, abs=0.03)


def test_a_score_that_knows_nothing_has_no_qini():
    _, treated, y = world(200_000)
    score = np.random.default_rng(1).random(len(y))
    assert gain_curve(score, treated, y).qini == pytest.approx(0.0, abs=0.005)
    assert gain_curve(np.zeros(len(y)), treated, y).qini == pytest.approx(0.0, abs=1e-12)


def test_uneven_propensities_are_weighed_back():
    random = np.random.default_rng(8)
    n = 200_000
    rich = random.random(n) < 0.5
    chance = np.where(rich, 0.8, 0.2)
    treated = random.random(n) < chance
    y = 5.0 * rich + treated * 1.0 + random.normal(size=n)
    assert gain_curve(np.zeros(n), treated, y, chance).gain[-1] == pytest.approx(1.0, abs=0.05)
    assert gain_curve(np.zeros(n), treated, y).gain[-1] > 2  # without them, being rich would count as effect


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_no_score_rises_above_the_perfect_curve(seed):
    random = np.random.default_rng(seed)
    n = 20_000
    treated = np.arange(n) % 2 == 0
    y = np.maximum(random.normal(size=n), 0) * random.integers(1, 5)
    perfect = perfect_curve(treated, y)
    score = y * np.where(treated, 1.0, -1.0) * random.random() + random.normal(size=n)
    # a score that has seen the outcomes mixes the arms unevenly; one of the same customers in both arms cannot
    twice = np.repeat(score[::2], 2)
    assert gain_curve(twice, treated, y).auuc <= perfect.auuc + 0.02
    assert perfect.gain[-1] == pytest.approx(gain_curve(score, treated, y).gain[-1])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-20, 20))
def test_laws(seed, scale, shift):
    """Order of rows and monotone changes of the score change nothing; outcomes in other units scale."""
    random = np.random.default_rng(seed)
    n = 60
    score, treated = random.integers(0, 6, n).astype(float), np.arange(n) % 3 == 0
    y = random.normal(size=n)
    mine = uplift_metrics(score, treated, y)
    at = random.permutation(n)
    for other in (uplift_metrics(score[at], treated[at], y[at]), uplift_metrics(np.exp(score) * 3 + 1, treated, y)):
        assert {k: v.value for k, v in other.items()} == pytest.approx({k: v.value for k, v in mine.items()}, abs=1e-9)
    scaled = uplift_metrics(score, treated, y * scale + shift)
    assert scaled["qini_normalised"].value == pytest.approx(mine["qini_normalised"].value, abs=1e-6) or shift
    assert uplift_metrics(score, treated, y * scale)["qini"].value == pytest.approx(
        mine["qini"].value * scale, abs=1e-9
    )


def test_intervals_cover_the_truth():
    covered = 0
    for seed in range(60):
        score, treated, y = world(1500, seed)
        found = uplift_metrics(score, treated, y, draws=120, seed=seed)["auuc"]
        covered += found.low <= 0.375 <= found.high
    assert 51 <= covered <= 60  # 95% of 60 is 57; under 51 has a chance of 1 in 1,000


def test_what_makes_no_sense_is_refused():
    with pytest.raises(TooLittleData, match="nobody to compare"):
        gain_curve([1, 2], [1, 1], [0.0, 1.0])
    with pytest.raises(UsageError, match="score"):
        gain_curve([1, np.nan], [1, 0], [0.0, 1.0])
    with pytest.raises(UsageError, match="propensity"):
        gain_curve([1, 2], [1, 0], [0.0, 1.0], [0.5, 1.0])
    with pytest.raises(UsageError, match="share"):
        uplift_at([1, 2], [1, 0], [0.0, 1.0], share=0.0)
