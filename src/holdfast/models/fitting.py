"""Fitting a model on slices whose rows count differently: weights of their own, or how often a resample drew them."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import Fitted, Model
from holdfast.core.tables import Slices


def fit_on(model: Model, slices: Slices) -> Fitted:
    """Fit with the slices' own weights; rows of weight 0 are not learnt from."""
    return fit_counted(model, slices, np.ones(len(slices), np.int64))


def fit_counted(model: Model, slices: Slices, counts: NDArray[np.int64]) -> Fitted:
    """Fit with each row counted so many times, beside its own weight.

    A model that knows no weights gets the rows repeated and loses only those of weight 0.
    """
    own = np.ones(len(slices)) if slices.weights is None else slices.weights
    if not (counts * own > 0).any():
        counts, own = np.ones_like(counts), np.ones(len(slices))
    rows = np.flatnonzero(counts * own > 0)
    if "weights" in inspect.signature(model.fit).parameters:
        plain = slices.weights is None and bool((counts[rows] == 1).all())
        kept = slices.take(rows)
        more: dict[str, Any] = {} if plain else {"weights": (counts * own)[rows].astype(np.float64)}
        return model.fit(kept.features, kept.outcomes, **more)
    kept = slices.take(np.repeat(rows, counts[rows]))
    return model.fit(kept.features, kept.outcomes)
