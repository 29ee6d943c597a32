"""Gaps between groups, the limits an allocator takes, thresholds, and prices before approval."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.app.measure.fairness import groups_of, limits_of, plan_fairness
from holdfast.core.decide import Decisions, Options, Treatment
from holdfast.core.errors import UsageError
from holdfast.core.results import Effect, Undetermined
from holdfast.core.schema import CUSTOMERS
from holdfast.decide.budget.limits import Limits
from holdfast.measure.fairness import fair_limit, forecast_columns, gaps, price_findings, thresholds
from holdfast.measure.settings import MeasureSettings


def test_gaps_are_found_and_small_groups_are_not_judged() -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(["a", "b", "c"], [2000, 2000, 50])
    treated = (rng.random(4050) < np.where(group == "a", 0.5, 0.3)).astype(float)
    said = rng.uniform(0.2, 0.8, 4050)
    happened = rng.random(4050) < np.where(group == "b", said - 0.15, said)
    found = gaps(group, {"treatment_rate": treated, **forecast_columns(said, happened)})
    by = {(one["group"], one["measure"]): one["gap"] for one in found}
    rate, level = by["a", "treatment_rate"], by["b", "calibration"]
    assert isinstance(rate, Effect)
    assert isinstance(level, Effect)
    assert rate.low < 0.2 < rate.high
    assert level.low < 0.15 < level.high
    assert level.significant
    assert isinstance(by["c", "treatment_rate"], Undetermined)
    assert isinstance(gaps(["a"] * 300, {"value": np.ones(300)})[0]["gap"], Undetermined)


def test_intervals_of_gaps_cover() -> None:
    rng = np.random.default_rng(2)
    group = np.repeat(["a", "b"], 400)
    held = 0
    for _ in range(400):
        treated = (rng.random(800) < np.where(group == "a", 0.02, 0.05)).astype(float)
        gap = gaps(group, {"treatment_rate": treated})[0]["gap"]
        held += gap.low <= -0.03 <= gap.high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


@given(st.integers(0, 10**6), st.floats(0.05, 0.9), st.floats(0.0, 0.5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_thresholds_keep_the_share_and_the_gap(seed: int, share: float, most: float) -> None:
    rng = np.random.default_rng(seed)
    group = np.repeat(["a", "b", "c"], [300, 500, 700])
    score = rng.normal(np.where(group == "a", 1.0, 0.0), 1.0)
    limit = fair_limit(group, most)
    cut = thresholds(score, limit, share)
    treated = np.array([score[i] >= cut[group[i]] for i in range(len(group))])
    assert limit.gap(treated) <= most + 0.01  # whole customers
    assert treated.mean() == pytest.approx(share, abs=0.01)


def test_a_wide_limit_leaves_one_threshold() -> None:
    score, group = np.arange(600.0), np.repeat(["a", "b"], 300)
    cut = thresholds(score, fair_limit(group, 1.0), 0.25)
    assert (score >= np.where(group == "a", cut["a"], cut["b"])).sum() == 150
    assert cut["a"] == np.inf
    with pytest.raises(UsageError):
        thresholds(score, fair_limit(group, 1.0), 1.5)
    with pytest.raises(UsageError):
        fair_limit(group, 2.0)


def test_prices_are_compared_among_those_who_may_get_the_same() -> None:
    """Group a may get the large voucher more often: that is eligibility, no price. Within it, b pays more: a finding."""
    rng = np.random.default_rng(3)
    n = 4000
    group = np.where(rng.random(n) < 0.5, "a", "b")
    large = rng.random(n) < np.where(group == "a", 0.8, 0.2)
    eligible = np.column_stack([np.ones(n, bool), np.ones(n, bool), large])
    same = np.where(large, 0.2, 0.1)
    assert price_findings(group, eligible, same) == []
    worse = np.where(group == "b", same - 0.05, same)
    found = price_findings(group, eligible, worse)
    assert {one["group"] for one in found} == {"a", "b"}
    assert found[0]["gap"] == pytest.approx(0.05)
    assert "折扣" in price_findings(group, eligible, worse, language="zh")[0]["text"]
    few = price_findings(np.where(np.arange(n) < 50, "c", group), eligible, same)
    assert [one["group"] for one in few if "undetermined" in one] == ["c"]


def test_a_plan_is_looked_at_by_protected_group() -> None:
    n = 1000
    ids = pa.array([f"c{one:04d}" for one in range(n)])
    sex = np.where(np.arange(n) % 2 == 0, "f", "m")
    people = CUSTOMERS.conform(
        pa.table(
            {"customer_id": ids, "attributes": [f'{{"sex": "{one}"}}' if at else None for at, one in enumerate(sex)]}
        )
    )
    chosen = (sex == "f").astype(np.int64)
    plan = Decisions(
        ids, ("nothing", "voucher"), chosen, np.tile([0.5, 0.5], (n, 1)), np.zeros(n), np.ones(n), np.zeros(n),
        np.arange(n) >= 900, pa.array([""] * n),
    )  # fmt: skip
    options = Options(ids, ("nothing", "voucher"), np.zeros((n, 2)), np.zeros((n, 2)))
    treatments = (Treatment("nothing"), Treatment("voucher", "coupon", discount=0.1))
    settings = MeasureSettings(protected=("sex",))
    found = plan_fairness(people, plan, options, treatments, settings)["attributes"][0]
    assert found["over"]
    assert found["max_gap"] == 1.0
    assert {one["what"] for one in found["prices"] if "gap" in one} == {"discount"}
    assert groups_of(people, ids, "sex")[:2] == [None, "m"]
    limits = limits_of(people, ids, settings)
    assert limits["parity"] == {"sex": 0.1}
    assert limits["groups"]["sex"][:3] == ["other", "m", "f"]
    assert Limits(**limits).names() == ["parity of sex"]
    assert limits_of(people, ids, MeasureSettings()) == {}
    assert plan_fairness(people, plan, options, treatments, MeasureSettings()) == {"attributes": []}
