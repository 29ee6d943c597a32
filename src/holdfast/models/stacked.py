"""An ensemble whose shares are learnt from predictions that no member could have known the answer to.

The shares minimise the log loss of the mixed log-odds, are never negative (a member is not believed backwards: Breiman
1996), and are held towards equal shares: with few closed cutoffs equal shares are hard to beat. Each cutoff gets a
level of its own while learning, so that a season does not pass for skill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import Slices
from holdfast.core.threads import one_thread
from holdfast.models.calibration import Evidence
from holdfast.models.ensemble import Ensemble, EnsembleFit
from holdfast.models.fitting import fit_on
from holdfast.models.logit import logit, sigmoid
from holdfast.models.parts import parts_of

Floats = NDArray[np.float64]
_LEAST_ROWS = 200


@dataclass(frozen=True)
class Stacked(Ensemble):
    """`l2` holds each share towards the equal one, in units of log loss summed over rows."""

    model_id: ClassVar[str] = "stacked"
    l2: float = 200.0
    folds: int = 2

    def settled(self, evidence: Sequence[Evidence]) -> Stacked:
        """Shares learnt from closed cutoffs; equal ones where there are none."""
        if (
            not evidence
            or len(evidence[0]) < _LEAST_ROWS
            or evidence[0].happened.all()
            or not evidence[0].happened.any()
        ):
            return replace(self, shares=self.equal())
        rows = np.column_stack([logit(one.said) for one in evidence])
        shares = stack(rows, evidence[0].happened, evidence[0].cutoff, l2=self.l2)
        return replace(self, shares=tuple(float(one) for one in shares))

    def alone(self, slices: Slices) -> Stacked:
        """Shares from predictions for customers that a fit has not seen, where no earlier cutoffs were predicted."""
        named = replace(self, members=self.named().members)
        part = parts_of(slices.features.key.customer_id, self.folds)
        if len(np.unique(part)) < 2:
            return replace(named, shares=named.equal())
        said = [np.empty(len(slices)) for _ in named.members]
        for one in np.unique(part):
            mine, others = slices.take(part == one), slices.take(part != one)
            for place, (_, model) in enumerate(named.members):
                said[place][part == one] = fit_on(model, others).predict(mine.features).p_churn
        happened, cutoff = slices.outcomes.churned, slices.features.key.cutoff
        counts = np.ones(len(slices), bool) if slices.weights is None else slices.weights > 0
        return named.settled([Evidence(one[counts], happened[counts], cutoff[counts]) for one in said])


@one_thread
def stack(rows: Floats, happened: NDArray[np.bool_], cutoff: NDArray[np.int64], *, l2: float) -> Floats:
    """Non-negative shares of the columns of log-odds `rows`, held towards equal ones, with a free level by cutoff.

    >>> score = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 40)
    >>> truth = np.random.default_rng(1).random(200) < sigmoid(score)
    >>> bool(np.subtract(*stack(np.column_stack([score, -score]), truth, np.zeros(200, np.int64), l2=1.0)) > 0.5)
    True
    """
    from scipy.optimize import minimize

    width = rows.shape[1]
    slices, where = np.unique(cutoff, return_inverse=True)
    equal, y = np.full(width, 1.0 / width), happened.astype(np.float64)

    def loss(free: Floats) -> tuple[float, Floats]:
        shares, level = free[:width], free[width:]
        score = rows @ shares + level[where]
        value = (np.logaddexp(0.0, score) - y * score).sum() + 0.5 * l2 * ((shares - equal) ** 2).sum()
        off = sigmoid(score) - y
        pull = np.bincount(where, off, minlength=len(slices)) + 1e-3 * level
        return float(value + 0.5e-3 * (level**2).sum()), np.r_[rows.T @ off + l2 * (shares - equal), pull]

    start = np.r_[equal, np.zeros(len(slices))]
    bounds = [(0.0, None)] * width + [(None, None)] * len(slices)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-12})
    return np.asarray(np.round(found.x[:width], 6))


MODELS.add(Stacked.model_id, Stacked)
FITTED.add(Stacked.model_id, EnsembleFit)
