"""Effects of one campaign from moments that add: difference, ratio, CUPED, post-stratified.

Each arm is a `CrossMoments` over its customers' totals in the follow-up (and before it); splitting or joining batches of
customers changes nothing. Cohorts are days of *enrolment*: by the day of an outcome one would count half-open follow-ups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.results import Undetermined
from holdfast.core.trials import Trial
from holdfast.metrics.moments import CrossMoments

__all__ = ["Estimate", "cuped", "difference", "pooled", "ratio", "relative", "stratified", "tabulate"]

Floats = NDArray[np.float64]
Cells = Mapping[tuple[str, int], CrossMoments]


@dataclass(frozen=True)
class Estimate:
    """An estimate and its standard error; customers in all, and in the control."""

    value: float
    se: float
    n: int
    n_control: int
    method: str


def tabulate(
    trial: Trial, outcomes: Sequence[str], covariates: Sequence[str] = ()
) -> dict[tuple[str, int], CrossMoments]:
    """Moments by (arm, enrolment day) of closed rows; columns: the outcomes, then the covariates. Money in units.

    The tables of two batches of customers join by `joined`. Raises `UsageError` on rows whose follow-up is open.
    """
    if not trial.closed.all():
        raise UsageError("only closed follow-ups may be measured", remedy="pass trial.finished")
    columns = [trial.outcome(one) for one in outcomes] + [trial.covariate(one) for one in covariates]
    values = np.column_stack(columns) if columns else np.empty((len(trial), 0))
    order = np.lexsort((trial.cohort, trial.arm))
    pairs, first = np.unique(np.column_stack([trial.arm, trial.cohort])[order], axis=0, return_index=True)
    ends = [*first[1:].tolist(), len(order)][: len(first)]
    return {
        (trial.arms[int(arm)], int(day)): CrossMoments.of(values[order[start:stop]])
        for (arm, day), start, stop in zip(pairs.tolist(), first.tolist(), ends, strict=True)
    }


def joined(*tables: Cells) -> dict[tuple[str, int], CrossMoments]:
    """The cells of several batches, added."""
    out: dict[tuple[str, int], CrossMoments] = {}
    for table in tables:
        for key, cell in table.items():
            out[key] = out[key] + cell if key in out else cell
    return dict(sorted(out.items()))


def pooled(cells: Cells, arm: str) -> CrossMoments:
    """One arm over all its cohorts."""
    mine = [cell for (name, _), cell in sorted(cells.items()) if name == arm]
    if not mine:
        raise UsageError(f"no customer of arm {arm!r}", remedy=f"arms: {', '.join(sorted({a for a, _ in cells}))}")
    total = mine[0]
    for cell in mine[1:]:
        total = total + cell
    return total


def difference(treated: CrossMoments, control: CrossMoments, column: int = 0) -> Estimate:
    """Mean of the treated less mean of the control, variances apart (Welch).

    >>> found = difference(CrossMoments.of([[2.0], [4.0]]), CrossMoments.of([[1.0], [1.0]]))
    >>> found.value, found.se
    (2.0, 1.0)
    """
    value = float(treated.mean[column] - control.mean[column])
    spread = treated.covariance[column, column] / treated.n + control.covariance[column, column] / control.n
    return _estimate(value, float(spread), treated, control, "difference")


def relative(treated: CrossMoments, control: CrossMoments, column: int = 0) -> Estimate:
    """Mean of the treated over mean of the control, less 1; delta method. NaN where the control's mean is 0."""
    top, low = treated.mean[column], control.mean[column]
    if low == 0:
        return _estimate(float("nan"), float("nan"), treated, control, "relative")
    share = float(top / low)
    spread = (
        treated.covariance[column, column] / treated.n + share**2 * control.covariance[column, column] / control.n
    ) / low**2
    return _estimate(share - 1, float(spread), treated, control, "relative")


def ratio(treated: CrossMoments, control: CrossMoments, column: int = 0, per: int = 1) -> Estimate:
    """Difference of ratios of sums, such as revenue per order: customers are drawn, orders are not; delta method
    (Deng, Knoblich & Lu 2018, KDD).

    >>> found = ratio(CrossMoments.of([[6.0, 2.0], [2.0, 2.0]]), CrossMoments.of([[2.0, 2.0], [1.0, 1.0]]))
    >>> found.value
    1.0
    """
    value, spread = 0.0, 0.0
    for sign, arm in ((1.0, treated), (-1.0, control)):
        if arm.mean[per] == 0:
            return _estimate(float("nan"), float("nan"), treated, control, "ratio")
        share = arm.mean[column] / arm.mean[per]
        c = arm.covariance
        value += sign * share
        spread += (c[column, column] - 2 * share * c[column, per] + share**2 * c[per, per]) / arm.mean[per] ** 2 / arm.n
    return _estimate(float(value), float(spread), treated, control, "ratio")


def cuped(
    treated: CrossMoments, control: CrossMoments, covariates: Sequence[int], column: int = 0,
    others: Sequence[CrossMoments] = (),
) -> Estimate:  # fmt: skip
    """Difference, less what the covariates before the assignment explain (Deng, Xu, Kohavi & Walker 2013, WSDM).

    theta is pooled over all arms (`others`: those not compared), so it knows nothing of the effect. With one covariate
    of correlation r the variance falls by the factor 1 - r^2.
    """
    at = list(covariates)
    arms = [treated, control, *others]
    inner = np.sum([arm.scatter[np.ix_(at, at)] for arm in arms], axis=0)
    cross = np.sum([arm.scatter[at, column] for arm in arms], axis=0)
    theta = np.linalg.lstsq(inner, cross, rcond=1e-10)[0]
    turn = np.zeros(len(treated.total))
    turn[column], turn[at] = 1.0, -theta
    value = float(turn @ (treated.mean - control.mean))
    spread = sum(float(turn @ arm.covariance @ turn) / arm.n for arm in (treated, control))
    return _estimate(value, spread, treated, control, "cuped")


def stratified(
    treated: Mapping[int, CrossMoments], control: Mapping[int, CrossMoments], column: int = 0
) -> Estimate | Undetermined:
    """Post-stratified: differences within strata, weighted by the strata's shares of both arms together.

    `Undetermined` where a stratum has fewer than two customers in an arm (Miratrix, Sekhon & Yu 2013, JRSS B).
    """
    strata = sorted({*treated, *control})
    if any(min(treated[s].n if s in treated else 0, control[s].n if s in control else 0) < 2 for s in strata):
        return Undetermined("a stratum has fewer than two customers in an arm; use fewer strata")
    n = sum(treated[s].n + control[s].n for s in strata)
    value, spread = 0.0, 0.0
    for s in strata:
        share, found = (treated[s].n + control[s].n) / n, difference(treated[s], control[s], column)
        value, spread = value + share * found.value, spread + share**2 * found.se**2
    size = int(sum(control[s].n for s in strata))
    return Estimate(value, float(np.sqrt(spread)), int(n), size, "stratified")


def _estimate(value: float, spread: float, treated: CrossMoments, control: CrossMoments, method: str) -> Estimate:
    return Estimate(value, float(np.sqrt(spread)), int(treated.n + control.n), int(control.n), method)
