"""The same forecasts by kind of customer: one order, repeaters, and the tenth that the shop lives on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.churn_cases import Case
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.tables import FeatureTable, Slices
    from holdfast.evaluate.backtest import Backtest

_METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10pct")
_LEAST, _LEAST_CLASS = 50, 10


def kinds(result: Backtest, slices: Slices, case: Case) -> list[Score]:
    """Every model at every test cutoff and on average, for each kind of customer that is large enough to judge."""
    from holdfast.evaluate.judge import judge, scores
    from holdfast.evaluate.settings import EvaluateSettings

    settings, found = EvaluateSettings(replicates=200), list[Score]()
    tests = {one: slices.at([one]) for one in result.test_cutoffs}
    for kind in ("one order", "repeaters", "top value tenth"):
        inside = {one: of_kind(test.features, kind) for one, test in tests.items()}
        able = [one for one, test in tests.items() if _judgeable(test.outcomes.churned[inside[one]])]
        if not able:
            continue
        rows = np.concatenate([np.flatnonzero(slices.features.key.at([one]))[inside[one]] for one in able])
        said = {model: {one: of[one][inside[one]] for one in able} for model, of in result.said.items()}
        judged = judge(slices.take(rows), said, able, settings, 1)
        what = f"{case.protocol(f'churned, {case.horizon}')}, {kind}"
        for one in scores(judged, settings, data=case.data, what=what, zone=result.zone):
            if one.metric in _METRICS and "paired" not in one.protocol and "worst" not in one.protocol:
                found.append(replace(one, bench="churn"))
    return found


def of_kind(features: FeatureTable, kind: str) -> NDArray[np.bool_]:
    """Which rows are customers of this kind; a tenth by all they have spent so far, ties inside."""
    if kind == "top value tenth":
        spent = np.nan_to_num(features.column("revenue").astype(np.float64))
        return np.asarray(spent >= np.quantile(spent, 0.9)) & (spent > 0)
    once = features.column("order_count") < 1.5
    return np.asarray(once if kind == "one order" else ~once)


def _judgeable(churned: NDArray[np.bool_]) -> bool:
    return len(churned) >= _LEAST and min(int(churned.sum()), int((~churned).sum())) >= _LEAST_CLASS
