"""Local surrogates: they find what a black box does around a customer, and say when they do not."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.checks.model import world
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.models import MODELS
from holdfast.models.logit import logit, sigmoid
from holdfast.models.reasons import reasons
from holdfast.models.surrogate import Explained, family_weights, local_surrogate


@pytest.fixture(scope="module")
def slices():
    return world(600, 2)


def linear(table):
    """A black box that is linear in silence and orders and looks at nothing else."""
    silence, orders = (table.column(name).astype(float) for name in ("days_since_last_order", "order_count"))
    return sigmoid(0.02 * silence - 0.35 * orders + 0.8)


def test_it_finds_the_coefficients_of_a_linear_black_box(slices):
    rows = slices.features
    for i in (0, 7, 33):
        row = rows.take(np.array([i]))
        found = local_surrogate(linear, row, rows, by="column", samples=256)
        told = dict(zip(found.parts, found.contributions, strict=True))
        assert found.fidelity > 0.98
        assert found.trusted
        assert max(abs(told[name]) for name in ("rating_mean", "revenue", "T")) < 0.15
        assert found.baseline + found.contributions.sum() == pytest.approx(float(logit(linear(row))[0]), abs=0.25)
        silence = float(row.column("days_since_last_order")[0])
        if abs(silence - 40) > 30:
            assert np.sign(told["days_since_last_order"]) == np.sign(silence - 40)


@pytest.mark.parametrize("model_id", ["lightgbm", "logistic"])
def test_it_agrees_with_exact_contributions_by_family(slices, model_id):
    fitted = MODELS[model_id]().fit(slices.features, slices.outcomes)
    some = slices.features.take(np.arange(0, len(slices), 40))
    used = some.select(fitted.columns)
    families = sorted({one.family for one in used.columns})
    member = np.array([[float(one.family == name) for name in families] for one in used.columns])
    exact = fitted.contributions(some)[1] @ member
    ours = Explained(fitted, slices.features).contributions(some)[1] @ member
    for at, name in enumerate(families):
        if exact[:, at].std() > 0.1:
            assert np.corrcoef(exact[:, at], ours[:, at])[0, 1] > 0.9, name
    assert np.median(Explained(fitted, slices.features).fidelity(some)) > 0.9


def test_explained_contributions_add_up_and_can_be_told(slices):
    fitted = MODELS["lightgbm"]().fit(slices.features, slices.outcomes)
    explained = Explained(fitted, slices.features)
    some = slices.features.take(np.array([1, 5, 9]))
    base, parts = explained.contributions(some)
    assert np.allclose(base + parts.sum(axis=1), logit(explained.predict(some).p_churn))
    assert len(reasons(explained, some)) == 3


def test_the_same_row_is_explained_the_same_way_in_any_batch(slices):
    explained = Explained(MODELS["lightgbm"]().fit(slices.features, slices.outcomes), slices.features)
    whole = explained.contributions(slices.features.take(np.array([2, 4, 8])))[1]
    alone = explained.contributions(slices.features.take(np.array([4])))[1]
    assert np.allclose(whole[1], alone[0], atol=1e-10)


def test_a_black_box_that_hangs_on_the_mix_is_not_trusted(slices):
    """Parity of three families: no sum of parts can say it, and the surrogate says so."""
    looked = ("days_since_last_order", "order_count", "revenue")
    middle = {name: np.median(slices.features.column(name)) for name in looked}

    def parity(table):
        high = sum((table.column(name) > middle[name]).astype(int) for name in looked)
        return np.where(high % 2 == 1, 0.95, 0.05)

    rows = [local_surrogate(parity, slices.features.take(np.array([i])), slices.features) for i in range(20)]
    told = [local_surrogate(linear, slices.features.take(np.array([i])), slices.features) for i in range(20)]
    assert np.mean([one.trusted for one in rows]) < 0.5
    assert all(one.trusted for one in told)
    assert max(one.fidelity for one in rows) < min(one.fidelity for one in told)


def test_a_constant_black_box_has_nothing_to_explain(slices):
    found = local_surrogate(lambda t: np.full(len(t), 0.3), slices.features.take(np.array([0])), slices.features)
    assert np.allclose(found.contributions, 0.0)
    assert found.fidelity == 1.0


def test_missing_and_huge_values_are_explained_and_too_little_is_refused(slices):
    values = slices.features.values.copy()
    values[0, :3] = np.nan
    odd = type(slices.features)(slices.features.key, slices.features.columns, values)
    fitted = MODELS["lightgbm"]().fit(slices.features, slices.outcomes)
    row = odd.take(np.array([0]))
    assert np.isfinite(local_surrogate(lambda t: fitted.predict(t).p_churn, row, odd).contributions).all()
    with pytest.raises(TooLittleData, match="too few"):
        local_surrogate(linear, row, odd.take(np.arange(3)))
    with pytest.raises(UsageError, match="one row"):
        local_surrogate(linear, odd.take(np.arange(2)), odd)


def test_family_weights_are_shares(slices):
    fitted = MODELS["recency"]().fit(slices.features, slices.outcomes)
    assert family_weights(fitted, slices.features) == {"cadence": pytest.approx(1.0)}
    assert family_weights(MODELS["base_rate"]().fit(slices.features, slices.outcomes), slices.features) == {}
