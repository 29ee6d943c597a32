"""The backtest: no peeking, honest choices, the same every time, and plain words where data is thin."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from holdfast.checks.model import world
from holdfast.core.clock import NO_GAP, Gap, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.tables import Slices
from holdfast.evaluate.backtest import backtest
from holdfast.evaluate.final import Published, fit_final
from holdfast.evaluate.forward import predict_forward, training
from holdfast.evaluate.promises import score_promises
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.models.base_rate import BaseRate
from holdfast.models.decision_tree import DecisionTree
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.models.parts import parts_of
from holdfast.models.recency import Recency
from holdfast.models.rfm_logistic import RfmLogistic

HORIZON = Horizon.parse("30d")
MODELS = {"base_rate": BaseRate(), "recency": Recency(), "rfm_logistic": RfmLogistic(), "logistic": Logistic(l2=5.0)}
QUICK = EvaluateSettings(replicates=100, refits=4)


@pytest.fixture(scope="module")
def slices() -> Slices:
    return world(customers=400, slices=16)


@pytest.fixture(scope="module")
def found(slices):
    return backtest(slices, MODELS, test_cutoffs=slices.cutoffs[-9::2], horizon=HORIZON, settings=QUICK)


@dataclass(frozen=True)
class Spy:
    """Remembers what it was shown."""

    model_id: ClassVar[str] = "spy"
    seen: list[Any]

    def fit(self, features: Any, outcomes: Any, *, sequences: Any = None, assignments: Any = None) -> Any:
        self.seen.append(features.key)
        return BaseRate().fit(features, outcomes)


def test_models_see_only_closed_slices_and_calibrators_only_unseen_customers(slices):
    spy = Spy([])
    at = slices.cutoffs[8:10]
    forward = predict_forward(slices, {"spy": spy}, at, (NO_GAP, HORIZON), QUICK)
    assert len(spy.seen) == 2 * 3
    for place, cutoff in enumerate(at):
        whole, *halves = spy.seen[3 * place : 3 * place + 3]
        for key in (whole, *halves):
            assert key.cutoff.max() + HORIZON.micros <= cutoff.micros
        people = [set(half.customer_id.to_pylist()) for half in halves]
        assert people[0].isdisjoint(people[1])
        assert people[0] | people[1] == set(whole.customer_id.to_pylist())
    assert forward.closed("spy", at[1]) == []


def test_a_customer_is_always_in_the_same_part(slices):
    part = parts_of(slices.features.key.customer_id, 2)
    ids = np.array(slices.features.key.customer_id.to_pylist())
    assert all(len(set(part[ids == one])) == 1 for one in ids[:20])
    assert 0.4 < part.mean() < 0.6
    order = np.random.default_rng(0).permutation(len(slices))
    assert np.array_equal(parts_of(slices.take(order).features.key.customer_id, 2), part[order])


def test_too_many_rows_are_thinned_by_slice_then_by_customer(slices):
    last = slices.cutoffs[-1]
    few = training(slices, last, (NO_GAP, HORIZON), replace(QUICK, max_train_rows=3000))
    assert len(few) <= 3000
    assert len(few.cutoffs) >= 6
    assert few.cutoffs[-1] == training(slices, last, (NO_GAP, HORIZON), QUICK).cutoffs[-1]
    tiny = training(slices, last, (NO_GAP, HORIZON), replace(QUICK, max_train_rows=300))
    assert 150 < len(tiny) < 500


def test_future_outcomes_change_nothing_but_the_report(slices, found):
    """Flipping every label of the newest test cutoff leaves choice, correction and predictions as they were."""
    newest = found.test_cutoffs[-1]
    flipped = slices.outcomes.churned.copy()
    flipped[slices.features.key.at([newest])] ^= True
    other = Slices(slices.features, replace(slices.outcomes, churned=flipped))
    again = backtest(other, MODELS, test_cutoffs=found.test_cutoffs, horizon=HORIZON, settings=QUICK)
    assert (again.chosen, again.calibration) == (found.chosen, found.calibration)
    assert np.array_equal(again.reference.said, found.reference.said)
    assert again.score("auc").value == pytest.approx(1 - found.score("auc").value)


def test_the_planted_world_is_found(found):
    gains = {(s.model, s.metric): s for s in found.scores if "paired gain over recency" in s.protocol}
    assert gains["rfm_logistic", "log_loss"].low > 0
    assert 0.7 < found.score("auc").value < 0.95
    assert [step.model for step in found.steps] == ["recency", "rfm_logistic", "logistic"]
    assert found.steps[0].taken
    assert found.steps[1].taken


def test_the_simpler_model_is_kept_unless_the_gain_is_certain(slices):
    twins = {"recency": Recency(), "rfm_logistic": RfmLogistic(), "rfm_again": RfmLogistic(l2=0.5)}
    result = backtest(slices, twins, test_cutoffs=slices.cutoffs[-5::2], horizon=HORIZON, settings=QUICK)
    assert result.chosen == "rfm_logistic"
    assert not result.steps[-1].taken


def test_scores_hold_every_metric_with_intervals(found):
    rows = [one for one in found.scores if one.model == "logistic" and "paired" not in one.protocol]
    assert len(rows) == 15 * (5 + 3)
    for one in found.scores:
        if "test " in one.protocol and one.low is not None and one.metric != "ece":
            assert one.low <= one.value + 1e-9
            assert one.value <= one.high + 1e-9
    text = json.dumps(found.as_dict("zh"), allow_nan=False)
    assert "c00001" not in text
    assert {one["by"] for one in found.segments} == {"orders", "silence"}
    assert sum(one["n"] for one in found.segments if one["by"] == "orders") == 5 * 400


def test_twice_the_same_to_the_byte_and_in_any_row_order(slices, found):
    again = backtest(slices, MODELS, test_cutoffs=found.test_cutoffs, horizon=HORIZON, settings=QUICK)
    assert json.dumps(again.as_dict()) == json.dumps(found.as_dict())
    order = np.random.default_rng(3).permutation(len(slices))
    shuffled = backtest(slices.take(order), MODELS, test_cutoffs=found.test_cutoffs, horizon=HORIZON, settings=QUICK)
    assert shuffled.chosen == found.chosen
    for one, other in zip(found.scores, shuffled.scores, strict=True):
        assert other.value == pytest.approx(one.value, abs=1e-6)


@pytest.mark.parametrize("model", [Logistic(l2=5.0), LightGbm(rounds=20), DecisionTree(leaves=5)])
def test_what_is_published_is_saved_and_read_back(slices, found, tmp_path, model):
    only = {model.model_id: model}
    chosen = backtest(slices, only, test_cutoffs=found.test_cutoffs, horizon=HORIZON, settings=QUICK)
    published = fit_final(chosen, slices, only, settings=QUICK, population="all")
    said = published.predict(slices.features)
    assert (said.low <= said.p_churn).all()
    assert (said.p_churn <= said.high).all()
    assert (said.high - said.low).mean() > 0.02
    published.save(tmp_path / "models")
    again = Published.load(tmp_path / "models")
    other = again.predict(slices.features)
    if model.model_id == "decision_tree":
        assert "->" in (tmp_path / "models" / "rules.txt").read_text(encoding="utf-8").splitlines()[0]
    assert np.array_equal(other.p_churn, said.p_churn)
    assert np.array_equal(other.low, said.low)
    assert again.card == published.card
    assert again.reasons(slices.features) == published.reasons(slices.features)
    fit_final(chosen, slices, only, settings=QUICK, population="all").save(tmp_path / "again")
    for file in sorted((tmp_path / "models").iterdir()):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
        assert b"c00001" not in file.read_bytes()
        assert not file.read_bytes().startswith(b"\x80")


def test_the_card_says_what_must_be_said(slices, found):
    card = fit_final(found, slices, MODELS, settings=QUICK, population="everybody").card
    for language in ("en", "zh"):
        text = card.markdown(language)
        assert "auc" in text
        assert str(found.test_cutoffs[-1].local_day()) in text
        assert "everybody" in text
        assert len(card.as_dict(language)["limits"]) >= 3
    assert card.rows == len(slices)


def test_value_at_risk_is_reported_beside_what_was_lost(found):
    assert len(found.stakes) == len(found.test_cutoffs)
    for one in found.stakes:
        assert one.said > 0
        assert one.lost == pytest.approx(one.said, rel=1.0)


def test_one_cutoff_or_none_is_too_little_data(slices):
    one = slices.at(slices.cutoffs[:1])
    with pytest.raises(TooLittleData, match="closed training slices") as told:
        backtest(one, MODELS, test_cutoffs=one.cutoffs, horizon=HORIZON, settings=QUICK)
    assert told.value.remedy


def test_ten_customers_still_get_an_honest_answer(slices):
    ids = np.array(slices.features.key.customer_id.to_pylist())
    few = slices.take(np.isin(ids, sorted(set(ids))[:10]))
    result = backtest(few, MODELS, test_cutoffs=few.cutoffs[-3::2], horizon=HORIZON, settings=QUICK)
    said = fit_final(result, few, MODELS, settings=QUICK).predict(few.features)
    assert (said.high - said.low).mean() > 0.2  # ten customers cannot tell much, and the interval says so
    json.dumps(result.as_dict(), allow_nan=False)


@pytest.mark.parametrize("everybody", [True, False])
def test_one_class_only_falls_back_to_the_base_rate(slices, everybody):
    same = Slices(slices.features, replace(slices.outcomes, churned=np.full(len(slices), everybody)))
    result = backtest(same, {**MODELS, "lightgbm": LightGbm(rounds=5)}, test_cutoffs=same.cutoffs[-3::2],
                      horizon=HORIZON, settings=QUICK)  # fmt: skip
    assert result.chosen == "base_rate"
    assert any("one outcome" in note.en for note in result.notes)
    json.dumps(result.as_dict(), allow_nan=False)
    said = fit_final(result, same, MODELS, settings=QUICK).predict(same.features).p_churn
    assert (said > 0.9).all() if everybody else (said < 0.1).all()


def test_a_model_without_its_columns_is_left_out_and_said_so(slices):
    fewer = Slices(slices.features.select([n for n in slices.features.names if n != "revenue"]), slices.outcomes)
    result = backtest(fewer, MODELS, test_cutoffs=fewer.cutoffs[-3:], horizon=HORIZON, settings=QUICK)
    assert "rfm_logistic" not in result.models
    assert any("rfm_logistic" in note.en and "revenue" in note.en for note in result.notes)


def test_a_gap_keeps_its_distance(slices):
    gap = Gap.parse("15d")
    result = backtest(slices, MODELS, test_cutoffs=slices.cutoffs[-1:], horizon=HORIZON, gap=gap, settings=QUICK)
    assert all("gap 15d" in one.protocol for one in result.scores)


def published_table(slices, said, **more):
    return pa.table({"customer_id": slices.features.key.customer_id, "p_churn": said, **more})


def test_promises_are_scored_as_they_were_made(slices):
    one = slices.at(slices.cutoffs[-1:])
    n = len(one)
    usual = np.full(n, 20.0)
    table = published_table(
        one, np.full(n, 0.3), p_churn_low=np.full(n, 0.2), p_churn_high=np.full(n, 0.4),
        value_at_risk=np.where(np.arange(n) % 2, 8.0, 0.0), risk_band=["low", "high"] * (n // 2),
    )  # fmt: skip
    order = np.random.default_rng(1).permutation(n)
    kept = score_promises(table, one.outcomes.take(order), usual=usual, currency="GBP", release_id="r1")
    assert kept["said"] == pytest.approx(0.3)
    assert kept["happened"] == pytest.approx(one.outcomes.churned.mean())
    assert kept["within_interval"] is (0.2 <= kept["happened"] <= 0.4)
    assert [band["band"] for band in kept["bands"]] == ["low", "high"]
    odd = np.arange(n) % 2 == 1
    lost = (20.0 - one.outcomes.revenue[odd] / 1e4).sum()
    assert kept["value_at_risk"]["said"] == pytest.approx(8.0 * odd.sum())
    assert kept["value_at_risk"]["lost"] == pytest.approx(lost)
    assert "30%" in kept["sentence"]["en"]
    assert "30%" in kept["sentence"]["zh"]
    assert "GBP" in kept["sentence"]["en"]
    json.dumps(kept, allow_nan=False)


def test_promises_need_every_customer(slices):
    one = slices.at(slices.cutoffs[-1:])
    table = published_table(one, np.full(len(one), 0.3))
    with pytest.raises(UsageError, match="have no outcome"):
        score_promises(table, one.outcomes.take(np.arange(5)))
    assert score_promises(table, one.outcomes)["value_at_risk"] is None


def test_too_many_rows_are_thinned_by_slice_and_no_more_than_needed() -> None:
    """Every third slice of 24 is eight slices, whatever was tried before; rows that are not learnt from do not count."""
    slices = world(customers=40, slices=24)
    settings = EvaluateSettings(max_train_rows=340)
    end = slices.cutoffs[-1].plus(NO_GAP, slices.outcomes.horizon)
    kept = training(slices, end, (NO_GAP, slices.outcomes.horizon), settings)
    assert len(kept.cutoffs) == 8
    assert kept.cutoffs[-1] == slices.cutoffs[-1]
    weights = (np.arange(len(slices)) % 3 == 0).astype(float)
    weighed = training(replace(slices, weights=weights), end, (NO_GAP, slices.outcomes.horizon), settings)
    assert len(weighed.cutoffs) == 24
    assert weighed.weights is not None
    assert (weighed.weights > 0).all()
