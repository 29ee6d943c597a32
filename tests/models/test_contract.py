"""Every registered model keeps the public contract, and the contract catches those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from holdfast.checks.model import CHECKS, check_model, check_rows_stand_alone
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import Predictions
from holdfast.models.base_rate import BaseRate, BaseRateFit


@pytest.mark.parametrize("model_id", list(MODELS))
@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_contract(model_id, check):
    check(MODELS[model_id]())


def test_every_model_can_be_read_back():
    assert set(MODELS) <= set(FITTED)
    assert set(MODELS) >= {"base_rate", "recency", "own_gap", "rfm_logistic", "logistic", "lightgbm"}


@dataclass(frozen=True)
class Cheat:
    """Says of each row how it compares with the others: depends on them."""

    model_id: ClassVar[str] = "base_rate"

    def fit(self, features: Any, outcomes: Any, *, sequences: Any = None, assignments: Any = None) -> Any:
        class Fit(BaseRateFit):
            def predict(self, features: Any) -> Predictions:
                ranks = np.argsort(np.argsort(features.values[:, 0])) / max(1, len(features))
                return Predictions(features.key, outcomes.horizon, "base_rate", ranks)

        return Fit("base_rate", (), outcomes.horizon, 0.5)


def test_the_contract_catches_a_model_that_looks_at_other_rows():
    check_model(BaseRate())
    with pytest.raises(AssertionError, match="other rows"):
        check_rows_stand_alone(Cheat())
