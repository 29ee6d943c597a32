"""A linear support vector machine (squared hinge), turned into probabilities by Platt's line; its reasons are exact.

The machine cares about the customers near the border alone. Its score has no unit: the line that makes it log-odds is
learnt from scores of customers that a fit had not seen (Platt 1999), so that the fit is a line in the features again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import HoldfastError
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.core.threads import one_thread
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.linear import LinearFit
from holdfast.models.logit import fit_logit
from holdfast.models.pack import require_rows
from holdfast.models.parts import parts_of
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]


@one_thread
def fit_squared_hinge(X: Floats, happened: NDArray[np.bool_], *, l2: float, weights: Floats | None = None) -> Floats:
    """Intercept and coefficients that minimise sum w max(0, 1 - y score)^2 / 2 + l2/2 |coefficients|^2.

    Newton's method in the primal (Chapelle 2007): only rows inside the margin bend the loss, so a step solves a ridge
    regression on them. The loss is convex and once differentiable; the step is halved until it falls.

    >>> fit_squared_hinge(np.array([[-1.0], [1.0]]), np.array([False, True]), l2=1e-9).round(3).tolist()
    [0.0, 1.0]
    """
    n, width = X.shape
    design = np.column_stack([np.ones(n), X])
    y = np.where(happened, 1.0, -1.0)
    weight = np.ones(n) if weights is None else weights
    penalty = np.r_[1e-3, np.full(width, l2)]

    def loss(beta: Floats) -> float:
        return float(0.5 * weight @ np.maximum(0.0, 1 - y * (design @ beta)) ** 2 + 0.5 * penalty @ (beta * beta))

    beta, before = np.zeros(width + 1), loss(np.zeros(width + 1))
    for _ in range(100):
        inside = y * (design @ beta) < 1
        rows, w = design[inside], weight[inside]
        target = np.linalg.solve((rows * w[:, None]).T @ rows + np.diag(penalty), (rows * w[:, None]).T @ y[inside])
        step, size = target - beta, 1.0
        while size > 1e-8 and loss(beta + size * step) > before + 1e-12 * before:
            size /= 2
        beta = beta + size * step
        after = loss(beta)
        if before - after <= 1e-10 * before:
            return np.asarray(np.round(beta, 10))
        before = after
    raise HoldfastError("the support vector machine did not converge", remedy="raise its l2")


@dataclass(frozen=True)
class LinearSvm:
    """Prepared like `logistic`; `folds` parts of the customers take turns at being unseen, for Platt's line."""

    model_id: ClassVar[str] = "linear_svm"
    l2: float = 300.0
    half_life_days: float = 90.0
    folds: int = 2

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> LinearFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        recipe = Recipe.learn(features, customer_columns(features))
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        X, happened = recipe.apply(features), outcomes.churned
        beta = fit_squared_hinge(X, happened, l2=self.l2, weights=weight)
        score = self._unseen(X, happened, weight, parts_of(features.key.customer_id, self.folds), beta)
        line = fit_logit(score[:, None], happened, l2=1e-3, weights=weight)
        slope = max(0.0, float(line[1]))
        return LinearFit(
            self.model_id, recipe.columns, outcomes.horizon, recipe, float(line[0]) + slope * float(beta[0]),
            slope * beta[1:],
        )  # fmt: skip

    def _unseen(
        self, X: Floats, happened: NDArray[np.bool_], weight: Floats, part: NDArray[np.int64], beta: Floats
    ) -> Floats:
        """Each customer's score by a machine that has not seen it; where nobody else is left, by the one that has."""
        score = beta[0] + X @ beta[1:]
        for one in np.unique(part):
            mine, others = part == one, part != one
            if others.any():
                other = fit_squared_hinge(X[others], happened[others], l2=self.l2, weights=weight[others])
                score[mine] = other[0] + X[mine] @ other[1:]
        return np.asarray(score)


MODELS.add(LinearSvm.model_id, LinearSvm)
FITTED.add(LinearSvm.model_id, LinearFit)
