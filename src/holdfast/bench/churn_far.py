"""A horizon beyond what any closed slice can teach: only models that need no labels can answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.bench.churn_cases import PURCHASE, Case
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.tables import Slices


def far(slices: Slices, case: Case) -> list[Score]:
    """The purchase models' own probabilities, judged at the one cutoff there is."""
    from holdfast.bench.shops import shop_of
    from holdfast.core.clock import NO_GAP
    from holdfast.evaluate.judge import judge, scores
    from holdfast.evaluate.settings import EvaluateSettings
    from holdfast.models.fitting import fit_on
    from holdfast.models.settings import ModelSettings, configured

    newest = slices.cutoffs[-1]
    nobody = slices.outcomes.known_by(newest, NO_GAP)  # what was known then: no outcome of this horizon
    seen = replace(slices, outcomes=replace(nobody, churned=slices.outcomes.churned & False))
    models = configured(ModelSettings(use=PURCHASE))
    said = {name: {newest: fit_on(one, seen).predict(slices.features).p_churn} for name, one in models.items()}
    settings = EvaluateSettings(replicates=200)
    judged = judge(slices, said, [newest], settings, 1)
    what = case.protocol(f"churned, {case.horizon}")
    rows = scores(judged, settings, data=case.data, what=what, zone=shop_of(case.data).zone)
    return [replace(one, bench="churn") for one in rows if "test cutoffs" not in one.protocol]
