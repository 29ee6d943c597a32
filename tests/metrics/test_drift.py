"""Distances between samples, and sums of errors, on cases that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from holdfast.metrics.drift import adjusted, cusum, ks, psi, wasserstein


def test_ks_and_wasserstein_agree_with_scipy() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=700), random.normal(0.4, 1.3, 900)
    assert ks(a, b) == pytest.approx(ks_2samp(a, b).statistic)
    assert wasserstein(a, b) == pytest.approx(wasserstein_distance(a, b) / a.std(), abs=0.01)


def test_psi_of_one_population_is_about_what_chance_gives() -> None:
    random = np.random.default_rng(2)
    n, m = 2000, 1000
    found = [psi(random.normal(size=n), random.normal(size=m)) for _ in range(40)]
    assert np.mean(found) == pytest.approx(9 * (1 / n + 1 / m), rel=0.25)


def test_psi_of_a_shifted_normal_is_near_the_shift_squared() -> None:
    random = np.random.default_rng(3)
    assert psi(random.normal(size=50_000), random.normal(0.5, 1.0, 50_000)) == pytest.approx(0.25, abs=0.04)


def test_going_missing_is_a_move() -> None:
    values = np.random.default_rng(4).normal(size=1000)
    gone = np.where(np.arange(1000) % 2 == 0, np.nan, values)
    assert psi(values, gone) > 1
    assert ks(values, gone) == pytest.approx(0.5, abs=0.05)
    assert psi(gone, gone) == 0


@pytest.mark.parametrize(
    "values",
    [np.array([]), np.full(50, np.nan), np.zeros(50), np.full(50, np.inf), np.array([1e308, -1e308] * 25)],
    ids=["empty", "missing", "constant", "infinite", "huge"],
)
def test_odd_columns_give_finite_distances(values: np.ndarray) -> None:
    plain = np.arange(50.0)
    for distance in (psi, ks, wasserstein):
        for a, b in ((values, plain), (plain, values), (values, values)):
            assert np.isfinite(distance(a, b))
            assert distance(a, b) >= 0
    assert psi(values, values) == ks(values, values) == 0


def test_rows_in_another_order_are_the_same_sample() -> None:
    random = np.random.default_rng(5)
    a, b = random.normal(size=300), random.normal(size=200)
    for distance in (psi, ks, wasserstein):
        assert distance(a, b) == pytest.approx(distance(random.permutation(a), random.permutation(b)), abs=1e-12)


def test_a_cumulative_sum_climbs_on_either_side_and_forgets_noise() -> None:
    assert cusum(np.array([])).tolist() == []
    assert cusum(np.full(4, -1.5))[-1] == pytest.approx(4.0)
    assert cusum(np.full(4, 0.4))[-1] == 0.0


def test_adjusted_p_values_are_those_of_scipy() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(6).random(30) ** 2
    assert adjusted(p) == pytest.approx(false_discovery_control(p))
    assert adjusted(np.array([])).tolist() == []
