"""Moments add: however customers are split into batches, the sums are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.results import Undetermined
from holdfast.metrics.moments import CrossMoments
from holdfast.metrics.power import detectable_mean, holdout_share_needed

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
ROWS = st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 1000)), min_size=2, max_size=40)


@given(ROWS, st.integers(0, 40), st.integers(0, 1000))
@PATIENT
def test_splitting_and_shuffling_change_nothing(rows: list[tuple[int, int]], at: int, seed: int) -> None:
    whole = CrossMoments.of(rows)
    mixed = np.random.default_rng(seed).permutation(np.array(rows))
    parts = [CrossMoments.of(np.reshape(part, (-1, 2))) for part in (mixed[:at], mixed[at:])]
    joined = parts[0] + parts[1] + CrossMoments.empty(2)
    assert joined.n == whole.n
    assert np.array_equal(joined.total, whole.total)
    assert np.array_equal(joined.products, whole.products)


@given(ROWS)
@PATIENT
def test_they_are_the_usual_statistics(rows: list[tuple[int, int]]) -> None:
    values = np.array(rows, float)
    found = CrossMoments.of(values)
    assert found.mean == pytest.approx(values.mean(axis=0))
    assert found.covariance == pytest.approx(np.cov(values.T), abs=1e-6)
    assert found.pick(1).covariance[0, 0] == pytest.approx(values[:, 1].var(ddof=1), abs=1e-6)


def test_nothing_is_not_zero() -> None:
    assert np.isnan(CrossMoments.empty(2).mean).all()
    assert np.isnan(CrossMoments.of([[1.0, 2.0]]).covariance).all()


def test_a_detectable_mean_is_found_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    least = detectable_mean(10.0, 4000, control_share=0.2)
    assert not isinstance(least, Undetermined)
    control, treated = rng.normal(0, 10 / np.sqrt(800), 40_000), rng.normal(least, 10 / np.sqrt(3200), 40_000)
    z = (treated - control) / (10 * np.sqrt(1 / 800 + 1 / 3200))
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.01)
    assert detectable_mean(10.0, 4000, control_share=0.2, looks=True) > least  # type: ignore[operator]
    share = holdout_share_needed(10.0, 4000, least)
    assert share == pytest.approx(0.2, abs=1e-6)
    assert isinstance(holdout_share_needed(10.0, 100, 0.01), Undetermined)
    assert isinstance(detectable_mean(0.0, 100, control_share=0.5), Undetermined)
