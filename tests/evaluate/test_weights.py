"""Scores count who was left alone: a contacted customer does not show what happens when nothing is done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.checks.model import world
from holdfast.core.clock import NO_GAP
from holdfast.evaluate.choose import choose_model
from holdfast.evaluate.forward import Forward
from holdfast.evaluate.judge import judge
from holdfast.evaluate.promises import score_promises
from holdfast.evaluate.settings import EvaluateSettings

SETTINGS = EvaluateSettings(replicates=50)


@pytest.fixture(scope="module")
def slices():
    made = world(customers=400, slices=3)
    return replace(made, weights=(np.random.default_rng(3).random(len(made)) < 0.6).astype(float))


def said_of(slices, noise: float):
    random = np.random.default_rng(5)
    found = {}
    for one in slices.cutoffs:
        churned = slices.at([one]).outcomes.churned
        found[one] = np.clip(0.5 + 0.2 * (churned - 0.5) + noise * random.normal(size=len(churned)), 0.01, 0.99)
    return found


def test_rows_of_weight_0_count_for_nothing_in_any_metric(slices):
    said, alone = said_of(slices, 0.2), slices.take(slices.weights > 0)
    kept = {one: said[one][slices.at([one]).weights > 0] for one in slices.cutoffs}
    weighed = judge(slices, {"model": said}, slices.cutoffs, SETTINGS, seed=1)
    subset = judge(replace(alone, weights=None), {"model": kept}, slices.cutoffs, SETTINGS, seed=1)
    for place, value in weighed.points.items():
        if place[2] == "ece":
            continue  # its bins hold equal numbers of rows, contacted ones too
        assert value == pytest.approx(subset.points[place], nan_ok=True), place
    assert weighed.rows == subset.rows
    everybody = judge(replace(slices, weights=None), {"model": said}, slices.cutoffs, SETTINGS, seed=1)
    assert everybody.points != weighed.points


def test_the_model_is_chosen_by_those_left_alone(slices):
    """A model that is right about contacted customers only must not win."""
    good, lucky = {}, {}
    for one in slices.cutoffs:
        rows = slices.at([one])
        truth = np.where(rows.outcomes.churned, 0.9, 0.1)
        good[one] = np.full(len(rows), 0.5)
        lucky[one] = np.where(rows.weights > 0, 1 - truth, truth)
    said = {"plain": good, "lucky": lucky}
    forward = Forward(slices, (NO_GAP, slices.outcomes.horizon), said, said)
    assert choose_model(said, forward, slices.cutoffs, SETTINGS, seed=1)[0] == "plain"
    blind = replace(forward, slices=replace(slices, weights=1 - slices.weights))
    assert choose_model(said, blind, slices.cutoffs, SETTINGS, seed=1)[0] == "lucky"


def test_a_promise_is_held_against_those_left_alone(slices):
    rows = slices.at(slices.cutoffs[:1])
    p = np.where(rows.weights > 0, rows.outcomes.churned.mean(), 0.0)
    published = pa.table({"customer_id": rows.features.key.customer_id, "p_churn": p})
    told = score_promises(published, rows.outcomes, weights=rows.weights)
    assert told["n"] == int(rows.weights.sum()) < told["customers"] == len(rows)
    assert told["happened"] == pytest.approx(rows.outcomes.churned[rows.weights > 0].mean())
    assert told["said"] == pytest.approx(rows.outcomes.churned.mean())
    assert "left alone" in told["sentence"]["en"]
    everybody = score_promises(published, rows.outcomes)
    assert everybody["n"] == everybody["customers"] == len(rows)
    assert "left alone" not in everybody["sentence"]["en"]


def test_where_nobody_was_left_alone_everybody_counts(slices):
    assert replace(slices, weights=np.zeros(len(slices))).counted is None
