"""Ensembles in the backtest: no double cost, no peeking, published like any model; the search for hyper-parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from holdfast.checks.model import world
from holdfast.core.clock import NO_GAP, Horizon
from holdfast.core.tables import Slices
from holdfast.evaluate.backtest import backtest
from holdfast.evaluate.final import Published, fit_final
from holdfast.evaluate.forward import predict_forward
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.evaluate.tune import CHANGES, tune
from holdfast.models.ensemble import Ensemble
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.models.logit import logit, sigmoid
from holdfast.models.recency import Recency
from holdfast.models.rfm_logistic import RfmLogistic
from holdfast.models.settings import ModelSettings, configured
from holdfast.models.stacked import Stacked

HORIZON = Horizon.parse("30d")
CLOSES = (NO_GAP, HORIZON)
QUICK = EvaluateSettings(replicates=60, refits=4, ensemble_refits=2)
MEMBERS = (("recency", Recency()), ("rfm_logistic", RfmLogistic()), ("lightgbm", LightGbm(rounds=20)))
BOTH = {**dict(MEMBERS), "ensemble": Ensemble(MEMBERS), "stacked": Stacked(MEMBERS)}


@pytest.fixture(scope="module")
def slices() -> Slices:
    return world(customers=300, slices=14)


@dataclass(frozen=True)
class Counted(RfmLogistic):
    """Counts its fits."""

    def fit(self, *args, **more):
        FITS.append(1)
        return super().fit(*args, **more)


FITS: list[int] = []


def test_an_ensemble_costs_no_fit_of_its_own(slices):
    FITS.clear()
    members = (("counted", Counted()), ("recency", Recency()))
    at = slices.cutoffs[8:10]
    forward = predict_forward(slices, {**dict(members), "ensemble": Ensemble(members)}, at, CLOSES, QUICK)
    assert len(FITS) == 2 * (1 + QUICK.folds)
    for said in (forward.raw, forward.crossed):
        mean = np.mean([logit(said[name][at[0]]) for name, _ in members], axis=0)
        assert said["ensemble"][at[0]] == pytest.approx(sigmoid(mean), abs=1e-6)


def test_shares_come_only_from_closed_cutoffs(slices):
    """Flipping all labels that had not closed at a cutoff leaves the stacked prediction there as it was."""
    at = slices.cutoffs[5:11]
    now = at[-1]
    open_then = np.array([one.plus(*CLOSES) > now for one in slices.cutoffs])
    late = np.isin(slices.features.key.cutoff, np.array([one.micros for one in slices.cutoffs])[open_then])
    flipped = Slices(slices.features, replace(slices.outcomes, churned=slices.outcomes.churned ^ late))
    one, other = (predict_forward(which, BOTH, at, CLOSES, QUICK) for which in (slices, flipped))
    assert np.array_equal(one.raw["stacked"][now], other.raw["stacked"][now])
    shares = [BOTH["stacked"].settled([which.evidence(n, which.closed(n, now)) for n, _ in MEMBERS]).shares
              for which in (one, other)]  # fmt: skip
    assert shares[0] == shares[1]
    assert shares[0] != Stacked(MEMBERS).equal()


@pytest.mark.parametrize("name", ["ensemble", "stacked"])
def test_a_chosen_ensemble_is_published_like_any_model(slices, tmp_path, name):
    found = backtest(slices, BOTH, test_cutoffs=slices.cutoffs[-5::2], horizon=HORIZON, settings=QUICK)
    found = replace(found, chosen=name, calibration="none")
    published = fit_final(found, slices, BOTH, settings=QUICK, population="all")
    said = published.predict(slices.features)
    assert (said.low <= said.p_churn).all()
    assert (said.p_churn <= said.high).all()
    assert len(published.intervals.refits) == 2
    assert len(published.reasons(slices.features)) == len(slices)
    published.save(tmp_path)
    again = Published.load(tmp_path)
    assert np.array_equal(again.predict(slices.features).p_churn, said.p_churn)
    assert np.array_equal(again.predict(slices.features).high, said.high)
    assert "rfm_logistic" in published.card.markdown("en") or "rfm_logistic" in json.dumps(published.card.parameters)
    assert b"c00001" not in (tmp_path / "model.json").read_bytes()


def test_members_without_their_columns_are_left_out(slices):
    fewer = Slices(slices.features.select([n for n in slices.features.names if n != "revenue"]), slices.outcomes)
    result = backtest(fewer, BOTH, test_cutoffs=fewer.cutoffs[-3:], horizon=HORIZON, settings=QUICK)
    assert [name for name, _ in result.competed["ensemble"].members] == ["recency", "lightgbm"]
    lonely = {name: BOTH[name] for name in ("recency", "rfm_logistic", "ensemble")}
    result = backtest(fewer, lonely, test_cutoffs=fewer.cutoffs[-3:], horizon=HORIZON, settings=QUICK)
    assert result.models == ("recency",)
    assert any("ensemble needs two members" in note.en for note in result.notes)


def test_configured_ensembles_hold_the_configured_members():
    made = configured(ModelSettings(use=("recency", "logistic", "lightgbm", "ensemble"), logistic_l2=7.0))
    assert [name for name, _ in made["ensemble"].members] == ["logistic", "lightgbm"]
    assert made["ensemble"].members[0][1].l2 == 7.0
    assert list(made)[-1] == "ensemble"


def test_the_search_keeps_what_helps_and_records_every_trial(slices):
    """Trees that may not split at all are mended by the first change."""
    poor = {"logistic": Logistic(l2=1e6), "recency": Recency()}
    settings = replace(QUICK, tune_budget=3)
    found, tried = tune(slices, poor, slices.cutoffs[-1], CLOSES, settings)
    assert [one.change for one in tried] == [dict(one) for one in CHANGES["logistic"][:3]]
    assert tried[0].kept
    assert tried[0].gain > tried[0].error > 0
    assert found["logistic"].l2 in (300.0, 1000.0)
    assert found["recency"] == Recency()
    again, record = tune(slices, poor, slices.cutoffs[-1], CLOSES, settings)
    assert (again, record) == (found, tried)


def test_the_search_never_sees_labels_that_had_not_closed(slices):
    by = slices.cutoffs[-1]
    late = np.array([one + HORIZON.micros > by.micros for one in slices.features.key.cutoff])
    flipped = Slices(slices.features, replace(slices.outcomes, churned=slices.outcomes.churned ^ late))
    settings = replace(QUICK, tune_budget=2)
    one, other = (tune(which, {"logistic": Logistic()}, by, CLOSES, settings) for which in (slices, flipped))
    assert one == other


def test_what_was_tuned_competes_and_is_published(slices):
    settings = replace(QUICK, tune_budget=1)
    only = {"logistic": Logistic(l2=1e6)}
    result = backtest(slices, only, test_cutoffs=slices.cutoffs[-3::2], horizon=HORIZON, settings=settings)
    assert result.tried[0].kept
    assert result.competed["logistic"].l2 == 300.0
    assert result.as_dict()["tuning"][0]["change"] == {"l2": 300.0}
    published = fit_final(result, slices, only, settings=settings)
    assert published.card.parameters["l2"] == 300.0


def test_no_search_without_a_budget_or_a_closed_cutoff(slices):
    assert tune(slices, MEMBERS_ONLY, slices.cutoffs[-1], CLOSES, QUICK) == (MEMBERS_ONLY, [])
    first = replace(QUICK, tune_budget=5)
    assert tune(slices, MEMBERS_ONLY, slices.cutoffs[2], CLOSES, first) == (MEMBERS_ONLY, [])


MEMBERS_ONLY = dict(MEMBERS)
