"""Customers' own habits: found where they were planted, not where there are none, and only from what had closed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.checks.model import world
from holdfast.core.clock import NO_GAP, Horizon
from holdfast.core.tables import Slices
from holdfast.evaluate.forward import Forward
from holdfast.evaluate.habits import UNTOLD, habits
from holdfast.models.calibration import Calibrator
from holdfast.models.intervals import Intervals
from holdfast.models.logit import sigmoid

HORIZON = Horizon.parse("30d")


def shop(spread: float, customers: int = 1500, slices: int = 12, seed: int = 1) -> tuple[Forward, np.ndarray]:
    """A forecast that knows all but each customer's own habit; and the true probabilities."""
    base = world(customers=customers, slices=slices, seed=seed)
    random = np.random.default_rng([seed, 3])
    ids = base.features.key.customer_id.dictionary_encode().indices.to_numpy()
    known, own = random.normal(0.3, 0.8, customers)[ids], random.normal(0.0, spread, customers)[ids]
    p = sigmoid(known + own)
    said = sigmoid(known / np.sqrt(1 + 0.346 * spread**2))  # the mean over customers who look the same
    shown = Slices(base.features, replace(base.outcomes, churned=random.random(len(base)) < p))
    # silence is drawn anew at every cutoff and means nothing here: keep everybody comparable
    shown = replace(
        shown, features=shown.features.select([n for n in shown.features.names if n != "days_since_last_order"])
    )
    raw = {"m": {one: said[shown.features.key.at([one])] for one in shown.cutoffs}}
    return Forward(shown, (NO_GAP, HORIZON), raw, raw), p


@pytest.mark.parametrize("spread", [0.0, 0.6, 1.0])
def test_planted_habits_are_found(spread):
    forward, _ = shop(spread)
    found = np.array([sd for _, sd in habits(forward, "m", forward.slices.cutoffs[-1].plus(HORIZON))])
    assert found.mean() == pytest.approx(spread, abs=0.2)


def test_intervals_with_habits_hold_single_customers_and_without_them_groups():
    forward, p = shop(1.0)
    now = forward.slices.cutoffs[-1]
    here = forward.slices.features.key.at([now])
    intervals = Intervals((), 0.05, habit=habits(forward, "m", now))
    said, features = forward.raw["m"][now], forward.slices.features.take(here)
    width = []
    for level in (0.8, 0.9, 0.95):
        low, high = intervals.around(features, said, Calibrator("none"), level)
        assert ((low <= p[here]) & (p[here] <= high)).mean() == pytest.approx(level, abs=0.06)
        width.append((high - low).mean())
    assert width == sorted(width)
    low, high = intervals.around(features, said, Calibrator("none"), 0.9, "group")
    assert (high - low).mean() < width[0] / 3
    assert low.mean() <= p[here].mean() <= high.mean()


def test_what_had_not_closed_is_not_looked_at():
    forward, _ = shop(1.0, customers=400)
    by = forward.slices.cutoffs[-3]
    late = np.array([one + HORIZON.micros > by.micros for one in forward.slices.features.key.cutoff])
    outcomes = forward.slices.outcomes
    flipped = replace(forward.slices, outcomes=replace(outcomes, churned=outcomes.churned ^ late))
    assert habits(forward, "m", by) == habits(replace(forward, slices=flipped), "m", by)


def test_a_short_history_says_what_is_usual():
    forward, _ = shop(1.0, customers=60, slices=3)
    assert habits(forward, "m", forward.slices.cutoffs[0]) == UNTOLD
