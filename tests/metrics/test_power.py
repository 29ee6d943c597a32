"""The power of a holdout test agrees with simulation and knows when to say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from holdfast.core.results import Undetermined
from holdfast.metrics.power import customers_needed, detectable_difference


def test_the_difference_is_found_as_often_as_promised() -> None:
    fall = detectable_difference(0.6, 2000, 500)
    assert not isinstance(fall, Undetermined)
    rng = np.random.default_rng(7)
    control, treated = rng.binomial(500, 0.6, 20_000) / 500, rng.binomial(2000, 0.6 - fall, 20_000) / 2000
    pooled = (500 * control + 2000 * treated) / 2500
    z = (control - treated) / np.sqrt(pooled * (1 - pooled) * (1 / 500 + 1 / 2000))
    assert np.mean(np.abs(z) > norm.ppf(0.975)) == pytest.approx(0.8, abs=0.01)


def test_more_customers_see_smaller_differences() -> None:
    falls = [detectable_difference(0.5, n, n) for n in (100, 1_000, 10_000)]
    assert falls == sorted(falls, reverse=True)  # type: ignore[type-var]


@pytest.mark.parametrize(("rate", "treated", "control"), [(0.0, 10, 10), (1.0, 10, 10), (0.5, 0, 10)])
def test_what_cannot_be_tested_says_so(rate: float, treated: int, control: int) -> None:
    assert isinstance(detectable_difference(rate, treated, control), Undetermined)


def test_needed_and_detectable_agree() -> None:
    total = customers_needed(0.4, 0.03, control_share=0.1)
    assert detectable_difference(0.4, round(total * 0.9), round(total * 0.1)) == pytest.approx(0.03, abs=1e-3)
