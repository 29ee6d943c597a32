"""Who first: an order counts only where customers that the learner never saw bear it out."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.decide.priority import priorities
from holdfast.models.uplift.experiment import Experiment


def world(seed: int, spread: float, n: int = 4000) -> tuple[Experiment, np.ndarray]:
    """One arm that gains 1 on average, more by `spread` for those with a large first column."""
    random = np.random.default_rng([seed, 5])
    x, arm = random.standard_normal((n, 4)), random.integers(0, 2, n)
    effect = 1.0 + spread * x[:, 0]
    outcome = x[:, 1] + effect * arm + 2.0 * random.standard_normal(n)
    return Experiment.of(x, arm, outcome, np.array([0.5, 0.5]), seed=seed), effect


def test_a_planted_order_is_found() -> None:
    seen, effect = world(1, 1.0)
    one = priorities(seen, (1,), np.zeros(2))[1]
    assert one.proven
    said = one.gains(seen.X)
    assert np.corrcoef(said, effect)[0, 1] > 0.8
    assert said.mean() == pytest.approx(1.0, abs=0.25)


def test_where_all_gain_alike_nobody_comes_first() -> None:
    proven = [priorities(world(seed, 0.0, 1500)[0], (1,), np.zeros(2))[1].proven for seed in range(30)]
    assert sum(proven) <= 5  # 5% each, one-sided: more than 5 of 30 happens in 0.3% of all cases


def test_an_order_that_is_not_proven_leaves_the_mean_to_everybody() -> None:
    for seed in range(30):
        one = priorities(world(seed, 0.0, 1500)[0], (1,), np.array([0.0, 0.25]))[1]
        if not one.proven:
            assert np.unique(one.gains(np.eye(4))).tolist() == [one.mean]
            assert one.mean == pytest.approx(0.75, abs=0.5)
            return
    pytest.fail("thirty worlds without an order, and all of them proven")
