"""Is the experiment sound? Arm sizes, covariates before the assignment, and who got what they should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.trials import BEFORE, Trial
from holdfast.measure.arms import means_of
from holdfast.metrics.confidence_sequence import ratio_p_value

Floats = NDArray[np.float64]
#: A difference of so many standard deviations before the assignment is worth a word.
LARGE_GAP = 0.1


@dataclass(frozen=True)
class Ratio:
    """Arm sizes beside those that the logged chances promise. `p_value`: chi-square, one look. `p_any_time`: holds at
    every look (equal chances only; None else)."""

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float
    p_any_time: float | None
    alarm: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "counts": list(self.counts), "expected": list(self.expected), "p_value": self.p_value,
            "p_any_time": self.p_any_time, "alarm": self.alarm,
        }  # fmt: skip


def sample_ratio(arm: NDArray[np.int64], propensities: Floats, alarm: float = 0.001) -> Ratio | None:
    """Whether the arms are as large as their chances say; None where chances were not logged.

    Chances may differ from row to row: the statistic is z' V^- z for z = counts - sum of chances, whose covariance V is
    the sum of the rows' own; with equal chances this is Pearson's chi-square. The alarm goes by the any-time value
    where there is one. Fabijan et al. (2019), "Diagnosing sample ratio mismatch", KDD.

    >>> sample_ratio(np.repeat([0, 1], [500, 500]), np.full((1000, 2), 0.5)).alarm
    False
    >>> sample_ratio(np.repeat([0, 1], [600, 400]), np.full((1000, 2), 0.5)).alarm
    True
    """
    from scipy.stats import chi2

    if not len(arm) or np.isnan(propensities).any():
        return None
    counts = np.bincount(arm, minlength=propensities.shape[1]).astype(np.float64)
    expected = propensities.sum(axis=0)
    spread = np.diag(expected) - propensities.T @ propensities
    z, free = counts - expected, int(np.linalg.matrix_rank(spread, tol=1e-6 * max(1.0, expected.max())))
    possible = bool((counts[expected <= 0] == 0).all())
    stat = float(z @ np.linalg.pinv(spread, rcond=1e-9) @ z)
    p = float(chi2.sf(stat, free)) if free else 1.0
    p = p if possible else 0.0
    same = float(np.ptp(propensities, axis=0).max()) < 1e-9
    ever = ratio_p_value(counts, propensities[0]) if same else None
    return Ratio(
        tuple(int(one) for one in counts), tuple(float(one) for one in expected), p, ever,
        (p if ever is None else ever) < alarm,
    )  # fmt: skip


def balance(trial: Trial, arm: int, control: int = 0) -> list[dict[str, Any]]:
    """Each covariate before the assignment: standardised difference between two arms, with its p-value (one look).

    Weighted by inverse chances where they differ; rows of one customer count together.
    Worth a word beyond 0.1 standard deviations if p is under 0.01.
    """
    from scipy.stats import norm

    found = []
    for name in BEFORE:
        x = trial.covariate(name)
        top, low = means_of(trial, arm, control, x, ())
        gap = top.minus(low)
        sd, se = float(x.std()), gap.se(trial.who)
        if not np.isfinite(gap.mean) or not sd or not se:
            continue
        p_value = float(2 * norm.sf(abs(gap.mean) / se))
        off = abs(gap.mean) / sd > LARGE_GAP and p_value < 0.01
        found.append({"covariate": name, "gap": gap.mean / sd, "p_value": p_value, "alarm": bool(off)})
    return found


def contamination(trial: Trial) -> dict[str, Any]:
    """How many rows got another arm's treatment within the follow-up, or any although assigned nothing, by arm."""
    rows = {}
    for at, name in enumerate(trial.arms):
        mine = trial.arm == at
        if mine.any():
            rows[name] = {"n": int(mine.sum()), "contaminated": int(trial.contaminated[mine].sum())}
    n = len(trial)
    return {"share": float(trial.contaminated.mean()) if n else 0.0, "arms": rows}
