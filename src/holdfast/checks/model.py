# ruff: noqa: S101 - these checks say what is broken by failing an assertion, as any test does
"""What every model must keep to; run it on your own: `check_model(MyModel())`.

The checks make a small world of their own, so they need no data. Each raises `AssertionError` with what was broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.errors import UsageError
from holdfast.core.models import Model
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes, Slices
from holdfast.core.text import Text

#: Features of the world below: name, unit, family.
_COLUMNS = (
    ("days_since_last_order", "days", "cadence"),
    ("overdue_ratio", "ratio", "cadence"),
    ("T", "days", "cadence"),
    ("order_count", "orders", "frequency"),
    ("order_count_180d", "orders", "frequency"),
    ("revenue", "currency", "money"),
    ("revenue_180d", "currency", "money"),
    ("btyd_p_no_order", "probability", "btyd"),
    ("nbd_p_no_order", "probability", "btyd"),
    ("bg_nbd_p_no_order", "probability", "btyd"),
    ("mbg_nbd_p_no_order", "probability", "btyd"),
    ("pareto_nbd_p_no_order", "probability", "btyd"),
    ("rating_mean", "stars", "reviews"),
    ("sequence_p_churn", "share", "sequence"),
)


def world(customers: int = 300, slices: int = 3, seed: int = 1, horizon: str = "30d") -> Slices:
    """Customers whose churn depends on silence and orders; some never rate (missing)."""
    random = np.random.default_rng(seed)
    ids = [f"c{i:05d}" for i in range(customers)]
    first = Cutoff.parse("2024-01-01")
    keys = [Key.of(ids, first.plus(Gap.parse(f"{15 * at}d"))) for at in range(slices)]
    key = Key(pa.concat_arrays([one.customer_id for one in keys]), np.concatenate([one.cutoff for one in keys]))
    n = len(key)
    orders = 1.0 + random.poisson(np.tile(random.gamma(1.0, 3.0, customers), slices))
    silence, spend = random.exponential(40.0, n), orders * random.lognormal(3.0, 0.5, n)
    rating = np.where(random.random(n) < 0.5, np.nan, random.integers(1, 6, n))
    p = 1 / (1 + np.exp(-(0.02 * silence - 0.35 * orders + 0.8)))
    learned = [p] * sum(family == "btyd" for _, _, family in _COLUMNS)
    values = np.column_stack([silence, silence / 30, silence + 90, orders, orders, spend, spend, *learned, rating])
    churned = random.random(n) < p
    values = np.column_stack([values, np.clip(p + random.normal(0.0, 0.1, n), 0.01, 0.99)])
    columns = tuple(
        FeatureColumn(n, u, "", "none", f, Text(f"{n} {{value}}", f"{n} {{value}}")) for n, u, f in _COLUMNS
    )
    bought = np.where(churned, 0, 1).astype(np.int64)
    outcomes = Outcomes(
        key, Horizon.parse(horizon), churned, bought, bought * 250_000, np.where(churned, 30.0, 10.0), ~churned
    )  # fmt: skip
    return Slices(FeatureTable(key, columns, values.astype(np.float32)), outcomes)


def check_model(model: Model) -> None:
    """Run every check; silent when the model keeps to all of them."""
    for one in CHECKS:
        one(model)


def check_is_configuration(model: Model) -> None:
    """A model is a frozen dataclass: two of the same settings are equal, and it cannot change."""
    assert is_dataclass(model), f"{type(model).__name__} is not a dataclass"
    assert replace(model) == model, "a copy with the same settings is not equal"
    assert type(model).__dataclass_params__.frozen, "the dataclass is not frozen"


def check_predicts_probabilities(model: Model) -> None:
    """One probability for each row, under the model's own id and the outcomes' horizon."""
    slices = world()
    said = model.fit(slices.features, slices.outcomes).predict(slices.features)
    assert len(said) == len(slices), "not one prediction for each row"
    assert np.isfinite(said.p_churn).all(), "a prediction is not a number"
    assert said.model_id == model.model_id, "predictions carry another model's id"
    assert said.horizon == slices.outcomes.horizon, "predictions carry another horizon"


def check_is_deterministic(model: Model) -> None:
    """Fitted twice on the same rows, it says the same, to the byte."""
    slices = world()
    first, second = (model.fit(slices.features, slices.outcomes) for _ in range(2))
    assert first.to_bytes() == second.to_bytes(), "two fits on the same rows differ"


def check_saves(model: Model) -> None:
    """Read back from bytes it predicts the same, to the bit; the bytes name no customer and are no pickle."""
    slices = world()
    fitted = model.fit(slices.features, slices.outcomes)
    data = fitted.to_bytes()
    again = type(fitted).from_bytes(data)
    assert np.array_equal(again.predict(slices.features).p_churn, fitted.predict(slices.features).p_churn), (
        "a saved and loaded fit predicts differently"
    )
    assert again.to_bytes() == data, "saving again gives other bytes"
    assert not data.startswith(b"\x80"), "the bytes are a pickle"
    assert b"c00001" not in data, "the bytes hold a customer id"


def check_rows_stand_alone(model: Model) -> None:
    """A row's prediction depends on no other row and on no order of rows."""
    slices = world()
    fitted = model.fit(slices.features, slices.outcomes)
    whole = fitted.predict(slices.features).p_churn
    order = np.random.default_rng(2).permutation(len(slices))
    shuffled = fitted.predict(slices.features.take(order)).p_churn
    assert np.allclose(shuffled, whole[order], atol=1e-12, rtol=0), "predictions depend on the order of rows"
    alone = fitted.predict(slices.features.take(np.array([7]))).p_churn
    assert np.allclose(alone, whole[7], atol=1e-12, rtol=0), "a prediction depends on the other rows"


def check_refuses_other_columns(model: Model) -> None:
    """A table that lacks a column it was fitted on is refused, not guessed at."""
    slices = world()
    fitted = model.fit(slices.features, slices.outcomes)
    for lost in fitted.columns:
        rest = slices.features.select([name for name in slices.features.names if name != lost])
        try:
            fitted.predict(rest)
        except UsageError:
            continue
        raise AssertionError(f"predicted without the column {lost!r} it was fitted on")


def check_contributions_add_up(model: Model) -> None:
    """Baseline plus contributions is the log-odds of the prediction."""
    slices = world()
    fitted = model.fit(slices.features, slices.outcomes)
    baseline, parts = fitted.contributions(slices.features)
    assert parts.shape == (len(slices), len(fitted.columns)), "not one contribution for each row and column"
    p = fitted.predict(slices.features).p_churn
    off = np.abs(baseline + parts.sum(axis=1) - np.log(p / (1 - p))).max()
    assert off < 1e-6, f"contributions miss the log-odds by {off:.2g}"


def check_survives_thin_data(model: Model) -> None:
    """One class only, two rows, a column that is missing everywhere: a probability inside (0, 1), no crash."""
    slices = world(customers=40, slices=1)
    outcomes = replace(slices.outcomes, churned=np.ones(len(slices), bool))
    said = model.fit(slices.features, outcomes).predict(slices.features).p_churn
    assert ((said > 0) & (said <= 1)).all(), "with one class only a prediction leaves (0, 1]"
    few = slices.take(np.array([0, 1]))
    assert np.isfinite(model.fit(few.features, few.outcomes).predict(slices.features).p_churn).all()
    values = slices.features.values.copy()
    values[:, -1] = np.nan
    empty = replace(slices.features, values=values)
    assert np.isfinite(model.fit(empty, slices.outcomes).predict(empty).p_churn).all()


CHECKS: tuple[Callable[[Model], None], ...] = (
    check_is_configuration,
    check_predicts_probabilities,
    check_is_deterministic,
    check_saves,
    check_rows_stand_alone,
    check_refuses_other_columns,
    check_contributions_add_up,
    check_survives_thin_data,
)
