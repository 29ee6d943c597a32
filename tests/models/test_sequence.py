"""Models on what an encoder said: the forecast as it is, and the features beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.checks.model import world
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.tables import Slices
from holdfast.models.columns import customer_columns
from holdfast.models.logistic import Logistic
from holdfast.models.sequence import P_CHURN, Sequence, SequenceFeatures, as_features
from holdfast.models.sequence_gain import what_it_adds, with_and_without


def test_the_forecast_is_the_column_as_it_is() -> None:
    slices = world()
    said = Sequence().fit(slices.features, slices.outcomes).predict(slices.features).p_churn
    assert np.allclose(said, slices.features.column(P_CHURN), atol=1e-6)


def test_where_the_encoder_is_silent_the_usual_is_said() -> None:
    slices = world()
    values = slices.features.values.copy()
    values[:10, slices.features.names.index(P_CHURN)] = np.nan
    features = replace(slices.features, values=values)
    fitted = Sequence().fit(features, slices.outcomes)
    said = fitted.predict(features).p_churn
    assert np.allclose(said[:10], 1 / (1 + np.exp(-fitted.usual)))
    values[:] = np.nan
    nothing = replace(slices.features, values=values)
    said = Sequence().fit(nothing, slices.outcomes).predict(nothing).p_churn
    assert np.allclose(said, slices.outcomes.churned.mean(), atol=0.01)


def test_without_its_column_both_say_how_to_get_it() -> None:
    slices = world()
    bare = slices.features.select([name for name in slices.features.names if name != P_CHURN])
    for model in (Sequence(), SequenceFeatures()):
        with pytest.raises(UsageError, match="sequence_columns"):
            model.fit(bare, slices.outcomes)


def test_the_forecast_of_another_horizon_is_refused() -> None:
    slices = world()
    columns = tuple(replace(one, window="90d" if one.name == P_CHURN else "") for one in slices.features.columns)
    with pytest.raises(UsageError, match="90d"):
        Sequence().fit(replace(slices.features, columns=columns), slices.outcomes)


def test_only_those_who_name_learned_columns_read_them() -> None:
    features = world().features
    assert P_CHURN not in customer_columns(features)
    assert P_CHURN in customer_columns(as_features(features))
    fitted = SequenceFeatures().fit(features, world().outcomes)
    assert set(fitted.columns) == {*Logistic().fit(features, world().outcomes).columns, P_CHURN}


def pairs(noise: float) -> list[tuple[Slices, Slices]]:
    slices = world(customers=900, slices=4)
    column = slices.features.names.index(P_CHURN)
    values = slices.features.values.copy()
    random = np.random.default_rng(5)
    truth = slices.outcomes.churned * 0.3 + 0.35  # the encoder knows something the features do not
    values[:, column] = (
        np.clip(truth + random.normal(0, 0.01, len(slices)), 0.01, 0.99) if noise == 0 else random.random(len(slices))
    )
    slices = Slices(replace(slices.features, values=values), slices.outcomes)
    cutoffs = slices.cutoffs
    return [(slices.at(cutoffs[:2]), slices.at([one])) for one in cutoffs[2:]]


def test_what_it_adds_is_paired_and_honest() -> None:
    useful, useless = what_it_adds(pairs(0), count=50), what_it_adds(pairs(1), count=50)
    assert useful["adds"]
    assert useful["test_cutoffs"] == 2
    gains = {(row["over"], row["metric"]): row for row in useful["gains"]}
    assert set(gains) == {(a, b) for a in ("logistic", "lightgbm") for b in ("auc", "log_loss")}
    assert all(row["low"] > 0 for row in gains.values())
    assert not useless["adds"]
    assert all(row["low"] <= row["gain"] <= row["high"] for row in useless["gains"])


def test_no_test_cutoff_is_too_little() -> None:
    with pytest.raises(TooLittleData):
        what_it_adds([])
    assert set(with_and_without(pairs(0)[:1])) == {
        "logistic", "lightgbm", "sequence", "sequence_features", "sequence_lightgbm",
    }  # fmt: skip
