"""The mean outcome of each arm, with one contribution per row, so that comparisons of any kind follow by subtraction.

Where all customers of a campaign had the same chances, the mean of an arm is the mean of its rows, corrected by what they
did before (CUPED; theta pooled over the arms of a campaign). Where chances differ, it is the augmented inverse
propensity weighted mean (Robins, Rotnitzky & Zhao 1994, JASA 89) with cross-fitted linear outcome models. A customer
who was in several campaigns is one draw: contributions are added by customer before they are squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.trials import BEFORE, Trial
from holdfast.metrics.off_policy import effective_n

Floats = NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class ArmMean:
    """Estimated mean of an outcome had everybody drawn this arm; `influence`: one per row of the trial, sums to 0."""

    mean: float
    influence: Floats
    n: int
    method: str

    def minus(self, other: ArmMean) -> ArmMean:
        return ArmMean(self.mean - other.mean, self.influence - other.influence, self.n + other.n, self.method)

    def times(self, factor: float) -> ArmMean:
        return ArmMean(self.mean * factor, self.influence * factor, self.n, self.method)

    def plus(self, other: ArmMean) -> ArmMean:
        return ArmMean(self.mean + other.mean, self.influence + other.influence, max(self.n, other.n), self.method)

    def over(self, other: ArmMean) -> ArmMean:
        """Ratio of two means, by the delta method; NaN over 0."""
        if other.mean == 0:
            return ArmMean(float("nan"), np.full_like(self.influence, np.nan), self.n, self.method)
        share = self.mean / other.mean
        return ArmMean(share, (self.influence - share * other.influence) / other.mean, self.n, self.method)

    def se(self, who: NDArray[np.int64]) -> float:
        """Standard error, rows of one customer together."""
        each = np.bincount(who, self.influence) if len(who) else self.influence
        return float(np.sqrt((each * each).sum()))


def equal_chances(trial: Trial) -> bool:
    """Whether within each campaign every row had the same chances."""
    for campaign in np.unique(trial.campaign):
        p = trial.propensities[trial.campaign == campaign]
        if np.isnan(p).any() or np.ptp(p, axis=0).max() > 1e-6:
            return False
    return True


def comparable(trial: Trial, arm: int, control: int = 0) -> Trial:
    """The rows that could have drawn either arm, of campaigns in which both arms have two rows: others say nothing about
    their difference."""
    p = trial.propensities
    rows = trial.take((p[:, arm] > 0) & (p[:, control] > 0))
    size = max(len(rows.campaigns), 1)
    counts = [np.bincount(rows.campaign[rows.arm == one], minlength=size) for one in (arm, control)]
    return rows.take((np.minimum(*counts) >= 2)[rows.campaign])


def effective_customers(trial: Trial, arm: int, control: int = 0) -> tuple[float, float]:
    """How many customers the arm, and the control, are worth to `means_of`: all of them where chances are equal, fewer
    where a few of the control stand for many (Kish)."""
    n, m = (float(len(np.unique(trial.who[trial.arm == one]))) for one in (arm, control))
    if equal_chances(trial):
        return n, m
    rest, p = trial.arm == control, trial.propensities
    return n, min(m, effective_n(p[rest, arm] / p[rest, control]))


def means_of(
    trial: Trial, arm: int, control: int, values: Floats, covariates: Sequence[str] = BEFORE
) -> tuple[ArmMean, ArmMean]:
    """The mean of `values` with the arm and without it. With equal chances: of everybody. Else: of those who drew the arm,
    since a plan picks for whom it works; without it they are stood for by the control, weighted by p(arm) / p(control)
    and corrected by a model of the control's outcomes (the augmented effect on the treated, chances known).
    """
    if equal_chances(trial):
        return arm_mean(trial, arm, values, covariates), arm_mean(trial, control, values, covariates)
    drew, rest, p = trial.arm == arm, trial.arm == control, trial.propensities
    n = int(drew.sum())
    if n < 2 or int(rest.sum()) < 2 * FOLDS or np.isnan(p).any():
        nothing = ArmMean(float("nan"), np.full(len(trial), np.nan), n, "aipw")
        return nothing, nothing
    x = np.column_stack([trial.covariate(one) for one in covariates]) if covariates else np.empty((len(trial), 0))
    said = cross_fitted(values, x, rest, trial.who % FOLDS)
    there = float(values[drew].mean())
    each = np.where(drew, said, 0.0) + np.where(rest, p[:, arm] / p[:, control] * (values - said), 0.0)
    without = float(each.sum() / n)
    return (
        ArmMean(there, np.where(drew, values - there, 0.0) / n, n, "aipw"),
        ArmMean(without, (each - np.where(drew, without, 0.0)) / n, int(rest.sum()), "aipw"),
    )


def arm_mean(trial: Trial, arm: int, values: Floats, covariates: Sequence[str] = BEFORE) -> ArmMean:
    """The mean of `values` (one per row of the trial, every arm) had everybody drawn `arm`."""
    x = np.column_stack([trial.covariate(one) for one in covariates]) if covariates else np.empty((len(trial), 0))
    return _by_design(trial, arm, values, x) if equal_chances(trial) else _weighted(trial, arm, values, x)


def _by_design(trial: Trial, arm: int, values: Floats, x: Floats) -> ArmMean:
    """Campaign by campaign, weighted by its rows."""
    total, influence = 0.0, np.zeros(len(trial))
    counted = 0
    for campaign in np.unique(trial.campaign):
        mine = trial.campaign == campaign
        drew = mine & (trial.arm == arm)
        n, share = int(drew.sum()), float(mine.mean())
        if n < 2:
            return ArmMean(float("nan"), np.full(len(trial), np.nan), n, "difference")
        adjusted = values - _explained(values, x, trial.arm, mine)
        mean = float(adjusted[drew].mean())
        total += share * mean
        influence[drew] = share * (adjusted[drew] - mean) / n * np.sqrt(n / (n - 1))
        counted += n
    return ArmMean(total, influence, counted, "cuped" if x.shape[1] else "difference")


def _explained(values: Floats, x: Floats, arms: NDArray[np.int64], mine: NDArray[np.bool_]) -> Floats:
    """theta x (x - mean of x) over the campaign's rows; theta from deviations within arms, all arms together."""
    out = np.zeros(len(values))
    if not x.shape[1]:
        return out
    inner, cross = np.zeros((x.shape[1], x.shape[1])), np.zeros(x.shape[1])
    for arm in np.unique(arms[mine]):
        drew = mine & (arms == arm)
        dx, dy = x[drew] - x[drew].mean(axis=0), values[drew] - values[drew].mean()
        inner, cross = inner + dx.T @ dx, cross + dx.T @ dy
    theta = np.linalg.lstsq(inner, cross, rcond=1e-10)[0]
    out[mine] = (x[mine] - x[mine].mean(axis=0)) @ theta
    return out


def _weighted(trial: Trial, arm: int, values: Floats, x: Floats) -> ArmMean:
    """AIPW: what a linear model says of everybody, and what those who drew the arm say against it, by their chances."""
    n, drew = len(trial), trial.arm == arm
    p = trial.propensities[:, arm]
    if np.isnan(p).any() or not (p > 0).all() or int(drew.sum()) < 2 * FOLDS:
        return ArmMean(float("nan"), np.full(n, np.nan), int(drew.sum()), "aipw")
    said = cross_fitted(values, x, drew, trial.who % FOLDS)
    each = said + np.where(drew, (values - said) / p, 0.0)
    mean = float(each.mean())
    return ArmMean(mean, (each - mean) / n, int(drew.sum()), "aipw")


def cross_fitted(
    values: Floats, x: Floats, drew: NDArray[np.bool_], fold: NDArray[np.int64], ridge: float = 1.0
) -> Floats:
    """A ridge regression of the rows that drew the arm, asked about each fold it did not see."""
    design = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)])
    penalty = ridge * np.eye(design.shape[1])
    penalty[0, 0] = 1e-9
    said = np.zeros(len(values))
    for one in range(FOLDS):
        seen = drew & (fold != one)
        if seen.any():
            beta = np.linalg.solve(design[seen].T @ design[seen] + penalty, design[seen].T @ values[seen])
            said[fold == one] = design[fold == one] @ beta
    return said


def inverse_propensity(values: Floats, drew: NDArray[np.bool_], p: Floats) -> ArmMean:
    """Horvitz-Thompson with weights made to add to 1 (Hajek): no outcome model at all.

    >>> inverse_propensity(np.array([1.0, 3.0]), np.array([True, True]), np.array([0.5, 0.5])).mean
    2.0
    """
    w = np.where(drew, 1.0 / p, 0.0)
    mean = float((w * np.where(drew, values, 0.0)).sum() / w.sum())
    return ArmMean(mean, w * (np.where(drew, values, 0.0) - mean) / w.sum(), int(drew.sum()), "ipw")
