"""Intervals of what a customer will really spend: 0 for those who do not come, and a tail for those who do.

Shape: given an order, spend is the forecast times a ratio, whose quantiles are read off closed slices in groups of
equal P(order) (frequent buyers scatter less). So a customer's spend has an atom at 0 and a tail of its own. Level:
distributional conformal prediction (Chernozhukov, Wuthrich & Zhu 2021): the missed share is tuned on customers whom
neither models nor quantiles have seen, newer slices counting more (Barber et al. 2023), under moves of the level as
large as earlier cutoffs have shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVELS = (0.8, 0.9, 0.95)
_GROUPS = 4
_GRID = np.linspace(0.0, 1.0, 201)
#: Missed shares that are tried.
_MISSED = np.concatenate([[0.0005, 0.001, 0.002], np.arange(0.005, 0.6, 0.005)])
#: A group's quantiles need so many spenders; with fewer, groups are joined.
_LEAST = 60
#: Moves of the level in standard deviations and how often: a normal in three points (Gauss-Hermite).
_MOVES = ((-1.7320508, 1 / 6), (0.0, 2 / 3), (1.7320508, 1 / 6))


@dataclass(frozen=True)
class SpendIntervals:
    """Quantiles of spend over its forecast given an order, by P(order), and the missed share of each nominal level."""

    edges: Floats  # upper ends of P(order) of all groups but the last
    ratios: Floats  # groups x len(_GRID)
    missed: Mapping[float, float]

    def around(self, mean: Floats, p_order: Floats, level: float = 0.9) -> tuple[Floats, Floats]:
        """Ends of the interval of each row's realised spend; the mean is of all, p_order between 0 and 1."""
        return self._ends(mean, p_order, np.full(len(mean), self.missed[level]))

    def median(self, mean: Floats, p_order: Floats) -> Floats:
        """What half of such customers spend less than: 0 unless an order is likelier than not. Judge this by MAE."""
        p = np.clip(p_order, 1e-6, 1.0)
        group = np.searchsorted(self.edges, p, side="left")
        return np.asarray(self._quantile(group, (0.5 - (1 - p)) / p) * mean / p)

    def _ends(self, mean: Floats, p_order: Floats, missed: Floats) -> tuple[Floats, Floats]:
        p = np.clip(p_order, 1e-6, 1.0)
        given, group = mean / p, np.searchsorted(self.edges, p, side="left")
        keeps_zero = missed / 2 <= 1 - p
        low = np.where(keeps_zero, 0.0, self._quantile(group, (missed / 2 - (1 - p)) / p))
        high = self._quantile(group, (np.where(keeps_zero, 1 - missed, 1 - missed / 2) - (1 - p)) / p)
        return low * given, high * given

    def _quantile(self, group: NDArray[np.int64], at: Floats) -> Floats:
        place = np.clip(at, 0.0, 1.0) * (len(_GRID) - 1)
        left = np.minimum(place.astype(np.int64), len(_GRID) - 2)
        part = place - left
        found = self.ratios[group, left] * (1 - part) + self.ratios[group, left + 1] * part
        return np.where(at <= 0, 0.0, found)

    def as_dict(self) -> dict[str, Any]:
        return {
            "edges": self.edges.tolist(), "ratios": self.ratios.tolist(),
            "missed": {str(level): share for level, share in self.missed.items()},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SpendIntervals:
        missed = {float(level): float(share) for level, share in saved["missed"].items()}
        return cls(np.array(saved["edges"], np.float64), np.array(saved["ratios"], np.float64), missed)


def learn_intervals(
    spend: Floats, mean: Floats, p_order: Floats, weight: Floats, half: NDArray[np.int64], level_sd: float
) -> SpendIntervals:
    """Learn from forecasts of closed slices by models that had not seen the customer.

    `half` (0 or 1 for each row, the same for all rows of a customer) says who teaches the quantiles and who the level.
    """
    if not (half == 0).any() or not (half == 1).any():
        half = np.arange(len(spend)) % 2
    shape = _shape(spend[half == 0], mean[half == 0], p_order[half == 0], weight[half == 0])
    told = half == 1
    return SpendIntervals(
        shape.edges, shape.ratios,
        _missed(shape, spend[told], mean[told], p_order[told], weight[told], level_sd),
    )  # fmt: skip


def _shape(spend: Floats, mean: Floats, p_order: Floats, weight: Floats) -> SpendIntervals:
    pays = (spend > 0) & (mean > 0)
    p, w = np.clip(p_order[pays], 1e-6, 1.0), weight[pays]
    ratio = spend[pays] * p / mean[pays]
    groups = int(np.clip(pays.sum() // _LEAST, 1, _GROUPS))
    edges = np.unique(np.quantile(p, np.arange(1, groups) / groups)) if groups > 1 else np.zeros(0)
    group = np.searchsorted(edges, p, side="left")
    rows = [_quantiles(ratio[group == one], w[group == one]) for one in range(len(edges) + 1)]
    return SpendIntervals(edges, np.array(rows), {})


def _quantiles(values: Floats, weight: Floats) -> Floats:
    """Weighted quantiles on the grid; of nothing, those of a wide log-normal."""
    if len(values) < 2 or weight.sum() <= 0:
        return np.exp(np.linspace(-2.5, 2.5, len(_GRID)))
    order = np.argsort(values, kind="stable")
    mass = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return np.asarray(np.interp(_GRID, mass, values[order]))


def _missed(
    shape: SpendIntervals, spend: Floats, mean: Floats, p_order: Floats, weight: Floats, level_sd: float
) -> dict[float, float]:
    """For each nominal level the largest missed share up to which the rows seen were covered."""
    covered = np.zeros(len(_MISSED))
    for sds, share in _MOVES:
        down = np.exp(-sds * level_sd)  # as if the forecast had been off by so much, half of it through P(order)
        for at, missed in enumerate(_MISSED):
            p = np.clip(p_order * np.sqrt(down), 0.0, 1.0)
            low, high = shape._ends(mean * down, p, np.full(len(spend), missed))
            covered[at] += share * float(((low <= spend) & (spend <= high)) @ weight)
    covered /= max(float(weight.sum()), 1e-12)
    effective = weight.sum() ** 2 / max((weight**2).sum(), 1e-12)
    found = {}
    for level in LEVELS:
        enough = np.minimum.accumulate(covered >= min(level * (1 + 1 / max(effective, 1.0)), 1.0))
        found[level] = float(_MISSED[max(0, int(enough.sum()) - 1)])
    return found
