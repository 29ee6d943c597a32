"""Every model on every split: predictions for rows that the model has not seen, corrected by other rows' outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.baseline import OneColumn
from holdfast.app.table.encode import ONE_INSTANT, Encoder
from holdfast.app.table.folds import Split
from holdfast.app.table.table import Table
from holdfast.core.clock import Horizon
from holdfast.core.errors import HoldfastError
from holdfast.core.models import MODELS, Fitted
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Key, Outcomes
from holdfast.metrics.probability import log_loss
from holdfast.models.calibration import Calibrator, Evidence, fit_calibrator, possible

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
#: A table has no horizon; predictions carry one, so this stands for "whenever the label speaks of".
NO_HORIZON = Horizon.parse("1d")
#: Simplest first; on equal mean log loss the earlier is kept.
CORRECTIONS = ("none", "platt", "beta", "isotonic")
#: More training rows than this are sampled for each fit.
MOST_ROWS = 100_000


def candidates(seed: int, threads: int = 1) -> dict[str, Any]:
    """The models that compete, simplest first: a later one must beat the earlier one for certain."""
    found: dict[str, Any] = {
        "base_rate": MODELS["base_rate"](half_life_days=0.0),  # type: ignore[call-arg]
        "one_column": OneColumn(seed=seed),
        "logistic": MODELS["logistic"](l2=3.0, half_life_days=0.0),  # type: ignore[call-arg]
    }
    same: dict[str, Any] = {"half_life_days": 0.0, "seed": seed}
    forest = {"min_rows_in_leaf": 10, "column_share": 0.2}
    small = {"rounds": 150, "leaves": 8, "min_rows_in_leaf": 40, "column_share": 0.5, "threads": threads}
    large = {**small, "rounds": 600, "leaves": 31, "learning_rate": 0.05, "min_rows_in_leaf": 10, "l2": 1.0}
    found["random_forest"] = MODELS["random_forest"](**forest, **same)
    found["lightgbm"] = MODELS["lightgbm"](**small, **same)
    found["lightgbm_large"] = MODELS["lightgbm"](**large, **same)
    return found


@dataclass(frozen=True)
class Unseen:
    """Predictions of one model for rows it had not seen: (repeats x rows of the table), NaN where never tested."""

    name: str
    raw: Floats = field(repr=False)
    said: Floats = field(repr=False)
    correction: str
    fits: Mapping[int, tuple[Encoder, Fitted]] = field(repr=False)  # of the first repeat, by fold


def outcomes_of(table: Table, rows: Codes) -> Outcomes:
    """The labels of some rows in the shape that models learn from."""
    happened = table.label.happened[rows]
    key = Key.of([table.ids[at] for at in rows], ONE_INSTANT)
    ones = np.ones(len(rows))
    none = np.zeros(len(rows), np.int64)
    return Outcomes(key, NO_HORIZON, happened, (~happened).astype(np.int64), none, ones, happened)


def teach(table: Table, model: Any, rows: Codes, seed: int) -> tuple[Encoder, Fitted]:
    """Learn encoder and model from these rows, at most `MOST_ROWS` of them."""
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng([seed, 23]).choice(rows, MOST_ROWS, replace=False))
    encoder = Encoder.learn(table.features, rows)
    return encoder, model.fit(encoder.apply(table.features, table.ids, rows), outcomes_of(table, rows))


def features_for(table: Table, encoder: Encoder, rows: Codes) -> FeatureTable:
    return encoder.apply(table.features, table.ids, rows)


def unseen(
    table: Table, models: Mapping[str, Any], splits: Sequence[Split], seed: int, progress: Progress = SILENT
) -> dict[str, Unseen]:
    """Fit every model on every split and correct what it said by the other folds."""
    repeats = 1 + max(one.repeat for one in splits)
    raw = {name: np.full((repeats, table.rows), np.nan) for name in models}
    fits: dict[str, dict[int, tuple[Encoder, Fitted]]] = {name: {} for name in models}
    done, total = 0, len(models) * len(splits)
    for split in splits:
        for name, model in models.items():
            progress.step("learn", done, total)
            encoder, fitted = teach(table, model, split.train, seed)
            raw[name][split.repeat, split.test] = fitted.predict(features_for(table, encoder, split.test)).p_churn
            if split.repeat == 0:
                fits[name][split.fold] = (encoder, fitted)
            done += 1
    progress.step("learn", total, total)
    fold = np.full((repeats, table.rows), -1, np.int64)
    for split in splits:
        fold[split.repeat, split.test] = split.fold
    return {name: _corrected(name, raw[name], fold, table.label.happened, fits[name]) for name in models}


def _corrected(name: str, raw: Floats, fold: Codes, happened: NDArray[np.bool_], fits: Any) -> Unseen:
    """The correction that did best where it was learnt from other folds than it was applied to."""
    if name == "base_rate":  # parts of one rate each would rank rows by part, against their own outcomes
        flat = np.where(np.isnan(raw), np.nan, np.nanmean(raw, axis=1, keepdims=True))
        return Unseen(name, flat, flat, "none", fits)
    tried: dict[str, Floats] = {"none": raw}
    for kind in CORRECTIONS[1:]:
        made = _crossed(kind, raw, fold, happened)
        if made is not None:
            tried[kind] = made
    tested = fold >= 0
    truth = np.broadcast_to(happened, raw.shape)[tested]
    best = min(tried, key=lambda kind: round(float(log_loss(truth, tried[kind][tested])), 6))
    return Unseen(name, raw, tried[best], best, fits)


def _crossed(kind: str, raw: Floats, fold: Codes, happened: NDArray[np.bool_]) -> Floats | None:
    """Each fold corrected by what the other folds of the same repeat teach; None where they are too few."""
    made = np.full_like(raw, np.nan)
    for repeat in range(len(raw)):
        for one in np.unique(fold[repeat][fold[repeat] >= 0]):
            test, others = fold[repeat] == one, (fold[repeat] >= 0) & (fold[repeat] != one)
            evidence = Evidence(raw[repeat, others], happened[others], fold[repeat, others])
            calibrator = _fitted(kind, evidence)
            if calibrator is None:
                return None
            made[repeat, test] = calibrator.apply(raw[repeat, test])
    return made


def final_calibrator(found: Unseen, fold: Codes, happened: NDArray[np.bool_]) -> Calibrator:
    """The correction for rows to come, learnt from all unseen predictions of the first repeat."""
    tested = fold >= 0
    evidence = Evidence(found.raw[0, tested], happened[tested], fold[tested])
    return _fitted(found.correction, evidence) or Calibrator("none")


def _fitted(kind: str, evidence: Evidence) -> Calibrator | None:
    """A correction; None where there is too little to learn it from, or the kinds are told apart without a fault:
    then no finite correction is the best one.
    """
    if not possible(kind, evidence):
        return None
    try:
        return fit_calibrator(kind, evidence)
    except HoldfastError:
        return None
