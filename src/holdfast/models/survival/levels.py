"""The level of each stretch of a curve, corrected on the hazard by what happened in slices that had closed.

A curve's stretches are (0, 7], (7, 14], (14, 30], (30, 60], (60, 90], (90, 180]. Each has one factor on its hazard,
learnt from slices old enough to show the whole stretch, from customers who had not ordered before it. Factors are
positive, so corrected curves still fall from day to day and cannot cross.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff, Duration
from holdfast.models.calibration import shrunken_shift
from holdfast.models.survival.periods import RELEASE_DAYS

Floats = NDArray[np.float64]
#: No slice may claim that hazards are off by more than this factor (log).
_FARTHEST = 1.5
#: A slice tells of a stretch where at least so many of its customers had not ordered before it.
_LEAST_ROWS = 30


@dataclass(frozen=True)
class Said:
    """Out-of-slice, out-of-customer cumulative hazards (rows x release days) and what happened, row by row."""

    cumulative: Floats
    duration: Floats
    happened: NDArray[np.bool_]
    cutoff: NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """The correction of the stretch that ends at `day`: `shift` is added to its log hazard.

    `slices` closed slices were old enough, the newest at `newest` (None: there was none, and shift is 0).
    """

    day: int
    shift: float
    slices: int
    newest: str | None
    newest_shift: float


def fit_levels(said: Said, cutoff: Cutoff, gap: Duration) -> tuple[Level, ...]:
    """One level for each release day; see `level_of`."""
    edges = (0, *RELEASE_DAYS)
    found = []
    for place, day in enumerate(RELEASE_DAYS):
        closes = said.cutoff + gap.micros + day * DAY_MICROS <= cutoff.micros
        start = np.zeros(len(said.duration)) if place == 0 else said.cumulative[:, place - 1]
        grown = said.cumulative[:, place] - start
        at_risk = closes & np.isfinite(grown) & (grown > 0) & (said.duration >= edges[place])
        ordered = said.happened & (said.duration < day)
        found.append(level_of(day, grown[at_risk], ordered[at_risk], said.cutoff[at_risk], gap))
    return tuple(found)


def level_of(day: int, grown: Floats, ordered: NDArray[np.bool_], cutoff: NDArray[np.int64], gap: Duration) -> Level:
    """The mean shift of the closed slices, and of the newest one's own deviation the part that was seen to last.

    Slices move with season and trade: believing the newest alone made curves worse on real shops (ADR 12). The mean is
    drawn to 0 by its own noise, and whether a slice's deviation lasts until the next forecast is measured.

    >>> at = np.repeat(np.arange(8), 500) * 15 * DAY_MICROS
    >>> ordered = np.random.default_rng(1).random(4000) < 1 - np.exp(-0.4)
    >>> found = level_of(30, np.full(4000, 0.2), ordered, at, Duration.parse("1d"))
    >>> bool(abs(found.shift - np.log(2)) < 0.1), found.slices
    (True, 8)
    """
    shifts, noise, slices = [], [], []
    for one in np.unique(cutoff):
        rows = cutoff == one
        if int(rows.sum()) >= _LEAST_ROWS:
            shift, variance = slice_shift(grown[rows], ordered[rows])
            shifts.append(shift)
            noise.append(variance)
            slices.append(int(one))
    if not slices:
        return Level(day, 0.0, 0, None, 0.0)
    off, variances = np.array(shifts), np.array(noise)
    mean = float(off.mean())
    doubt = float(variances.mean() / len(off) + (off.var(ddof=1) / len(off) if len(off) > 1 else _FARTHEST**2))
    believed = mean * mean**2 / (mean**2 + doubt) if mean else 0.0
    lasting = shrunken_shift(np.array(slices), off - mean, variances, gap.micros + day * DAY_MICROS)
    shift = float(np.clip(believed + lasting, -_FARTHEST, _FARTHEST))
    return Level(day, shift, len(slices), str(Cutoff.from_micros(slices[-1])), shifts[-1])


def slice_shift(grown: Floats, ordered: NDArray[np.bool_]) -> tuple[float, float]:
    """The shift in log hazard that makes one slice right (maximum likelihood), and its variance.

    The prior is one order that came as said, so that a slice without orders moves by a finite step.
    """
    shift, bend = 0.0, 1.0
    for _ in range(50):
        u = np.exp(shift) * grown
        ratio = u / np.expm1(np.clip(u, 1e-12, 500.0))
        slope = float(np.where(ordered, -ratio, u).sum()) + np.exp(shift) - 1.0
        bend = float((u * ratio).sum()) + np.exp(shift)
        step = float(np.clip(slope / bend, -1.0, 1.0))
        shift = float(np.clip(shift - step, -_FARTHEST, _FARTHEST))
        if abs(step) < 1e-10:
            break
    return shift, 1.0 / bend
