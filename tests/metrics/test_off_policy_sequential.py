"""Off-policy values of sequential policies against exact ones."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.errors import UsageError
from holdfast.core.results import Effect, Undetermined
from holdfast.core.trajectories import Trajectories
from holdfast.metrics import off_policy_sequential as ope
from holdfast.synth.choices.habits import Habits
from holdfast.synth.choices.periods import logged, value

HABITS, DISCOUNT, PERIODS = Habits(), 0.9, 4
LOGGED, WANTED = (0.4, 0.3, 0.2, 0.1), (0.5, 0.4, 0.1, 0.0)


def chances_of(eligible: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    found = np.where(eligible, np.array(shares), 0.0)
    return found / found.sum(axis=-1, keepdims=True)


def design(state: np.ndarray) -> np.ndarray:
    z = state / np.array([2, 1, 8, 4, 3, 2, 1.0])
    a, b = np.triu_indices(7)
    return np.column_stack([np.ones(len(z)), z, z[:, a] * z[:, b], z[:, 2] ** 3, np.exp(-z[:, 2] * 4)])


def log_of(seed: int, n: int = 1_500) -> Trajectories:
    return logged(HABITS, n, PERIODS, LOGGED, seed=seed)


TRUTH = value(HABITS, chances_of(HABITS.eligible, WANTED), PERIODS, DISCOUNT)
WEIGHTED = ("per_decision", "weighted_per_decision", "doubly_robust", "fitted_q")


def estimate(name: str, log: Trajectories, shares: tuple[float, ...] = WANTED) -> Effect | Undetermined:
    chances = chances_of(log.eligible, shares)
    if name in ("doubly_robust", "fitted_q"):
        more = {"replicates": 20} if name == "fitted_q" else {}
        return getattr(ope, name)(log, chances, design, DISCOUNT, **more)
    return getattr(ope, name)(log, chances, DISCOUNT)


@pytest.mark.parametrize("name", WEIGHTED)
def test_right_on_average_and_in_its_interval(name: str) -> None:
    said = [estimate(name, log_of(seed)) for seed in range(60)]
    assert all(isinstance(one, Effect) for one in said)
    errors = np.array([one.estimate - TRUTH for one in said])
    assert abs(errors.mean()) < 3 * errors.std(ddof=1) / 60**0.5 + (0.15 if name == "fitted_q" else 0.0)
    inside = np.mean([one.low <= TRUTH <= one.high for one in said])
    assert inside >= 0.87  # 95% nominal: 60 logs give at least 52 inside in all but one of 300 tries
    width = np.mean([one.high - one.low for one in said]) / 2 / 1.96
    assert 0.7 < width / errors.std(ddof=1) < 1.5


def test_the_logged_policy_itself_is_valued_by_the_mean() -> None:
    log = log_of(1)
    mean = float((log.reward * DISCOUNT ** np.arange(PERIODS)).sum(axis=1).mean())
    for name in ("per_decision", "weighted_per_decision"):
        assert estimate(name, log, LOGGED).estimate == pytest.approx(mean)


def test_one_period_is_plain_weighting() -> None:
    log = logged(HABITS, 2_000, 1, LOGGED, seed=3)
    weight = chances_of(log.eligible, WANTED)[:, 0][np.arange(2_000), log.arm[:, 0]] / log.chosen_propensity[:, 0]
    assert estimate("per_decision", log).estimate == pytest.approx(float((weight * log.reward[:, 0]).mean()))
    assert estimate("weighted_per_decision", log).estimate == pytest.approx(float(np.average(log.reward[:, 0], weights=weight)))  # fmt: skip


def test_a_model_makes_weighting_calmer() -> None:
    spread = {
        name: np.std([estimate(name, log_of(seed, 800)).estimate for seed in range(25)])
        for name in ("per_decision", "doubly_robust")
    }
    assert spread["doubly_robust"] < spread["per_decision"]


def test_a_policy_unlike_the_logged_one_is_refused() -> None:
    log = logged(HABITS, 1_000, 10, (0.7, 0.1, 0.1, 0.1), seed=1)
    always = (0.0, 0.0, 0.0, 1.0)
    for name in ("per_decision", "weighted_per_decision", "doubly_robust"):
        said = estimate(name, log, always)
        assert isinstance(said, Undetermined)
        assert "shorten the horizon" in said.reason
    rare = logged(HABITS, 40, 10, (0.97, 0.01, 0.01, 0.01), seed=1)
    said = estimate("fitted_q", rare, always)
    assert isinstance(said, Undetermined)
    assert "call" in said.reason


def test_effective_size_by_hand() -> None:
    assert ope.effective_size(np.array([[1.0], [1.0], [2.0]])).tolist() == pytest.approx([16 / 6])
    assert ope.effective_size(np.zeros((3, 1))).tolist() == [0.0]


def test_nonsense_is_refused() -> None:
    log = log_of(1, 50)
    good = chances_of(log.eligible, WANTED)
    for bad in (good[:, :2], good * 2):
        with pytest.raises(UsageError):
            ope.ratios(log, bad)
    with pytest.raises(UsageError):
        ope.fitted_q(log_of(1), chances_of(log_of(1).eligible, WANTED)[:, :-1], design, DISCOUNT)
    with pytest.raises(UsageError):
        ope.per_decision(log_of(1), chances_of(log_of(1).eligible, WANTED), 1.2)
