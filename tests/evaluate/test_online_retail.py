"""The reference figures of Online Retail, 30 days, through import, cleaning, ledger and features."""

from __future__ import annotations

import pytest

from holdfast.bench.retention import DATA, judged
from holdfast.bench.shops import cutoffs_of, open_shop, slices_of
from holdfast.core.clock import Horizon
from holdfast.engine.duck import Engine


@pytest.mark.slow
@pytest.mark.real_data
def test_the_chosen_model_reaches_the_reference_figures(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    horizon = Horizon.parse("30d")
    with Engine() as engine:
        ledger = open_shop(DATA, engine, tmp_path)
        train, tests = cutoffs_of(DATA, horizon)
        slices = slices_of(ledger, horizon, (*train, *tests))
    newest = slices.at(tests[-1:])
    assert len(newest) == 3239
    assert newest.outcomes.churned.mean() == pytest.approx(0.609, abs=0.0005)
    found = judged(slices, tests, horizon)
    assert len(found.test_cutoffs) == 5
    assert found.score("auc").value >= 0.727
    assert found.score("auc").value < 0.76  # more would be a leak
    assert found.score("log_loss").value <= 0.580
    assert found.score("auc", "recency").value == pytest.approx(0.625, abs=0.002)
    gains = {
        (s.metric, s.protocol.split("over ")[1].split(",")[0]): s
        for s in found.scores
        if s.model == found.chosen and "paired gain" in s.protocol
    }
    for over in ("recency", "own_gap", "rfm_logistic"):
        assert gains["auc", over].low > 0
        assert gains["log_loss", over].low > 0
    by_kind = {trial.kind: trial.mean_log_loss for trial in found.trials}
    assert by_kind[found.calibration] <= by_kind["none"]
