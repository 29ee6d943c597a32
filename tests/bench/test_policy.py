"""The policy bench: its plan, its sums, and one small job of each kind."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.bench import policy, policy_periods, policy_rivals, policy_zero
from holdfast.core.errors import UsageError


def test_intervals_of_shares_by_hand() -> None:
    # Clopper & Pearson (1934): with 0 of n the upper bound is 1 - (alpha / 2)^(1 / n)
    assert policy.binomial(0, 400) == pytest.approx((0.0, 1 - 0.025 ** (1 / 400)))
    low, high = policy.binomial(8, 400)
    assert low < 0.02 < high < 0.05
    assert policy.binomial(400, 400)[1] == 1.0


def test_rows_are_means_over_seeds_and_leave_out_what_makes_no_sense() -> None:
    found = [
        {("p", "guarded", "regret"): float(at), ("p", "guarded", "share_of_oracle_gain"): float("nan")}
        for at in range(4)
    ]
    zero = [{("q", "guarded", "deviates"): float(at == 0)} for at in range(20)]
    rows = policy.summed(
        [(policy.Job("mixed", dict, at), one) for at, one in enumerate(found)]
        + [(policy.Job("zero", dict, at), one) for at, one in enumerate(zero)]
    )
    assert [(one.data, one.metric, one.value, one.n) for one in rows] == [
        ("mixed", "regret", 1.5, 4),
        ("zero", "deviates", 0.05, 20),
    ]
    assert rows[0].low == pytest.approx(1.5 - 3.182446 * np.std([0, 1, 2, 3], ddof=1) / 2, abs=1e-5)


def test_the_plan_holds_what_was_promised() -> None:
    jobs = policy.plan(False)
    zero = [one for one in jobs if one.work is policy_zero.guard_alone and one.data == "zero"]
    assert len(zero) >= 400
    assert len({one.seed for one in zero}) == len(zero)
    sizes = {(one.data, one.size) for one in jobs if one.work is policy_rivals.compete}
    assert {(kind, size) for kind in ("mixed", "harm") for size in (2_000, 10_000, 50_000)} <= sizes
    assert len({one.seed for one in jobs if one.data == "mixed"}) == 20
    with pytest.raises(UsageError, match="zero"):
        policy.policy(data="nowhere")


def test_rivals_are_judged_by_the_truth() -> None:
    found = policy_rivals.compete("mixed", 1, 2_000) | policy_rivals.bandits("mixed", 1, 2_000)
    by = {
        model: {m: v for (p, name, m), v in found.items() if name == model and p.startswith("learnt")}
        for _, model, _ in found
    }
    assert by["oracle"]["regret"] == 0.0
    assert by["nothing"]["policy_value"] == 0.0
    assert by["best_uniform"]["share_of_oracle_gain"] == pytest.approx(0.0)
    most = by["oracle"]["policy_value"]
    for name in ("churn_risk", "naive_uplift", "guarded", "thompson", "linucb", "uniform_measured"):
        assert by[name]["regret"] == pytest.approx(most - by[name]["policy_value"])
        assert by[name]["regret"] >= 0


def test_the_guard_stays_quiet_where_nothing_has_an_effect() -> None:
    found = [policy_zero.guard_alone("zero", seed, 2_000) for seed in range(1, 6)]
    assert np.mean([value for one in found for (_, name, what), value in one.items() if (name, what) == ("guarded", "deviates")]) <= 0.4  # fmt: skip
    assert {metric for one in found for _, _, metric in one} == {"deviates", "sends_nothing_costly", "regret"}


def test_off_policy_rows() -> None:
    found = policy_periods.off_policy("habits", 1, 0)
    third = {(model, metric): value for (protocol, model, metric), value in found.items() if "third" in protocol}
    assert third[("doubly_robust", "relative_error")] < 0.3
    refused = {
        model: value
        for (protocol, model, metric), value in found.items()
        if metric == "refused" and "third" not in protocol
    }
    assert refused["per_decision_ips"] == 1.0
    assert refused["fitted_q_evaluation"] == 0.0
