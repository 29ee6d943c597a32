"""Why, for a model that cannot say so itself: a small linear model fitted around one customer (LIME).

Parts of the customer's row are swapped for those of training customers, whole families of columns at a time, so that no
swapped row breaks what belongs together. Every mixture is forecast with the same few training customers, from the least
to the most risky, and averaged over them; a ridge regression of these log-odds on "own or swapped", nearer mixtures
counting more, says what each family adds. `fidelity` (weighted R2)
says how much of the model's behaviour around this customer the explanation has caught: below `TRUSTED_FIDELITY`, do not quote it.

Ribeiro, Singh & Guestrin 2016, "Why should I trust you?"; the mixtures follow Lundberg & Lee 2017 (SHAP), who replace
by draws from the data instead of by noise.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.models import Fitted
from holdfast.core.tables import FeatureTable, Predictions
from holdfast.core.threads import one_thread
from holdfast.models.logit import logit

Floats = NDArray[np.float64]
Predict = Callable[[FeatureTable], Floats]
#: Below this share of variance caught, an explanation is not to be quoted.
TRUSTED_FIDELITY = 0.8
_LEAST_BACKGROUND = 10
_PICKED = 32


@dataclass(frozen=True)
class Surrogate:
    """What each part (family or column) of one customer's row adds in log-odds of churn, beside customers at large.

    `baseline` is the log-odds with everything swapped; baseline plus contributions is near the customer's own.
    """

    parts: tuple[str, ...]
    contributions: Floats
    baseline: float
    fidelity: float

    @property
    def trusted(self) -> bool:
        return self.fidelity >= TRUSTED_FIDELITY


def local_surrogate(
    predict: Predict, row: FeatureTable, background: FeatureTable, *, by: Literal["family", "column"] = "family",
    samples: int = 64, width: float = 0.75, l2: float = 0.05, seed: int = 1,
) -> Surrogate:  # fmt: skip
    """Explain `predict` (p_churn of each row) at the one row of `row`; `background` are training rows, same columns.

    `samples` mixtures, each with all of the background rows that `typical_rows` picks (or with all of a short
    background). The mixtures depend on the row's numbers and `seed` alone, so a customer is explained the same way in any batch.
    """
    if len(row) != 1:
        raise UsageError(f"a surrogate explains one row, not {len(row)}")
    if len(background) < _LEAST_BACKGROUND:
        raise TooLittleData(
            f"{len(background)} rows are too few to compare a customer with", remedy="give at least 10 training rows"
        )
    other = background.select(row.names)
    if len(other) > _PICKED:
        other = typical_rows(predict, other)
    names, member = _parts(row, by)
    random = np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(row.values).tobytes())])
    own = _own(random, samples, len(names))
    own[0], own[1] = True, False
    keeps = np.repeat(own @ member > 0, len(other), axis=0)
    mixed = np.where(keeps, row.values, np.tile(other.values, (samples, 1))).astype(np.float32)
    table = FeatureTable(row.key.take(np.zeros(len(mixed), np.int64)), row.columns, mixed)
    said = logit(np.asarray(predict(table), np.float64)).reshape(samples, len(other)).mean(axis=1)
    weight = np.exp(-(((~own).mean(axis=1) / width) ** 2))
    return _ridge(names, own.astype(np.float64), said, weight, l2)


def typical_rows(predict: Predict, background: FeatureTable, count: int = 16) -> FeatureTable:
    """`count` of the background rows, evenly spread from the least to the most risky."""
    order = np.argsort(np.asarray(predict(background), np.float64), kind="stable")
    places = (np.arange(count) + 0.5) / count * len(order)
    return background.take(order[places.astype(np.int64)])


def _parts(row: FeatureTable, by: str) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    if by == "column":
        return row.names, np.eye(len(row.names))
    names = tuple(sorted({one.family for one in row.columns}))
    return names, np.array([[float(one.family == name) for one in row.columns] for name in names])


def _own(random: np.random.Generator, samples: int, parts: int) -> NDArray[np.bool_]:
    """Which parts keep their own value: every number of kept parts, from none to all, is equally likely."""
    kept = random.integers(0, parts + 1, samples)
    order = np.argsort(random.random((samples, parts)), axis=1)
    ranks = np.argsort(order, axis=1)
    return np.asarray(ranks < kept[:, None])


@one_thread
def _ridge(names: tuple[str, ...], own: Floats, said: Floats, weight: Floats, l2: float) -> Surrogate:
    design = np.column_stack([np.ones(len(own)), own])
    penalty = np.full(design.shape[1], l2)
    penalty[0] = 1e-9
    beta = np.linalg.solve(design.T @ (design * weight[:, None]) + np.diag(penalty), design.T @ (weight * said))
    off = said - design @ beta
    middle = said - float(weight @ said / weight.sum())
    spread = float(weight @ middle**2)
    fidelity = 1.0 if spread < 1e-12 else max(0.0, 1.0 - float(weight @ off**2) / spread)
    return Surrogate(names, beta[1:], float(beta[0]), fidelity)


@dataclass(frozen=True)
class Explained:
    """Any fitted model with contributions by local surrogates, so that `reasons` can tell them as sentences.

    A family's contribution is laid on its columns in equal parts: `reasons` adds a family up again. What the surrogate
    misses of a row is laid on all of its columns alike, so that sums give the model's own log-odds.
    """

    fitted: Fitted
    background: FeatureTable
    samples: int = 64
    seed: int = 1

    @property
    def model_id(self) -> str:
        return self.fitted.model_id

    @property
    def columns(self) -> tuple[str, ...]:
        return self.fitted.columns

    @property
    def horizon(self) -> Horizon | None:
        return getattr(self.fitted, "horizon", None)

    def predict(self, features: FeatureTable) -> Predictions:
        return self.fitted.predict(features)

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """(log-odds of the typical training rows, rows x columns in log-odds)."""
        used, other = features.select(self.columns), self._typical
        families = [one.family for one in used.columns]
        count = {name: families.count(name) for name in families}
        base = float(logit(self._p(other)).mean())
        parts = np.zeros((len(used), len(families)))
        for i in range(len(used)):
            found = self._at(used.take(np.array([i])), other)
            told = dict(zip(found.parts, found.contributions, strict=True))
            parts[i] = [told[name] / count[name] for name in families]
        rest = logit(self._p(used)) - base - parts.sum(axis=1)
        return base, parts + rest[:, None] / max(len(families), 1)

    def fidelity(self, features: FeatureTable) -> Floats:
        """How much of the model's behaviour around each row its explanation has caught."""
        used, other = features.select(self.columns), self._typical
        return np.array([self._at(used.take(np.array([i])), other).fidelity for i in range(len(used))])

    def to_bytes(self) -> bytes:
        return self.fitted.to_bytes()

    @cached_property
    def _typical(self) -> FeatureTable:
        other = self.background.select(self.columns)
        return other if len(other) <= _PICKED else typical_rows(self._p, other)

    def _p(self, table: FeatureTable) -> Floats:
        return self.fitted.predict(table).p_churn

    def _at(self, row: FeatureTable, other: FeatureTable) -> Surrogate:
        return local_surrogate(self._p, row, other, samples=self.samples, seed=self.seed)


def family_weights(fitted: Fitted, features: FeatureTable) -> dict[str, float]:
    """Which families of features matter: share of mean absolute contribution, largest first; sums to 1.

    >>> from holdfast.checks.model import world
    >>> from holdfast.core.models import MODELS
    >>> slices = world()
    >>> weights = family_weights(MODELS["rfm_logistic"]().fit(slices.features, slices.outcomes), slices.features)
    >>> round(sum(weights.values()), 6), max(weights, key=weights.get) in ("cadence", "frequency")
    (1.0, True)
    """
    if not fitted.columns or not len(features):
        return {}
    used = features.select(fitted.columns)
    _, parts = fitted.contributions(features)
    names = sorted({one.family for one in used.columns})
    member = np.array([[float(one.family == name) for name in names] for one in used.columns])
    size = np.abs(parts @ member - (parts @ member).mean(axis=0)).mean(axis=0)
    total = float(size.sum())
    pairs = zip(names, (size / total if total > 0 else np.full(len(names), 1 / len(names))), strict=True)
    return {name: float(value) for name, value in sorted(pairs, key=lambda one: -one[1])}
