"""Value on Online Retail at the reference cutoff: order and level beside the figures of the literature's models."""

from __future__ import annotations

import pytest

from holdfast.core.clock import Horizon
from holdfast.engine.duck import Engine
from holdfast.metrics.value import bias, gini, value_gain
from holdfast.models.clv.registry import VALUE_MODELS, spend_of
from holdfast.models.clv.rolling import known_at
from holdfast.models.clv.settings import ValueSettings
from holdfast.models.clv.study import learn_value


@pytest.mark.slow
@pytest.mark.real_data
def test_spend_in_ninety_days(real_data, tmp_path, monkeypatch):
    from holdfast.bench.shops import cutoffs_of, open_shop, slices_of
    from holdfast.core.clock import NO_GAP

    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    horizon = Horizon.parse("90d")
    with Engine() as engine:
        train, tests = cutoffs_of("online_retail", horizon)
        long = slices_of(open_shop("online_retail", engine, tmp_path), horizon, (*train, tests[-1]))
    test, cutoff = long.at([tests[-1]]), tests[-1]
    spent = spend_of(test.outcomes)
    assert spent.mean() == pytest.approx(893.4, abs=0.1)
    study = learn_value(long, cutoff, ValueSettings(horizon="90d"))
    said = study.published.predict(test.features).spend
    assert gini(spent, said) > 0.785, "the best reference is .792, the pass mark .005 below"
    assert -0.26 < bias(spent, said) < 0.1, "two-part log-normal of the reference is off by -26%"
    seen = known_at(long, cutoff, NO_GAP, 30_000)
    carried = VALUE_MODELS["carry_forward"]().fit(seen.features, seen.outcomes).predict(test.features)
    assert value_gain("gini", gini(spent, said), gini(spent, carried)) > 0.05
