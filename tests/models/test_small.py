"""Small shops: a prior that helps where there is little, gives way where there is much, and intervals that hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow.compute as pc
import pytest

from holdfast.bench.shift_small import drawn, judged, large
from holdfast.bench.small_prior import prior, told
from holdfast.checks.model import world
from holdfast.core.errors import TooLittleData
from holdfast.models.logistic import Logistic
from holdfast.models.logit import fit_logit, sigmoid
from holdfast.models.rfm_logistic import RfmLogistic
from holdfast.models.small import ROLES, Prior, SmallShop, posterior, reference
from holdfast.models.sufficiency import LEAST_REPEATERS, by_silence, sufficiency


@cache
def shop() -> tuple:
    train, test, truth = large(seed=7, customers=2000)
    return train, test, truth, told(test, truth, test)


def trials(size: int, model: object, draws: int = 6) -> dict[str, float]:
    """Mean figures over draws of a shop of that size."""
    train, test, truth, best = shop()
    found = []
    for seed in range(draws):
        few, members = drawn(train, size, seed)
        others = ~pc.is_in(test.features.key.customer_id, value_set=members).to_numpy(zero_copy_only=False)
        found.append(judged(model, few, test.take(others), truth[others], best[others]))
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def test_with_few_customers_it_beats_the_plain_models() -> None:
    for size in (50, 100):
        ours = trials(size, SmallShop())["log_loss"]
        assert ours < trials(size, RfmLogistic())["log_loss"] - 0.01
        assert ours < trials(size, Logistic())["log_loss"] - 0.01
        assert ours < trials(size, Logistic(l2=1.0))["log_loss"]


def test_with_many_it_loses_nothing_that_a_linear_model_has() -> None:
    assert trials(500, SmallShop(), 3)["log_loss"] < trials(500, Logistic(l2=1.0), 3)["log_loss"] + 0.006


def test_intervals_hold_customer_by_customer_and_by_tenth() -> None:
    """Nominal 90%, of what the columns can tell at best; the mean truth of every tenth lies inside as well."""
    for size in (50, 200):
        found = trials(size, SmallShop())
        assert 0.83 < found["coverage"] < 0.97, size
        assert found["coverage_by_tenth"] > 0.85
        assert found["width"] < 0.5  # an interval from 0 to 1 would cover, too


def test_fewer_customers_give_wider_intervals() -> None:
    wide = [trials(size, SmallShop(), 3)["width"] for size in (50, 500)]
    assert wide[0] > wide[1] + 0.01


def test_intervals_cover_planted_probabilities() -> None:
    """A shop that no simulated one is like: churn depends on two columns, by other numbers."""
    hits = []
    for seed in range(8):
        slices = world(customers=80, slices=4, seed=seed)
        silence, orders = (slices.features.column(n).astype(float) for n in ("days_since_last_order", "order_count"))
        p = sigmoid(0.02 * silence - 0.35 * orders + 0.8)
        said = SmallShop().fit(slices.features, slices.outcomes).predict(slices.features)
        hits.append(((said.low <= p) & (p <= said.high)).mean())
    assert np.mean(hits) > 0.8


def test_without_data_the_prior_speaks_and_with_much_the_data() -> None:
    known = reference()
    random = np.random.default_rng(1)
    rows = np.column_stack([np.ones(20_000), random.normal(size=(20_000, len(ROLES)))])
    planted = known.mean + np.array([0.5, -0.4, 0.3, 0.2, -0.3, 0.1, 0.4])
    happened = random.random(len(rows)) < sigmoid(rows @ planted)
    one_each = np.arange(len(rows))
    mode, covariance = posterior(rows, happened, np.ones(len(rows)), one_each, known)
    assert mode == pytest.approx(planted, abs=0.1)
    free = fit_logit(rows[:, 1:], happened, l2=1e-6)
    assert mode == pytest.approx(free, abs=0.06)
    nothing = posterior(rows[:1], happened[:1], np.zeros(1), one_each[:1], known)
    assert nothing[0] == pytest.approx(known.mean)
    assert nothing[1] == pytest.approx(known.covariance)
    assert (np.diag(covariance) < np.diag(known.covariance)).all()


def test_the_same_rows_many_times_over_tell_no_more() -> None:
    """Twenty slices of the same people are not twenty times the people."""
    flat = Prior(np.zeros(3), 10 * np.eye(3), 0.0)
    random = np.random.default_rng(2)
    rows = np.column_stack([np.ones(200), random.normal(size=(200, 2))])
    happened = random.random(200) < sigmoid(rows @ np.array([0.2, 1.0, -0.5]))
    once = posterior(rows, happened, np.ones(200), np.arange(200), flat)[1]
    often = posterior(np.tile(rows, (20, 1)), np.tile(happened, 20), np.ones(4000), np.tile(np.arange(200), 20), flat)[
        1
    ]
    assert np.sqrt(np.diag(often)) == pytest.approx(np.sqrt(np.diag(once)), rel=0.25)


def test_ten_customers_and_odd_columns_stay_finite() -> None:
    slices = world(customers=10, slices=1)
    values = slices.features.values.copy()
    values[:, 0], values[:, 1], values[:, 3] = 7.0, np.nan, np.float32(1e38)
    odd = replace(slices.features, values=values)
    said = SmallShop().fit(odd, slices.outcomes).predict(odd)
    assert np.isfinite([said.p_churn, said.low, said.high]).all()
    assert (said.low <= said.p_churn).all()
    assert (said.p_churn <= said.high).all()


@pytest.mark.slow
def test_a_few_shops_give_about_the_same_prior() -> None:
    """The file is what its command writes; a tenth of the shops show it is no accident."""
    again, known = Prior.of(prior(6)), reference()
    spread = np.sqrt(np.diag(known.covariance))
    assert (np.abs(again.mean - known.mean) < 3 * spread).all()
    assert again.spread == pytest.approx(known.spread, abs=0.35)


def test_too_few_is_refused_with_what_when_and_what_to_do() -> None:
    few = sufficiency(30, 90.0)
    assert few.days_to_go == 60
    with pytest.raises(TooLittleData, match="30 customers") as refusal:
        few.require()
    assert "60 days" in refusal.value.remedy
    assert "list by silence" in refusal.value.remedy
    assert "30位" in few.sentence("zh")
    assert "60天" in few.as_dict("zh")["text"]
    assert sufficiency(0, 10.0).days_to_go is None
    assert "cannot be said" in sufficiency(0, 10.0).sentence()
    fine = sufficiency(LEAST_REPEATERS, 90.0)
    assert fine.enough
    assert fine.sentence() == ""
    fine.require()


def test_slices_of_the_same_people_do_not_make_more_of_them() -> None:
    slices = world(customers=12, slices=10)
    lone = replace(slices.outcomes, churned=np.arange(len(slices)) % 12 == 0)  # one customer leaves, ten times over
    found = sufficiency(200, 90.0, lone)
    assert found.churned == 1
    assert not found.enough
    with pytest.raises(TooLittleData, match="1 stayed away"):
        found.require()


def test_the_list_by_silence_needs_no_model() -> None:
    features = world(customers=30, slices=1).features
    listed = by_silence(features)
    times = listed["times_usual"].to_numpy()
    assert (np.diff(times) <= 0).all()
    assert sorted(listed["customer_id"].to_pylist()) == sorted(features.key.customer_id.to_pylist())
    once = features.select(["days_since_last_order"])
    plain = by_silence(once)
    assert plain["times_usual"].null_count == 30
    assert (np.diff(plain["days_since_last_order"].to_numpy()) <= 0).all()
    values = features.values.copy()
    values[:5, 1] = np.nan  # ordered once: measured by the shop's median gap
    assert by_silence(replace(features, values=values))["times_usual"].null_count == 0
