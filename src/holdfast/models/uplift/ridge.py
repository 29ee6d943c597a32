"""Ridge regression by normal equations, its penalty chosen by generalised cross-validation (Golub, Heath & Wahba 1979)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.models.uplift.regressor import Flat, Floats, Regressor

if TYPE_CHECKING:
    from holdfast.models.uplift.experiment import Experiment

#: Penalties tried, as a share of the number of rows; the last all but flattens the line.
PENALTIES = np.array([1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0])
#: How far beyond what it learnt from a column may carry the line, in standard deviations.
FURTHEST = 6.0


@dataclass(frozen=True, eq=False)
class Line:
    """A straight line through standardised columns; what is missing counts as the mean."""

    mean: Floats
    scale: Floats
    weight: Floats
    level: float

    def predict(self, X: Floats) -> Floats:
        return np.asarray(standardised(X, self.mean, self.scale) @ self.weight + self.level, np.float64)

    def plain(self) -> dict[str, Any]:
        return {
            "kind": "line", "mean": self.mean.tolist(), "scale": self.scale.tolist(),
            "weight": self.weight.tolist(), "level": self.level,
        }  # fmt: skip

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Line:
        mean, scale, weight = (np.asarray(saved[one], np.float64) for one in ("mean", "scale", "weight"))
        return cls(mean, scale, weight, float(saved["level"]))


@dataclass(frozen=True)
class Ridge:
    """Fits a `Line`."""

    def fit(self, experiment: Experiment, rows: NDArray[np.int64], target: Floats) -> Regressor:
        mean, scale = experiment.centre
        weight, level = solve(experiment.standard[rows], target)
        return Line(mean, scale, weight, level)

    def fit_with_arms(self, experiment: Experiment) -> tuple[Regressor, ...]:
        """Columns, arms and their products: without the products the effect would be the same for all."""
        mean, scale = experiment.centre
        Z, given = experiment.standard, np.eye(experiment.arms)[experiment.arm][:, 1:]
        products = [Z * given[:, [one]] for one in range(given.shape[1])]
        # an arm's own level is large beside its products, so that it is hardly penalised
        weight, level = solve(np.hstack([Z, *products, 10.0 * given]), experiment.outcome)
        columns = Z.shape[1]
        main, levels = weight[:columns], np.append(0.0, 10.0 * weight[columns * experiment.arms :])
        own = np.vstack(
            [np.zeros(columns), weight[columns : columns * experiment.arms].reshape(experiment.arms - 1, columns)]
        )
        return tuple(Line(mean, scale, main + own[one], level + levels[one]) for one in range(experiment.arms))


def centre_of(X: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; a constant column gets the scale 1, an empty one the mean 0."""
    known = np.where(np.isfinite(X), X, np.nan)
    empty = np.isnan(known).all(axis=0)
    known = np.where(empty, 0.0, known)
    mean, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    return mean, np.where(scale > 1e-12, scale, 1.0)


def standardised(X: Floats, mean: Floats, scale: Floats) -> Floats:
    """Columns of mean 0 and scale 1; missing is 0; outliers are held."""
    return np.clip(np.where(np.isfinite(X), (X - mean) / scale, 0.0), -FURTHEST, FURTHEST)


def solve(Z: Floats, y: Floats) -> tuple[Floats, float]:
    """(weights, level) of the ridge line with the least generalised cross-validation error.

    >>> weights, level = solve(np.array([[-1.0], [0.0], [1.0]] * 50), np.array([1.0, 2.0, 3.0] * 50))
    >>> bool(abs(weights[0] - 1) < 0.01), round(level, 6)
    (True, 2.0)
    """
    n, level = len(y), float(y.mean()) if len(y) else 0.0
    if n < 3 or not Z.shape[1]:
        return np.zeros(Z.shape[1]), level
    middle = Z.mean(axis=0)
    cross = Z.T @ Z - n * np.outer(middle, middle)
    strength, axes = np.linalg.eigh(cross)
    strength = np.maximum(strength, 0.0)
    along = axes.T @ (Z.T @ y - n * middle * level)
    penalty = (PENALTIES * n)[:, None]
    left = float(((y - level) ** 2).sum()) - (along**2 * (strength + 2 * penalty) / (strength + penalty) ** 2).sum(1)
    freedom = 1.0 + (strength / (strength + penalty)).sum(axis=1)
    error = np.where(freedom < n, left / np.maximum(1 - freedom / n, 1e-9) ** 2, np.inf)
    best = penalty[int(np.argmin(error))]
    weights = axes @ (along / (strength + best))
    return weights, level - float(middle @ weights)


__all__ = ["Flat", "Line", "Ridge", "centre_of", "solve", "standardised"]
