"""From raw feature columns to columns a linear model can use: signed log, winsorise, standardise, mark missing.

Everything is learnt from the training rows and saved with the model: nothing outside a model scales or clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable

Floats = NDArray[np.float64]
#: Share of rows beyond which a value is pulled in, at each end.
_TAIL = 0.005


@dataclass(frozen=True)
class Recipe:
    """How each column is prepared. Missing values become the mean, and a column of their own where they occur."""

    columns: tuple[str, ...]
    low: Floats
    high: Floats
    mean: Floats
    scale: Floats
    marked: tuple[int, ...]  # positions of columns with a missing marker

    @classmethod
    def learn(cls, features: FeatureTable, columns: Sequence[str]) -> Recipe:
        """Learn the edges, means and scales from the training rows."""
        values = signed_log(features.select(columns).values)
        missing = np.isnan(values)
        filled = np.where(missing, np.nanmedian(np.where(missing.all(axis=0), 0.0, values), axis=0), values)
        low, high = np.quantile(filled, [_TAIL, 1 - _TAIL], axis=0)
        clipped = np.clip(values, low, high)
        counted = np.maximum((~missing).sum(axis=0), 1)
        mean = np.where(missing, 0.0, clipped).sum(axis=0) / counted
        spread = np.sqrt((np.where(missing, 0.0, clipped - mean) ** 2).sum(axis=0) / counted)
        share = missing.mean(axis=0)
        marked = tuple(int(i) for i in np.flatnonzero((share > 0.01) & (share < 0.99)))
        return cls(tuple(columns), low, high, mean, np.where(spread > 1e-9, spread, 1.0), marked)

    def apply(self, features: FeatureTable) -> Floats:
        """Rows x (columns + markers), standardised; refuses a table that lacks a column."""
        values = signed_log(features.select(self.columns).values)
        missing = np.isnan(values)
        scaled = np.where(missing, 0.0, (np.clip(values, self.low, self.high) - self.mean) / self.scale)
        return np.hstack([scaled, missing[:, list(self.marked)].astype(np.float64)])

    def by_column(self, parts: Floats) -> Floats:
        """Contributions of columns and markers folded back to one for each column."""
        folded = parts[:, : len(self.columns)].copy()
        for place, column in enumerate(self.marked):
            folded[:, column] += parts[:, len(self.columns) + place]
        return folded

    def as_dict(self) -> dict[str, Any]:
        return {
            "columns": list(self.columns), "low": self.low.tolist(), "high": self.high.tolist(),
            "mean": self.mean.tolist(), "scale": self.scale.tolist(), "marked": list(self.marked),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Recipe:
        low, high, mean, scale = (np.array(saved[name], np.float64) for name in ("low", "high", "mean", "scale"))
        return cls(tuple(saved["columns"]), low, high, mean, scale, tuple(saved["marked"]))


def signed_log(values: NDArray[Any]) -> Floats:
    """sign(x) log(1 + |x|): counts and money over five decades become comparable; infinity is missing.

    >>> signed_log(np.array([0.0, np.e - 1])).round(6).tolist()
    [0.0, 1.0]
    """
    wide = np.asarray(values, np.float64)
    wide = np.where(np.isfinite(wide), wide, np.nan)
    return np.asarray(np.sign(wide) * np.log1p(np.abs(wide)))
