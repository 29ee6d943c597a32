"""The models of `bench survival`, each fitted on the same rows and giving rows x release days of survival."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Cutoff, Horizon
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Slices

if TYPE_CHECKING:
    from holdfast.models.survival.curves import FittedCurves

Floats = NDArray[np.float64]
#: The columns that the small models read, by role.
ROLES = ("silence", "overdue", "orders", "spend", "age")
PARAMETRIC = ("weibull", "log_logistic", "weibull_cure")
#: Small models gain nothing from more rows than this.
_ENOUGH = 30_000


def curves_of(
    before: Slices, cutoff: Cutoff, test: FeatureTable, horizon: Horizon, progress: Progress = SILENT
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, float], FittedCurves]:
    """Survival said by each model, p_churn by LightGBM at 30 and 90 days, CPU seconds of each, the fitted curves."""
    from holdfast.models.survival.curves import fit_curves

    known = replace(before, outcomes=before.outcomes.known_by(cutoff, NO_GAP))
    said: dict[str, Floats] = {}
    seconds: dict[str, float] = {}

    def timed(name: str, answer: Callable[[], Floats]) -> None:
        start = time.process_time()
        said[name] = answer()
        seconds[name] = time.process_time() - start

    for name, answer in _small(known, test).items():
        timed(name, answer)
    start = time.process_time()
    fitted = fit_curves(before, cutoff, NO_GAP, progress=progress)
    said["hazard"] = fitted.survival(test)
    seconds["hazard"] = time.process_time() - start
    said["hazard_as_drawn"] = fitted.survival(test, levelled=False)
    churn = {str(one): _lightgbm(before, cutoff, test, one) for one in _asked(horizon)}
    return said, churn, seconds, fitted


def _asked(horizon: Horizon) -> list[Horizon]:
    return [one for one in (Horizon.parse("30d"), Horizon.parse("90d")) if one <= horizon]


def _small(known: Slices, test: FeatureTable) -> dict[str, Callable[[], Floats]]:
    """Kaplan-Meier, the families and Cox; the last two on five standardised columns."""
    from holdfast.models.columns import column_of
    from holdfast.models.prepare import Recipe
    from holdfast.models.survival.cox import fit_cox
    from holdfast.models.survival.kaplan_meier import kaplan_meier
    from holdfast.models.survival.parametric import fit_parametric
    from holdfast.models.survival.periods import RELEASE_DAYS

    days = np.array(RELEASE_DAYS, np.float64)
    rows = np.random.default_rng(1).permutation(len(known))[:_ENOUGH]
    few = known.take(np.sort(rows))
    recipe = Recipe.learn(few.features, [column_of(few.features.names, role, "bench") for role in ROLES])
    X, asked = recipe.apply(few.features), recipe.apply(test)
    duration, happened = few.outcomes.duration, few.outcomes.event_observed

    def baseline() -> Floats:
        curve = kaplan_meier(duration, happened)
        return np.tile([curve.at(float(np.nextafter(day, 0)))[0] for day in days], (len(test), 1))

    def family(name: str) -> Floats:
        fit = fit_parametric(name, duration, happened, covariates=X)
        return np.column_stack([fit.survival(np.full(len(test), day), asked) for day in days])

    def cox() -> Floats:
        return fit_cox(X, duration, happened).survival(asked, days)

    return {"kaplan_meier": baseline, **{n: (lambda n=n: family(n)) for n in PARAMETRIC}, "cox": cox}  # type: ignore[misc]


def _lightgbm(before: Slices, cutoff: Cutoff, test: FeatureTable, horizon: Horizon) -> Floats:
    """The churn forecast to beat: trees on the slices whose horizon had closed."""
    from holdfast.models.lightgbm import LightGbm

    closed = before.at([one for one in before.cutoffs if one.plus(horizon) <= cutoff])
    ordered = closed.outcomes.event_observed & (closed.outcomes.duration < horizon.days)
    labelled = replace(closed.outcomes, horizon=horizon, churned=~ordered)
    return LightGbm().fit(closed.features, labelled).predict(test).p_churn
