"""The survival curves that a release publishes: the hazard by trees, each stretch at the level of closed slices.

At one cutoff everything is learnt from slices before it, with orders from the cutoff on not seen yet. The levels come
from predictions by models that saw neither the slice nor the customer: slices are dealt into thirds and customers into
halves, and each cell of that board is predicted by a model of the other slices and the other customers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Cutoff, Duration
from holdfast.core.errors import TooLittleData
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Slices
from holdfast.models.fitting import fit_on
from holdfast.models.pack import pack, unpack
from holdfast.models.parts import hashed
from holdfast.models.survival.anchor import anchored
from holdfast.models.survival.hazard import Hazard, HazardFit
from holdfast.models.survival.levels import Level, Said, fit_levels
from holdfast.models.survival.periods import RELEASE_DAYS

Floats = NDArray[np.float64]
_PARTS, _BLOCKS, _SALT = 2, 3, b"survival"
#: With fewer rows no curve is drawn.
LEAST_ROWS = 50


@dataclass(frozen=True)
class FittedCurves:
    """Curves of any customer; holds no customers itself. `levels`: what was corrected, stretch by stretch."""

    hazard: HazardFit
    levels: tuple[Level, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.hazard.columns

    def survival(
        self, features: FeatureTable, days: tuple[int, ...] = RELEASE_DAYS, *, levelled: bool = True
    ) -> Floats:
        """Rows x days: P(no order within so many days of cutoff + gap), falling from day to day.

        `levelled=False` leaves the correction out.
        """
        edges = np.array((0, *RELEASE_DAYS), np.float64)
        wanted = tuple(sorted({*RELEASE_DAYS, *days}))
        grown = self.hazard.cumulative(features, wanted)
        steps = np.diff(grown, axis=1, prepend=0.0)
        stretch = np.minimum(np.searchsorted(edges, wanted, side="left") - 1, len(self.levels) - 1)
        factor = np.exp([self.levels[at].shift if levelled else 0.0 for at in stretch])
        curves = np.exp(-np.cumsum(steps * factor, axis=1))
        return np.asarray(curves[:, [wanted.index(day) for day in days]])

    def anchored(self, features: FeatureTable, horizon: Duration, p_churn: Floats) -> Floats:
        """The curves at the release days, bent so that survival(horizon) is the published p_churn."""
        return anchored(self.survival(features), horizon, p_churn)

    def state(self, day: int) -> str:
        """How far a release day can be trusted: `calibrated`, `uncalibrated` or `extrapolated`.

        `extrapolated`: no slice is old enough to show the day, so the curve goes on at its last pace.
        """
        if day > self.hazard.known_days:
            return "extrapolated"
        level = next((one for one in self.levels if one.day >= day), self.levels[-1])
        return "calibrated" if level.slices else "uncalibrated"

    def to_bytes(self) -> bytes:
        levels = [asdict(one) for one in self.levels]
        return pack("survival_curves", hazard=self.hazard.to_bytes().decode(), levels=levels)

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedCurves:
        saved = unpack(data)
        return cls(HazardFit.from_bytes(saved["hazard"].encode()), tuple(Level(**one) for one in saved["levels"]))


def fit_curves(
    slices: Slices, cutoff: Cutoff, gap: Duration = NO_GAP, *, model: Hazard | None = None,
    max_rows: int = 30_000, seed: int = 1, progress: Progress = SILENT,
) -> FittedCurves:  # fmt: skip
    """Curves as they can be known at `cutoff`, from slices before it.

    Every slice helps, however young: one of 7 days tells of the first 7. So pass the slices of a short horizon where
    there are any; `outcomes.horizon` plays no part. At most about `max_rows` customer rows are used, drawn by customer.

    Raises `TooLittleData` below 50 rows or without a single order.
    """
    known = _known(slices, cutoff, gap, max_rows)
    chosen = model or Hazard(seed=seed)
    progress.step("survival curves", 0, _PARTS * _BLOCKS + 1)
    fitted = cast(HazardFit, fit_on(chosen, known))
    said = _crossed(replace(chosen, max_rows=max(chosen.max_rows // 3, 1)), known, progress)
    progress.step("survival curves", _PARTS * _BLOCKS + 1, _PARTS * _BLOCKS + 1)
    return FittedCurves(fitted, fit_levels(said, cutoff, gap))


def _known(slices: Slices, cutoff: Cutoff, gap: Duration, max_rows: int) -> Slices:
    """The rows of slices before the cutoff, with only those orders that had come by then."""
    before = slices.at([one for one in slices.cutoffs if one.plus(gap) < cutoff])
    share = max_rows / max(len(before), 1)
    if share < 1:
        before = before.take(hashed(before.features.key.customer_id, _SALT) < share * 2**32)
    known = replace(before, outcomes=before.outcomes.known_by(cutoff, gap))
    orders = int(known.outcomes.event_observed.sum())
    if len(known) < LEAST_ROWS or not orders:
        raise TooLittleData(
            f"survival curves need {LEAST_ROWS} rows and an order; before {cutoff} there are {len(known)} and {orders}",
            remedy="import a longer history, or leave the curves out",
        )
    return known


def _crossed(model: Hazard, known: Slices, progress: Progress) -> Said:
    """Each cell of slices and customers predicted by a model of the other slices and the other customers.

    With under three slices no third is left to learn from: then only the customers are others.
    """
    at = np.searchsorted(np.unique(known.features.key.cutoff), known.features.key.cutoff)
    block, part = at % _BLOCKS, hashed(known.features.key.customer_id, _SALT) // 7 % _PARTS
    alone = len(known.cutoffs) < _BLOCKS
    found = np.full((len(known), len(RELEASE_DAYS)), np.nan)
    for done, (b, p) in enumerate((b, p) for b in range(_BLOCKS) for p in range(_PARTS)):
        progress.step("survival curves", done + 1, _PARTS * _BLOCKS + 1)
        inside = np.flatnonzero((block == b) & (part == p))
        others = np.flatnonzero((part != p) & ((block != b) | alone))
        if len(inside) and len(others) >= LEAST_ROWS:
            fitted = cast(HazardFit, fit_on(model, known.take(others)))
            found[inside] = fitted.cumulative(known.features.take(inside), tuple(float(d) for d in RELEASE_DAYS))
    outcomes = known.outcomes
    return Said(found, outcomes.duration, outcomes.event_observed, known.features.key.cutoff)
