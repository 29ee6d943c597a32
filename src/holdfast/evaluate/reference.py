"""A closer look at the newest test cutoff: said against happened, for plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.tables import Key, Slices
from holdfast.metrics.probability import brier_parts, calibration_table
from holdfast.metrics.ranking import lift_curve
from holdfast.models.treated import drawn

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """Predictions of the chosen model and what happened, at one cutoff."""

    cutoff: Cutoff
    zone: str
    model: str
    key: Key = field(repr=False)
    said: Floats = field(repr=False)
    happened: NDArray[np.bool_] = field(repr=False)
    calibration: list[dict[str, float]]
    lift: list[dict[str, float]]
    brier: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """For plots; names no customer."""
        return {
            "cutoff": str(self.cutoff.local_day(self.zone)),
            "model": self.model,
            "n": len(self.said),
            "base_rate": float(self.happened.mean()),
            "mean_said": float(self.said.mean()),
            "calibration": self.calibration,
            "lift": self.lift,
            "brier": self.brier,
        }


def look_closer(test: Slices, said: Floats, model: str, cutoff: Cutoff, zone: str) -> Reference:
    """Calibration table, lift curve and the parts of the Brier score; rows with weights are drawn by them."""
    if test.counted is not None:
        kept = drawn(test.counted, np.arange(len(test)))
        test, said = test.take(kept), said[kept]
    happened = test.outcomes.churned
    return Reference(
        cutoff, zone, model, test.features.key, said, happened,
        calibration_table(happened, said), lift_curve(happened, said), brier_parts(happened, said),
    )  # fmt: skip
