"""Off-policy values find the truth of a policy that never ran; intervals for rare rewards hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.core.results import Undetermined
from holdfast.measure.off_policy import LoggedDecisions, overlap, reward_table, values
from holdfast.metrics.off_policy import (
    clipped,
    difference_interval,
    doubly_robust,
    effective_n,
    ips,
    rare_interval,
    ratio_interval,
    snips,
    weights,
)  # fmt: skip


def logged(n: int, seed: int) -> tuple[LoggedDecisions, float]:
    """Three actions, two strata, a logger and a target that both depend on the stratum; and the target's true value."""
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, 2, n)
    logger = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]])[stratum]
    target = np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])[stratum]
    reward = np.array([[0.1, 0.5, 0.3], [0.4, 0.2, 0.6]])
    action = np.minimum((rng.random(n)[:, None] >= np.cumsum(logger, axis=1)).sum(axis=1), 2)
    seen = (rng.random(n) < reward[stratum, action]).astype(float)
    truth = float((target * reward[stratum]).sum(axis=1).mean())
    return LoggedDecisions(action, seen, logger[np.arange(n), action], target, stratum), truth


@pytest.mark.parametrize("name", ["ips", "snips", "clipped", "doubly_robust"])
def test_every_estimator_finds_the_truth(name: str) -> None:
    z = []
    for seed in range(60):
        log, truth = logged(2000, seed)
        found = values(log)[name]
        assert not isinstance(found, Undetermined)
        z.append((found.estimate - truth) / found.se)
    assert abs(np.mean(z)) < 0.4
    assert 0.7 < np.std(z) < 1.3


def test_doubly_robust_forgives_one_mistake() -> None:
    log, truth = logged(60_000, 1)
    at = np.arange(len(log.action))
    said = reward_table(log)
    good = doubly_robust(log.reward, np.ones(len(at)), said[at, log.action], (log.target * said).sum(axis=1))
    assert good.estimate == pytest.approx(truth, abs=0.02), "right model, no weights"
    bad = np.full(len(at), 0.9)
    assert doubly_robust(log.reward, log.weights, bad, bad).estimate == pytest.approx(truth, abs=0.02)
    assert log.reward.mean() != pytest.approx(truth, abs=0.02), "the log's own mean is something else"


def test_poor_overlap_is_refused() -> None:
    log, _ = logged(2000, 1)
    narrow = LoggedDecisions(log.action, log.reward, np.where(np.arange(2000) == 7, 1e-6, 0.5), log.target, log.stratum)
    assert isinstance(values(narrow)["ips"], Undetermined)
    assert not isinstance(values(narrow)["clipped"], Undetermined)
    assert isinstance(overlap(np.r_[np.zeros(50_000), np.ones(60)]), Undetermined)
    with pytest.raises(UsageError, match="no propensity"):
        weights(np.ones(2), np.array([0.5, 0.0]))


@given(st.lists(st.floats(0.01, 50), min_size=2, max_size=50))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_effective_n_is_between_one_and_n(w: list[float]) -> None:
    assert 1 - 1e-9 <= effective_n(np.array(w)) <= len(w) + 1e-9


def test_clipping_only_lowers_and_snips_stays_in_range() -> None:
    log, _ = logged(3000, 4)
    w = log.weights
    assert clipped(log.reward, w, 1.5).estimate <= ips(log.reward, w).estimate
    assert 0 <= snips(log.reward, w).estimate <= 1


@pytest.mark.parametrize("heavy", [False, True])
def test_intervals_of_rare_rewards_hold(heavy: bool) -> None:
    rng = np.random.default_rng(2)
    held, n, rate = 0, 4000, 0.004
    w = np.exp(rng.normal(0, 1.2, n)) if heavy else np.ones(n)
    w /= w.mean()
    for _ in range(400):
        low, high = rare_interval(w, (rng.random(n) < rate).astype(float))
        held += low <= rate <= high
    assert held / 400 >= 0.93


def test_nothing_rewarded_still_has_an_upper_end() -> None:
    low, high = rare_interval(np.ones(100), np.zeros(100))
    assert low == 0
    assert high == pytest.approx(3.69 / 100, rel=0.01)  # exact Poisson, 97.5%


def test_joined_intervals_agree_with_simulation() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(10, 1, 200_000), rng.normal(5, 0.5, 200_000)
    one, other = (10.0, 10 - 1.96, 10 + 1.96), (5.0, 5 - 0.98, 5 + 0.98)
    low, high = difference_interval(one, other)
    assert (low, high) == pytest.approx(tuple(np.quantile(a - b, [0.025, 0.975])), abs=0.05)
    low, high = ratio_interval(one, other)
    assert (low, high) == pytest.approx(tuple(np.quantile(a / b, [0.025, 0.975])), abs=0.05)
