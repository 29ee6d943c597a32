"""The survival bench on a small planted world: every model answers, and rows have their intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.bench.survival import judge, speed
from holdfast.bench.survival_scores import scores_of
from holdfast.checks.model import world
from holdfast.core.clock import DAY_MICROS, Horizon
from holdfast.core.errors import UsageError


def planted():
    """Time to the next order is exponential, quicker for those with many orders."""
    slices = world(customers=150, slices=12)
    random = np.random.default_rng(1)
    drawn = random.exponential(90 / slices.features.column("order_count").astype(float))
    end = slices.features.key.cutoff.max() + 90 * DAY_MICROS
    until = (end - slices.features.key.cutoff) / DAY_MICROS
    outcomes = replace(slices.outcomes, duration=np.minimum(drawn, until), event_observed=drawn < until)
    return replace(slices, outcomes=outcomes)


def test_every_model_is_judged_with_intervals_and_spread(monkeypatch: pytest.MonkeyPatch):
    from holdfast.bench import survival, survival_scores

    monkeypatch.setattr(survival_scores, "REPLICATES", 20)
    monkeypatch.setattr(survival, "SCORED", 500)
    slices, horizon = planted(), Horizon.parse("90d")
    judged = [judge(slices, cutoff, horizon) for cutoff in slices.cutoffs[-2:]]
    rows = scores_of("planted", judged, horizon, peak_mb=1.0)
    assert all(np.isfinite(row.value) for row in rows)
    newest = {(row.model, row.metric): row for row in rows if " at " in row.protocol}
    assert newest["kaplan_meier", "concordance"].value == 0.5
    for model in ("weibull", "log_logistic", "weibull_cure", "cox", "hazard"):
        row = newest[model, "concordance"]
        assert row.low is not None
        assert 0.55 < row.low <= row.value <= row.high
        assert newest[model, "integrated_brier"].value < newest["kaplan_meier", "integrated_brier"].value
    assert {row.metric for row in rows} == {
        "concordance", "integrated_brier", "brier", "bias", "ece", "auc", "log_loss", "gap",
    }  # fmt: skip
    assert any("standard deviation" in row.protocol for row in rows)
    assert speed("planted", judged[-1])[0].value > 0


def test_an_unknown_shop_is_refused_before_any_work():
    from holdfast.bench.registry import BENCHES

    with pytest.raises(UsageError, match="knows no data"):
        BENCHES["survival"](data="no_such_shop")
