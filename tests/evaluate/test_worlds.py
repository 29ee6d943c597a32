"""Planted worlds: seasons are learnt where two years show them, and intervals cover the true probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.checks.model import world
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.tables import FeatureTable, Key, Slices
from holdfast.evaluate.backtest import backtest
from holdfast.evaluate.choose import choose_calibration, corrected
from holdfast.evaluate.final import fit_final
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.metrics.probability import log_loss
from holdfast.models.logistic import Logistic
from holdfast.models.logit import sigmoid
from holdfast.models.recency import Recency
from holdfast.models.rfm_logistic import RfmLogistic

DAY = 86_400_000_000
HORIZON = Horizon.parse("30d")


def planted(slices: Slices, score, seed: int) -> tuple[Slices, np.ndarray]:
    """The same customers with outcomes drawn from known probabilities."""
    p = sigmoid(score)
    churned = np.random.default_rng([seed, 5]).random(len(slices)) < p
    return Slices(slices.features, replace(slices.outcomes, churned=churned)), p


def plain_score(features: FeatureTable) -> np.ndarray:
    silence, orders = (features.column(n).astype(float) for n in ("days_since_last_order", "order_count"))
    return 0.02 * silence - 0.35 * orders + 0.3


def three_years(seed: int = 1) -> Slices:
    """Monthly slices over three years whose level follows the time of year."""
    base = world(customers=250, slices=36, seed=seed)
    at = np.searchsorted(np.unique(base.features.key.cutoff), base.features.key.cutoff)
    key = Key(base.features.key.customer_id, Cutoff.parse("2021-01-01").micros + at * 30 * DAY)
    moved = Slices(replace(base.features, key=key), replace(base.outcomes, key=key))
    season = 0.9 * np.cos(2 * np.pi * at * 30 / 365.25)
    return planted(moved, plain_score(moved.features) + season, seed)[0]


def test_a_seasonal_intercept_is_proved_on_three_years():
    """Judged on the third year alone, learnt from what came before: the season beats every other correction."""
    slices = three_years()
    settings = EvaluateSettings(
        rolling=34, replicates=50, folds=2, calibrations=("none", "shrunken_intercept", "platt", "seasonal")
    )
    found = backtest(
        slices, {"rfm_logistic": RfmLogistic()}, test_cutoffs=slices.cutoffs[-5:], horizon=HORIZON, settings=settings
    )
    assert found.calibration == "seasonal"
    third = slices.cutoffs[-10:]
    losses = {
        kind: np.mean(
            [
                log_loss(slices.at([c]).outcomes.churned, corrected(found.forward, "rfm_logistic", c, kind))
                for c in third
            ]
        )
        for kind in settings.calibrations
    }
    assert losses["seasonal"] < min(losses[k] for k in ("none", "shrunken_intercept", "platt")) - 0.005


def test_no_correction_is_made_without_six_cutoffs_to_try_it_on():
    slices = world(customers=200, slices=8)
    found = backtest(slices, {"recency": Recency()}, test_cutoffs=slices.cutoffs[-2:], horizon=HORIZON,
                     settings=EvaluateSettings(replicates=20))  # fmt: skip
    assert found.calibration == "none"
    assert any("season's swing" in note.en for note in found.notes)


def test_the_rolling_mean_log_loss_is_no_worse_than_uncalibrated():
    """The chosen correction is the best of its trials, and `none` is one of them."""
    slices = three_years(seed=2)
    found = backtest(slices, {"recency": Recency()}, test_cutoffs=slices.cutoffs[-3:], horizon=HORIZON,
                     settings=EvaluateSettings(replicates=20, rolling=20))  # fmt: skip
    kind, trials = choose_calibration(found.forward, "recency", slices.cutoffs[-1], EvaluateSettings())
    by_kind = {trial.kind: trial.mean_log_loss for trial in trials}
    assert by_kind[kind] == min(by_kind.values()) <= by_kind["none"]


@pytest.mark.parametrize("bent", [False, True])
def test_intervals_cover_true_probabilities_customer_by_customer(bent):
    """At a new cutoff with a level of its own; where the truth bends as no linear model can, nearly as often."""
    hits, widths = [], []
    for seed in range(4):
        slices = world(customers=400, slices=14, seed=seed)
        score = plain_score(slices.features)
        if bent:
            score = score + 0.6 * (slices.features.column("days_since_last_order") > 60)
        at = np.searchsorted(np.unique(slices.features.key.cutoff), slices.features.key.cutoff)
        level = np.random.default_rng([seed, 99]).normal(0, 0.25, 14)
        shop, p = planted(slices, score + level[at], seed)
        now = shop.cutoffs[-1]
        closed = shop.at([one for one in shop.cutoffs if one.plus(HORIZON) <= now])
        settings = EvaluateSettings(replicates=20, refits=12)
        models = {"rfm_logistic": RfmLogistic(), "logistic": Logistic(l2=10.0)}
        found = backtest(closed, models, test_cutoffs=closed.cutoffs[-5::2], horizon=HORIZON, settings=settings)
        said = fit_final(found, closed, models, cutoff=now, settings=settings).predict(shop.at([now]).features)
        truth = p[shop.features.key.at([now])]
        hits.append(((said.low <= truth) & (truth <= said.high)).mean())
        widths.append((said.high - said.low).mean())
    assert np.mean(hits) >= (0.75 if bent else 0.82)
    assert np.mean(widths) < 0.4  # an interval from 0 to 1 would cover, too
