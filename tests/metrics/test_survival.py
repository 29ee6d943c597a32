"""Survival metrics against slow twins that follow the definitions, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.metrics.bootstrap import replicates
from holdfast.metrics.ranking import auc
from holdfast.metrics.survival import (
    auc_at,
    brier_at,
    calibration_at,
    calibration_by_tenth,
    censored_weights,
    concordance,
    d_calibration,
    ece_at,
    integrated_brier,
)


def every_pair(duration, happened, said, weight):
    """Harrell's C by its definition."""
    right = pairs = 0.0
    for i in range(len(duration)):
        for j in range(len(duration)):
            later = duration[j] > duration[i] or (duration[j] == duration[i] and not happened[j])
            if happened[i] and later:
                both = weight[i] * weight[j]
                pairs += both
                right += both * ((said[i] > said[j]) + 0.5 * (said[i] == said[j]))
    return right / pairs if pairs else float("nan")


def drawn(seed, n, ties=True):
    random = np.random.default_rng(seed)
    duration = random.exponential(20, n)
    duration = np.round(duration / 5) * 5 if ties else duration
    happened = random.random(n) < 0.6
    said = np.round(random.random(n) * (4 if ties else 1e9)) - 0.02 * duration.round(1 if ties else 9)
    return duration, happened, np.round(said, 1) if ties else said, random.poisson(1.0, (3, n)).astype(float)


@given(st.integers(0, 10_000), st.integers(0, 40), st.booleans())
@settings(max_examples=80, deadline=None)
def test_concordance_equals_counting_every_pair(seed, n, ties):
    duration, happened, said, weights = drawn(seed, n, ties)
    assert concordance(duration, happened, said) == pytest.approx(
        every_pair(duration, happened, said, np.ones(n)), nan_ok=True, abs=1e-12
    )
    together = concordance(duration, happened, said, weights)
    for at, weight in enumerate(weights):
        slow = every_pair(duration, happened, said, weight)
        assert together[at] == pytest.approx(slow, nan_ok=True, abs=1e-12)
        assert concordance(duration, happened, said, weight) == pytest.approx(slow, nan_ok=True, abs=1e-12)
        twice = np.repeat(np.arange(n), weight.astype(int))
        assert slow == pytest.approx(concordance(duration[twice], happened[twice], said[twice]), nan_ok=True)


def test_concordance_of_many_rows_needs_no_square_of_memory():
    random = np.random.default_rng(1)
    n = 200_000
    risk = random.normal(size=n)
    duration = random.exponential(np.exp(-risk))
    found = concordance(duration, np.ones(n, bool), risk)
    # P(E1 e^-a < E2 e^-b | a > b) averaged over two normals
    other = random.normal(size=n)
    assert found == pytest.approx((1 / (1 + np.exp(-np.abs(risk - other)))).mean(), abs=0.005)


def test_with_nobody_censored_brier_and_auc_are_the_plain_ones():
    random = np.random.default_rng(3)
    duration, said = random.exponential(30, 500), random.random(500)
    stayed = duration >= 30
    weights = next(iter(replicates(500, 4, 1)))
    happened = np.ones(500, bool)
    assert brier_at(duration, happened, said, 30) == pytest.approx(((said - stayed) ** 2).mean())
    assert auc_at(duration, happened, said, 30) == pytest.approx(auc(stayed, said))
    assert auc_at(duration, happened, said, 30, weights) == pytest.approx(auc(stayed, said, weights))
    assert brier_at(duration, happened, said, 30, weights)[2] == pytest.approx(
        brier_at(duration, happened, said, 30, weights[2])
    )
    assert calibration_at(duration, happened, said, 30) == pytest.approx(said.mean() - stayed.mean())


def slow_weights(duration, happened, day):
    """Kaplan-Meier of the censoring, by its definition: events of a day leave before the censored of that day."""

    def watched(until):
        chance = 1.0
        for time in sorted({d for d, e in zip(duration, happened, strict=True) if not e and d < until}):
            lost = sum(1 for d, e in zip(duration, happened, strict=True) if d == time and not e)
            risk = sum(1 for d, e in zip(duration, happened, strict=True) if d > time or (d == time and not e))
            chance *= 1 - lost / risk
        return chance

    return [
        1 / watched(d) if e and d < day else (1 / watched(day) if d >= day else 0.0)
        for d, e in zip(duration, happened, strict=True)
    ]


@given(st.integers(0, 10_000), st.integers(2, 30))
@settings(max_examples=40, deadline=None)
def test_censoring_weights_follow_their_definition(seed, n):
    duration, happened, _, _ = drawn(seed, n)
    for day in (5.0, 12.0, 20.0):
        _, found = censored_weights(duration, happened, day)
        if (duration >= day).any():
            assert found == pytest.approx(slow_weights(duration, happened, day))


def test_censoring_at_random_does_not_bend_the_brier_score():
    random = np.random.default_rng(5)
    n = 60_000
    pace = random.gamma(2, 0.02, n)
    duration, watch = random.exponential(1 / pace), random.exponential(60, n)
    said = np.exp(-pace[:, None] * np.array([15.0, 30.0]))
    seen, happened = np.minimum(duration, watch), duration <= watch
    for at, day in enumerate((15.0, 30.0)):
        whole = brier_at(duration, np.ones(n, bool), said[:, at], day)
        assert brier_at(seen, happened, said[:, at], day) == pytest.approx(whole, abs=0.004)
        assert calibration_at(seen, happened, said[:, at], day) == pytest.approx(0, abs=0.008)
        assert ece_at(seen, happened, said[:, at], day) < 0.02
        for row in calibration_by_tenth(seen, happened, said[:, at], day):
            assert row["said"] == pytest.approx(row["happened"], abs=0.03)
    days = np.array([15.0, 30.0])
    assert integrated_brier(seen, happened, said, days) == pytest.approx(
        integrated_brier(duration, np.ones(n, bool), said, days), abs=0.004
    )


def test_days_that_nobody_was_watched_to_are_not_numbers():
    duration, happened = np.array([5.0, 10.0]), np.array([True, False])
    said = np.array([0.5, 0.5])
    for metric in (brier_at, auc_at, calibration_at, ece_at):
        assert np.isnan(metric(duration, happened, said, 30.0))
    assert calibration_by_tenth(duration, happened, said, 30.0) == []
    nothing = np.array([])
    assert np.isnan(concordance(nothing, np.array([], bool), nothing))
    assert np.isnan(concordance(duration, np.array([False, False]), said))


def test_an_event_on_the_day_itself_is_survived_to_it():
    alive, _ = censored_weights(np.array([30.0, 29.999]), np.array([True, True]), 30.0)
    assert alive.tolist() == [True, False]


def test_d_calibration_finds_true_curves_and_false_ones():
    random = np.random.default_rng(7)
    n = 20_000
    pace = random.gamma(2, 0.02, n)
    duration, watch = random.exponential(1 / pace), random.uniform(5, 90, n)
    seen, happened = np.minimum(duration, watch), duration <= watch
    shares, distance = d_calibration(happened, np.exp(-pace * seen))
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.01)
    assert distance < 25
    assert d_calibration(happened, np.exp(-1.3 * pace * seen))[1] > 200
    assert shares.sum() == pytest.approx(1)
