"""By when we shall know."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest

from holdfast.core.results import Undetermined
from holdfast.decide.known import Known, known_by, known_money_by

LATER: dict[str, Any] = {"every_days": 7, "follow_up_days": 30, "start": date(2026, 1, 1)}


def test_when_we_shall_know() -> None:
    found = known_by(0.6, 0.05, per_campaign=1_000, control_share=0.1, **LATER)
    assert isinstance(found, Known)
    assert found.campaigns == math.ceil(found.customers / 1_000)
    assert (found.day - date(2026, 1, 1)).days == (found.campaigns - 1) * 7 + 30
    sooner = known_by(0.6, 0.1, per_campaign=1_000, control_share=0.1, **LATER)
    assert isinstance(sooner, Known)
    assert sooner.customers < found.customers
    assert found.day.isoformat() in found.sentence.zh
    for nobody in (
        known_by(0.6, 0.0, per_campaign=1_000, control_share=0.1, **LATER),
        known_by(0.6, float("nan"), per_campaign=1_000, control_share=0.1, **LATER),
        known_by(0.6, 0.1, per_campaign=0, control_share=0.1, **LATER),
        known_by(0.6, 0.0001, per_campaign=10, control_share=0.1, **LATER),
        known_money_by(10, -1, per_campaign=10, control_share=0.1, **LATER),
        known_money_by(10, 1, per_campaign=10, control_share=0.0, **LATER),
    ):
        assert isinstance(nobody, Undetermined)


def test_the_sample_size_for_money_has_its_power() -> None:
    """Simulated: with the customers asked for, four tests of five see the difference."""
    found = known_money_by(10, 2, per_campaign=200, control_share=0.3, **LATER)
    assert isinstance(found, Known)
    control = round(found.customers * 0.3)
    treated = found.customers - control
    random = np.random.default_rng(1)
    one = random.normal(0, 10, (4_000, control)).mean(axis=1)
    two = random.normal(2, 10, (4_000, treated)).mean(axis=1)
    z = (two - one) / (10 * math.sqrt(1 / control + 1 / treated))
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.8, abs=0.025)
