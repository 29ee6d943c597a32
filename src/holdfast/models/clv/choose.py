"""Which value model is published: the one of least deviance on closed slices, the level of each slice left out.

Nobody knows the coming season's level, and a model must not win by having been lucky with one. So each slice's
forecasts are scaled to what the slice spent before they are judged: what is left is who, and how much more than others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import Slices
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.models.clv.registry import spend_of
from holdfast.models.columns import slice_weights

Floats = NDArray[np.float64]
_POWER = 1.5
_MEAN = "value_mean"


@dataclass(frozen=True)
class Rival:
    """One model beside the chosen one: its mean level-free deviance, and how much the chosen one gains (95%)."""

    model: str
    deviance: float
    gain: float
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def choose(
    said: Mapping[str, Floats],
    train: Slices,
    *,
    half_life_days: float = 90.0,
    replicates_count: int = 300,
    seed: int = 1,
) -> tuple[str, list[Rival]]:
    """The chosen model's id, and every model beside it.

    The mean of models (`value_mean`) is taken where it competes, unless a single model is surely better: an average
    is rarely the best by much and hardly ever bad (Clemen 1989). Without it, the least deviance wins.

    `said` holds forecasts of the rows of `train` by models that had not seen the customer (`rolling.crossed`).
    """
    spend, weight = spend_of(train.outcomes), slice_weights(train.features.key.cutoff, half_life_days)
    losses = {name: level_free(spend, one, train.features.key.cutoff) for name, one in said.items()}
    means = {name: float(loss @ weight / weight.sum()) for name, loss in losses.items()}
    best = min(means, key=lambda name: means[name])
    (codes,), customers = customer_codes([train.features.key.customer_id])

    def gained(ours: str, theirs: str) -> tuple[float | None, float | None]:
        if ours == theirs:
            return 0.0, 0.0
        return interval(
            _draws((losses[theirs] - losses[ours]) * weight, weight, codes, customers, replicates_count, seed)
        )

    chosen = best
    if _MEAN in losses:
        low, _ = gained(best, _MEAN)
        chosen = best if low is not None and low > 0 else _MEAN
    return chosen, [Rival(name, means[name], means[name] - means[chosen], *gained(chosen, name)) for name in losses]


def level_free(spend: Floats, said: Floats, cutoff: NDArray[np.int64]) -> Floats:
    """Tweedie deviance of each row after each slice's forecasts are scaled to its spend."""
    slices, where = np.unique(cutoff, return_inverse=True)
    told, spent = np.bincount(where, said), np.bincount(where, spend)
    scale = np.divide(spent, told, out=np.ones(len(slices)), where=(told > 0) & (spent > 0))
    m = np.maximum(said * scale[where], max(1e-3 * float(spend.mean()), 1e-9))
    own = -(spend ** (2 - _POWER)) / ((_POWER - 1) * (2 - _POWER))
    each = 2 * (own + spend * m ** (1 - _POWER) / (_POWER - 1) + m ** (2 - _POWER) / (2 - _POWER))
    return np.asarray(np.maximum(each, 0.0))


def _draws(
    gains: Floats, weight: Floats, codes: Sequence[int] | NDArray[np.int64], customers: int, count: int, seed: int
) -> Floats:
    """Bootstrap replicates of a weighted mean over rows, customers resampled."""
    top = np.bincount(codes, gains, minlength=customers)
    bottom = np.bincount(codes, weight, minlength=customers)
    parts = [(w @ top) / np.maximum(w @ bottom, 1e-300) for w in replicates(customers, count, seed)]
    return np.concatenate(parts) if parts else np.zeros(0)
