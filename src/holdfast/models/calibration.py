"""Correcting probabilities by what happened: none, Platt, beta, isotonic, a shrunken or a seasonal intercept.

A calibrator learns from predictions of models that saw neither the slice nor the customer, at cutoffs whose label
windows have closed. With under two seasons the level of the next slice is not identifiable: the shrunken intercept
believes an average shift only as far as the slices agree on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.models.logit import fit_logit, logit, sigmoid

Floats = NDArray[np.float64]
#: Simplest first: on equal mean log loss the earlier one is kept.
KINDS = ("none", "shrunken_intercept", "platt", "beta", "isotonic", "seasonal")
_YEAR_MICROS = 365.25 * 86_400e6
#: What each kind needs: slices, rows, years between the first and the last slice.
_NEEDS: dict[str, tuple[int, int, float]] = {
    "none": (0, 0, 0.0), "shrunken_intercept": (3, 100, 0.0), "platt": (2, 200, 0.0), "beta": (2, 1000, 0.0),
    "isotonic": (2, 2000, 0.0), "seasonal": (8, 1000, 1.5),
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """Out-of-time predictions and what happened: the rows a calibrator may learn from."""

    said: Floats
    happened: NDArray[np.bool_]
    cutoff: NDArray[np.int64]  # microseconds UTC of each row's slice
    lag: int = 0  # gap + horizon in microseconds: how old the newest closed slice is when it is used

    def __len__(self) -> int:
        return len(self.said)

    @property
    def slices(self) -> NDArray[np.int64]:
        return np.unique(self.cutoff)

    def shifts(self) -> tuple[Floats, Floats]:
        """For each slice the intercept (log-odds) that would have made it right on average, and its variance.

        The variance counts rows as independent within a slice; shifts of overlapping slices are not.
        """
        found = [_shift(self.said[at], self.happened[at]) for at in (self.cutoff == one for one in self.slices)]
        return np.array([one[0] for one in found]), np.array([one[1] for one in found])


@dataclass(frozen=True)
class Calibrator:
    """A fitted correction: its kind and a few numbers.

    >>> Calibrator("none").apply(np.array([0.25])).tolist()
    [0.25]
    """

    kind: str
    numbers: Mapping[str, tuple[float, ...]] | None = None

    def apply(self, said: Floats, cutoff: NDArray[np.int64] | int = 0) -> Floats:
        """Corrected probabilities; `cutoff` (microseconds) matters to the seasonal intercept alone."""
        p = np.asarray(said, np.float64)
        known = self.numbers or {}
        if self.kind == "none":
            return p
        if self.kind == "shrunken_intercept":
            return sigmoid(logit(p) + known["shift"][0])
        if self.kind == "seasonal":
            return sigmoid(logit(p) + _season(cutoff) @ np.array(known["season"]))
        if self.kind == "platt":
            return sigmoid(known["line"][0] + known["line"][1] * logit(p))
        if self.kind == "beta":
            return sigmoid(_beta_rows(p) @ np.array(known["line"][1:]) + known["line"][0])
        return np.asarray(np.interp(p, known["at"], known["to"]))

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "numbers": {k: list(v) for k, v in (self.numbers or {}).items()}}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Calibrator:
        return cls(saved["kind"], {k: tuple(v) for k, v in saved["numbers"].items()})


def possible(kind: str, evidence: Evidence) -> bool:
    """Whether there is enough evidence to fit this kind at all."""
    if kind not in _NEEDS:
        raise UsageError(f"unknown calibration {kind!r}", remedy=f"one of: {', '.join(KINDS)}")
    slices, rows, years = _NEEDS[kind]
    span = float(evidence.slices[-1] - evidence.slices[0]) / _YEAR_MICROS if len(evidence) else 0.0
    both = kind == "none" or (len(evidence) > 0 and 0 < int(evidence.happened.sum()) < len(evidence))
    return both and len(evidence.slices) >= slices and len(evidence) >= rows and span >= years


def fit_calibrator(kind: str, evidence: Evidence) -> Calibrator:
    """Learn one kind of correction; raises TooLittleData where `possible` says no."""
    if not possible(kind, evidence):
        raise TooLittleData(
            f"calibration {kind!r} needs more than {len(evidence.slices)} slices with {len(evidence)} rows",
            remedy="use 'none' until more label windows have closed",
        )
    if kind == "none":
        return Calibrator("none")
    if kind == "shrunken_intercept":
        return Calibrator(kind, {"shift": (shrunken_shift(evidence.slices, *evidence.shifts(), evidence.lag),)})
    if kind == "seasonal":
        return Calibrator(kind, {"season": _fit_season(evidence)})
    if kind == "platt":
        line = fit_logit(logit(evidence.said)[:, None], evidence.happened, l2=0.0)
        return Calibrator(kind, {"line": (float(line[0]), max(0.0, float(line[1])))})
    if kind == "beta":
        return Calibrator(kind, {"line": _fit_beta(evidence)})
    return Calibrator(kind, _fit_isotonic(evidence))


def shrunken_shift(slices: NDArray[np.int64], shifts: Floats, variances: Floats, lag: int) -> float:
    """The newest slice's shift, as far as shifts were seen to last from one closed slice to the next judged one.

    Shifts wander with the season and with trade. Regressing each slice's shift on that of the newest slice that had
    closed `lag` microseconds before it tells what share lasts; sampling noise and few pairs pull the share to 0.

    >>> round(shrunken_shift(np.arange(6), np.full(6, -0.3), np.full(6, 0.002), 1), 2)
    -0.3
    >>> shrunken_shift(np.arange(6), np.array([0.3, -0.3, 0.3, -0.3, 0.3, -0.3]), np.full(6, 0.002), 1)
    0.0
    """
    newest = np.searchsorted(slices, slices - lag, side="right") - 1
    pairs = np.flatnonzero(newest >= 0)
    before, after = shifts[newest[pairs]], shifts[pairs]
    noise = float(variances.mean())
    lasting = float(before @ after) / (float(before @ before) + 2 * noise + 1e-9)
    return float(np.clip(lasting, 0.0, 1.0) * shifts[-1]) + 0.0


def between_slices(shifts: Floats, variances: Floats) -> float:
    """Variance between slices beyond sampling noise, around their mean (DerSimonian & Laird 1986, equal weights)."""
    if len(shifts) < 2:
        return 0.0
    return max(0.0, float(shifts.var(ddof=1)) - float(variances.mean()))


def _shift(said: Floats, happened: NDArray[np.bool_]) -> tuple[float, float]:
    offset = logit(said)
    found = fit_logit(np.zeros((len(said), 0)), happened, l2=0.0, offset=offset)
    p = sigmoid(offset + found[0])
    return float(found[0]), 1.0 / max(1e-9, float((p * (1 - p)).sum()))


def _beta_rows(p: Floats) -> Floats:
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    return np.column_stack([np.log(inside), -np.log1p(-inside)])


def _fit_beta(evidence: Evidence) -> tuple[float, ...]:
    """Beta calibration (Kull et al. 2017); a negative slope is set to 0 and the rest refitted."""
    rows = _beta_rows(evidence.said)
    line = fit_logit(rows, evidence.happened, l2=1e-6)
    for bad, good in ((1, 2), (2, 1)):
        if line[bad] < 0:
            again = fit_logit(rows[:, [good - 1]], evidence.happened, l2=1e-6)
            line = np.zeros(3)
            line[0], line[good] = again[0], max(0.0, again[1])
    return tuple(float(one) for one in line)


def _fit_isotonic(evidence: Evidence) -> dict[str, tuple[float, ...]]:
    """Monotone steps joined by lines; each step keeps one pseudo-churner and one stayer, so never 0 or 1."""
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(evidence.said, kind="stable")
    fitted = IsotonicRegression(out_of_bounds="clip").fit(evidence.said[order], evidence.happened[order])
    level, count = np.unique(fitted.predict(evidence.said[order]), return_counts=True)
    middle = [float(evidence.said[order][fitted.predict(evidence.said[order]) == one].mean()) for one in level]
    safe = (level * count + 1) / (count + 2)
    return {"at": tuple(middle), "to": tuple(float(one) for one in np.maximum.accumulate(safe))}


def _season(cutoff: NDArray[np.int64] | int) -> Floats:
    """Constant and first harmonic of the time of year."""
    angle = 2 * np.pi * np.atleast_1d(np.asarray(cutoff, np.float64)) / _YEAR_MICROS
    return np.column_stack([np.ones_like(angle), np.cos(angle), np.sin(angle)])


def _fit_season(evidence: Evidence) -> tuple[float, ...]:
    """Weighted ridge regression of slice shifts on the season; the ridge is the slices' own disagreement."""
    shifts, variances = evidence.shifts()
    rows = _season(evidence.slices)
    weight = 1.0 / (variances + between_slices(shifts, variances) / 4 + 1e-6)
    ridge = np.diag([1.0, 4.0, 4.0])
    solved = np.linalg.solve(rows.T @ (rows * weight[:, None]) + ridge, rows.T @ (weight * shifts))
    return tuple(float(one) for one in solved)
