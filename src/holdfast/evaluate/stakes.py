"""Value at risk in the backtest: what earlier cutoffs called at risk, and what was then lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration
from holdfast.core.errors import UsageError
from holdfast.core.money import MONEY_SCALE
from holdfast.core.tables import Slices
from holdfast.evaluate.forward import training
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.models.value import AtRisk, SpendFit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stake:
    """One cutoff, in currency units, over the customers with value at risk.

    `said` is what was called at risk, `lost` what these customers then spent less than at their usual rate, so
    the two are equal on average when the forecast is right. `expected` and `spent` are revenue of everybody.
    """

    cutoff: Cutoff
    customers: int
    said: float
    lost: float
    expected: float
    spent: float

    def as_dict(self, zone: str = "UTC") -> dict[str, Any]:
        return {
            "cutoff": str(self.cutoff.local_day(zone)), "customers": self.customers, "said": self.said,
            "lost": self.lost, "expected": self.expected, "spent": self.spent,
        }  # fmt: skip


def stake(cutoff: Cutoff, found: AtRisk, spent: Floats) -> Stake:
    """Said and lost at one cutoff; `spent` is revenue in the horizon, in currency units."""
    risky = found.at_risk > 0
    lost = float((found.usual[risky] - spent[risky]).sum())
    said = float(found.at_risk.sum())
    return Stake(cutoff, int(risky.sum()), said, lost, float(found.expected.sum()), float(spent.sum()))


def stakes(
    slices: Slices, said: Mapping[Cutoff, Floats], closes_after: tuple[Duration, ...], settings: EvaluateSettings
) -> list[Stake]:
    """Said and lost at every test cutoff; empty where the features hold no spend."""
    found = []
    for cutoff in sorted(said):
        test = slices.at([cutoff])
        try:
            fit = SpendFit.fit(training(slices, cutoff, closes_after, settings))
        except UsageError:
            return []  # a shop without prices: there is no money to speak of, and the report says so
        found.append(stake(cutoff, fit.at_risk(test.features, said[cutoff]), test.outcomes.revenue / MONEY_SCALE))
    return found
