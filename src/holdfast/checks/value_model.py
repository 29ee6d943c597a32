# ruff: noqa: S101 - these checks say what is broken by failing an assertion, as any test does
"""What every value model must keep to; run it on your own: `check_value_model(MyValueModel())`.

The checks make a small world of their own, so they need no data. Each raises `AssertionError` with what was broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace

import numpy as np

from holdfast.checks.model import world
from holdfast.core.errors import UsageError
from holdfast.core.tables import FeatureColumn, FeatureTable, Outcomes, Slices
from holdfast.core.text import Text
from holdfast.models.clv.registry import ValueFitted, ValueModel, spend_of


def spenders(customers: int = 400, slices: int = 3, seed: int = 1) -> Slices:
    """The contract world with money: spend of those who order follows their past spend, with a heavy tail."""
    from holdfast.models.clv.purchase import COLUMN

    plain = world(customers, slices, seed)
    random = np.random.default_rng([seed, 5])
    n = len(plain)
    past = plain.features.column("revenue_180d").astype(np.float64)
    spend = np.where(plain.outcomes.churned, 0.0, past * random.lognormal(-0.5, 0.8, n))
    extra = np.column_stack([past * 0.5, np.where(random.random(n) < 0.1, np.nan, past * 0.4)]).astype(np.float32)
    columns = (_column("revenue_30d", "money"), _column(COLUMN, "btyd"))
    features = plain.features.joined(FeatureTable(plain.features.key, columns, extra))
    return Slices(features, replace(plain.outcomes, revenue=np.rint(spend * 10_000).astype(np.int64)))


def _column(name: str, family: str) -> FeatureColumn:
    return FeatureColumn(name, "currency", "", "none", family, Text(f"{name} {{value}}", f"{name} {{value}}"))


def check_value_model(model: ValueModel) -> None:
    """Run every check; silent when the model keeps to all of them."""
    for one in CHECKS:
        one(model)


def check_is_configuration(model: ValueModel) -> None:
    """A model is a frozen dataclass: two of the same settings are equal."""
    assert is_dataclass(model), f"{type(model).__name__} is not a dataclass"
    assert type(model).__dataclass_params__.frozen, "the dataclass is not frozen"
    assert replace(model) == model, "a copy with the same settings is not equal"


def check_says_money(model: ValueModel) -> None:
    """One finite amount of at least 0 for each row, under the model's own id, and not the same for everybody."""
    slices = spenders()
    fitted = _fit(model, slices)
    said = fitted.predict(slices.features)
    _sane(said, len(slices))
    assert fitted.model_id == model.model_id
    assert fitted.horizon == slices.outcomes.horizon
    assert said.std() > 0, "everybody is forecast alike"


def check_is_deterministic(model: ValueModel) -> None:
    """Fitted twice on the same rows, it is the same to the byte."""
    first, second = (_fit(model, spenders()) for _ in range(2))
    assert first.to_bytes() == second.to_bytes(), "two fits on the same rows differ"


def check_saves(model: ValueModel) -> None:
    """Read back from bytes it says the same, to the bit; the bytes name no customer and are no pickle."""
    slices = spenders()
    fitted = _fit(model, slices)
    data = fitted.to_bytes()
    again = type(fitted).from_bytes(data)
    assert np.array_equal(again.predict(slices.features), fitted.predict(slices.features)), "a loaded fit differs"
    assert again.to_bytes() == data, "saving again gives other bytes"
    assert not data.startswith(b"\x80"), "the bytes are a pickle"
    assert b"c00001" not in data, "the bytes hold a customer id"


def check_rows_stand_alone(model: ValueModel) -> None:
    """A row's forecast depends on no other row and on no order of rows; a table without rows is answered."""
    slices = spenders()
    fitted = _fit(model, slices)
    whole = fitted.predict(slices.features)
    order = np.random.default_rng(2).permutation(len(slices))
    assert np.allclose(fitted.predict(slices.features.take(order)), whole[order], rtol=1e-9), "row order matters"
    assert np.allclose(fitted.predict(slices.features.take(np.array([7]))), whole[7], rtol=1e-9), "other rows matter"
    assert len(fitted.predict(slices.features.take(np.zeros(0, np.int64)))) == 0


def check_refuses_other_columns(model: ValueModel) -> None:
    """A table that lacks a column it was fitted on is refused, not guessed at."""
    slices = spenders()
    fitted = _fit(model, slices)
    for lost in fitted.columns:
        rest = slices.features.select([name for name in slices.features.names if name != lost])
        try:
            fitted.predict(rest)
        except UsageError:
            continue
        raise AssertionError(f"forecast without the column {lost!r} it was fitted on")


def check_survives_thin_data(model: ValueModel) -> None:
    """No spend at all, one row, one spender, a column missing everywhere: an amount, and 0 where nobody spent."""
    slices = spenders(60, 1)
    nothing = replace(slices.outcomes, revenue=np.zeros(len(slices), np.int64))
    said = model.fit(slices.features, nothing).predict(slices.features)
    _sane(said, len(slices))
    if model.model_id not in ("carry_forward", "btyd_gamma_gamma"):  # these repeat the past, whatever came of it
        assert (said == 0).all(), "somebody is forecast to spend where nobody ever did"
    for rows in ([0], [int(np.argmax(slices.outcomes.revenue))]):
        one = slices.take(np.array(rows))
        _sane(model.fit(one.features, one.outcomes).predict(slices.features), len(slices))
    values = slices.features.values.copy()
    values[:, 0] = np.nan
    empty = replace(slices.features, values=values)
    _sane(model.fit(empty, slices.outcomes).predict(empty), len(slices))


def check_survives_huge_values(model: ValueModel) -> None:
    """One customer spends a billion, another has infinite features: amounts stay finite and below three times that."""
    slices = spenders()
    revenue = slices.outcomes.revenue.copy()
    revenue[3] = 10**13
    values = slices.features.values.copy()
    values[5], values[6] = np.inf, 1e30
    odd = replace(slices.features, values=values)
    outcomes: Outcomes = replace(slices.outcomes, revenue=revenue)
    said = model.fit(odd, outcomes).predict(odd)
    _sane(said, len(slices))
    if model.model_id != "carry_forward":
        assert said.max() <= 3.0 * spend_of(outcomes).max() * 1.001, "a forecast lies beyond anything ever spent"


def check_refuses_impossible_money(model: ValueModel) -> None:
    """Negative revenue is no spend: refused, not learnt."""
    slices = spenders(50, 1)
    wrong = replace(slices.outcomes, revenue=slices.outcomes.revenue - 10_000_000)
    if model.model_id == "carry_forward":
        return  # it reads no outcome
    try:
        model.fit(slices.features, wrong)
    except UsageError:
        return
    raise AssertionError("negative spend was learnt from")


def _fit(model: ValueModel, slices: Slices) -> ValueFitted:
    return model.fit(slices.features, slices.outcomes)


def _sane(said: np.ndarray, rows: int) -> None:
    assert said.shape == (rows,), "not one amount for each row"
    assert np.isfinite(said).all(), "an amount is no number"
    assert (said >= 0).all(), "an amount is negative"


CHECKS: tuple[Callable[[ValueModel], None], ...] = (
    check_is_configuration,
    check_says_money,
    check_is_deterministic,
    check_saves,
    check_rows_stand_alone,
    check_refuses_other_columns,
    check_survives_thin_data,
    check_survives_huge_values,
    check_refuses_impossible_money,
)
