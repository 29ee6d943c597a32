"""Every registered value model keeps the public contract, and the contract catches those that do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from holdfast.checks.value_model import CHECKS, check_rows_stand_alone, check_says_money, spenders
from holdfast.core.errors import UsageError
from holdfast.models.clv.carry_forward import CarryForward, CarryForwardFit
from holdfast.models.clv.registry import VALUE_FITTED, VALUE_MODELS
from holdfast.models.clv.settings import ValueSettings, value_models


@pytest.mark.parametrize("model_id", list(VALUE_MODELS))
@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_contract(model_id, check):
    check(VALUE_MODELS[model_id]())


def test_every_value_model_can_be_read_back_and_competes():
    assert set(VALUE_MODELS) == set(VALUE_FITTED) == set(value_models(ValueSettings()))
    assert set(VALUE_MODELS) >= {
        "carry_forward",
        "tweedie",
        "two_part_gamma",
        "two_part_lognormal",
        "ziln",
        "value_mean",
    }


class _Shares(CarryForwardFit):
    def predict(self, features):
        return super().predict(features) / max(len(features), 1)


class _Negative(CarryForwardFit):
    def predict(self, features):
        return -super().predict(features)


@dataclass(frozen=True)
class Cheat:
    """A model whose fit is wrong in a way of our choosing."""

    fit_class: type
    model_id: ClassVar[str] = "carry_forward"

    def fit(self, features, outcomes, *, weights=None):
        good = CarryForward().fit(features, outcomes)
        return self.fit_class(good.model_id, good.columns, good.horizon, good.factor)


def test_the_contract_catches_what_it_should():
    with pytest.raises(AssertionError, match="other rows"):
        check_rows_stand_alone(Cheat(_Shares))
    with pytest.raises(AssertionError, match="negative"):
        check_says_money(Cheat(_Negative))


def test_weights_of_zero_are_not_learnt_from():
    slices = spenders()
    keep = np.arange(len(slices)) % 3 != 0
    wild = replace(slices.outcomes, revenue=np.where(keep, slices.outcomes.revenue, 10**11))
    for name in ("tweedie", "two_part_gamma", "two_part_lognormal", "ziln"):
        fitted = VALUE_MODELS[name]().fit(slices.features, wild, weights=keep.astype(float))
        assert fitted.predict(slices.features).mean() < 50 * slices.outcomes.revenue.mean() / 10_000, name


def test_carry_forward_takes_the_window_nearest_to_the_horizon_and_says_what_it_lacks():
    slices = spenders()
    assert CarryForward().fit(slices.features, slices.outcomes).columns == ("revenue_30d",)
    with pytest.raises(UsageError, match="revenue"):
        CarryForward().fit(slices.features.select(["order_count"]), slices.outcomes)
