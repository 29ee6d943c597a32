"""False alarms and power of the rule "refit now": synthetic shops that stay as they are, and shops that change.

A model is fitted at day 500 and kept. Its promises at four later cutoffs close; at day 620 the report is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from holdfast.bench.shift_world import OrderDays, lived, slices_at
from holdfast.core.clock import DAY_MICROS
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score
from holdfast.core.tables import FeatureTable, Slices
from holdfast.metrics.probability import wilson
from holdfast.models.calibration import Calibrator, Evidence
from holdfast.models.drift import Drift, drift_report
from holdfast.models.fitting import fit_on
from holdfast.models.intervals import join, level_sd
from holdfast.models.logistic import Logistic
from holdfast.synth.parameters import World
from holdfast.synth.people import People

TRAIN, KEPT, NOW, HORIZON = range(200, 471, 15), (500, 530, 560, 590), 620, 30
#: What changes, and from which day on; `steady` and `seasonal` do not change.
KINDS = {
    "steady": "nothing changes",
    "seasonal": "only the seasons of the year",
    "slower": "everybody orders at 0.6 of the pace from day 500 on",
    "newcomers": "a quarter of old customers replaced by newcomers with twice the gap, from day 560 on",
    "cents": "revenue arrives in cents instead of euros",
}


def looked(kind: str, seed: int, customers: int = 1500) -> tuple[Drift, float, float]:
    """The report on one shop; log loss of the kept model on the closed promises, and at present."""
    season = 0.3 if kind == "seasonal" else 0.0
    world = World(customers=customers, seed=seed, season=season, promotion=season, effect=0.0)
    pace = np.where(np.arange(world.days) < 500, 1.0, 0.6) if kind == "slower" else None
    made = lived(world, pace=pace, change=_newcomers(seed) if kind == "newcomers" else None)
    orders = OrderDays.lived(made)
    train, later, now = (slices_at(made, days, HORIZON, orders) for days in (TRAIN, KEPT, (NOW,)))
    fitted = fit_on(Logistic(l2=10.0), train)
    kept = _evidence(later, fitted.predict(later.features).p_churn)
    present = _in_cents(now.features) if kind == "cents" else now.features
    said = fitted.predict(present).p_churn
    found = drift_report(train.features, present, p_now=said, kept=kept, level_sd=_usual_error(train))
    churned = now.outcomes.churned
    happened = float(-np.mean(np.where(churned, np.log(said), np.log1p(-said))))
    return found, happened, float(churned.mean())


def _evidence(slices: Slices, said: Any) -> Evidence:
    return Evidence(said, slices.outcomes.churned, slices.features.key.cutoff, HORIZON * DAY_MICROS)


def _usual_error(train: Slices) -> float:
    """By how much whole slices were off when the model was made: walk-forward over the last half of the slices."""
    parts = []
    for cutoff in train.cutoffs[-9::2]:
        past = train.at([one for one in train.cutoffs if one.micros + HORIZON * DAY_MICROS <= cutoff.micros])
        test = train.at([cutoff])
        parts.append(_evidence(test, fit_on(Logistic(l2=10.0), past).predict(test.features).p_churn))
    return level_sd(join(parts), Calibrator("none"))


def _newcomers(seed: int) -> Any:
    def change(people: People) -> People:
        random = np.random.default_rng([seed, 31])
        moved = (people.born < 470) & (random.random(len(people)) < 0.25)
        born = np.where(moved, random.integers(560, 620, len(people)), people.born)
        return replace(people, born=born, gap=np.where(moved, 2 * people.gap, people.gap))

    return change


def _in_cents(features: FeatureTable) -> FeatureTable:
    values = features.values.copy()
    for name in ("revenue", "revenue_180d", "order_value_mean"):
        values[:, features.names.index(name)] *= 100
    return replace(features, values=values)


def scores(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Share of shops of each kind told to refit, with its 95% interval, and how well log loss was foreseen."""
    found = []
    for at, (kind, what) in enumerate(KINDS.items()):
        progress.step("bench shift: drift", at, len(KINDS))
        shops = (100 if kind == "steady" else 40) if full else (40 if kind == "steady" else 15)
        reports = [looked(kind, 1000 + seed) for seed in range(shops)]
        share = float(np.mean([report.refit for report, _, _ in reports]))
        low, high = wilson(share, shops)
        protocol = f"refit now, one look 120 days after fitting, {what}"
        found.append(Score("shift", "synthetic", protocol, "drift_report", "alarm_share", share, low, high, shops))
        inside = [r.expected.log_loss[1] <= loss <= r.expected.log_loss[2] for r, loss, _ in reports if r.expected]
        protocol = f"log loss expected without labels, 90% interval, {what}"
        found.append(
            Score("shift", "synthetic", protocol, "drift_report", "coverage", float(np.mean(inside)), n=len(inside))
        )
    progress.step("bench shift: drift", len(KINDS), len(KINDS))
    return found
