"""What the shop's own foundation model adds over the features: the same models with and without its columns, paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.errors import TooLittleData
from holdfast.core.models import Model
from holdfast.core.tables import FeatureTable, Slices
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.forecast import gain
from holdfast.metrics.probability import log_loss
from holdfast.metrics.ranking import auc
from holdfast.models.fitting import fit_on
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.models.sequence import Sequence as OwnForecast
from holdfast.models.sequence import SequenceFeatures, as_features

Floats = NDArray[np.float64]
#: Model without the encoder's columns -> its name with them.
WITH = {"logistic": "sequence_features", "lightgbm": "sequence_lightgbm"}
_METRICS = {"auc": auc, "log_loss": log_loss}


def with_and_without(pairs: Sequence[tuple[Slices, Slices]]) -> dict[str, dict[Cutoff, Floats]]:
    """p_churn of each model at each test cutoff, given (what may train, what is tested) with the encoder's columns.

    Models: `logistic` and `lightgbm` on the features; `sequence` alone; both with the columns (`WITH`).
    """
    said: dict[str, dict[Cutoff, Floats]] = {}
    for train, test in pairs:
        (cutoff,) = test.cutoffs
        wide, wide_test = _wide(train), as_features(test.features)
        tried: list[tuple[str, Model, Slices, FeatureTable]] = [
            ("logistic", Logistic(), train, test.features),
            ("lightgbm", LightGbm(), train, test.features),
            ("sequence", OwnForecast(), train, test.features),
            ("sequence_features", SequenceFeatures(), train, test.features),
            ("sequence_lightgbm", LightGbm(), wide, wide_test),
        ]
        for name, model, learn, ask in tried:
            said.setdefault(name, {})[cutoff] = fit_on(model, learn).predict(ask).p_churn
    return said


def _wide(slices: Slices) -> Slices:
    return Slices(as_features(slices.features), slices.outcomes, slices.weights)


def what_it_adds(
    pairs: Sequence[tuple[Slices, Slices]], said: Mapping[str, Mapping[Cutoff, Floats]] | None = None, *,
    count: int = 400, seed: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Paired gain (positive is better, 95% interval, mean over the test cutoffs) of each model with the columns.

    `adds` says whether the interval of an AUC gain lies above zero for any of them.
    """
    if not pairs:
        raise TooLittleData("no test cutoff to judge the sequence model at", remedy="import a longer history")
    found = with_and_without(pairs) if said is None else said
    tests = [test for _, test in pairs]
    codes, customers = customer_codes([one.features.key.customer_id for one in tests])
    weights = np.concatenate(list(replicates(customers, count, seed)))
    rows: list[dict[str, Any]] = []
    for over, name in WITH.items():
        for metric, measure in _METRICS.items():
            points, draws = [], []
            for test, code in zip(tests, codes, strict=True):
                (cutoff,), happened = test.cutoffs, test.outcomes.churned
                ours, theirs = found[name][cutoff], found[over][cutoff]
                points.append(gain(metric, measure(happened, ours), measure(happened, theirs)))
                draws.append(
                    gain(
                        metric, measure(happened, ours, weights=weights[:, code]),
                        measure(happened, theirs, weights=weights[:, code]),
                    )
                )  # fmt: skip
            low, high = interval(np.mean(draws, axis=0))
            value = float(np.mean(points))
            rows.append({"model": name, "over": over, "metric": metric, "gain": value, "low": low, "high": high})
    adds = any(row["metric"] == "auc" and row["low"] is not None and row["low"] > 0 for row in rows)
    return {"adds": adds, "test_cutoffs": len(tests), "gains": rows}
