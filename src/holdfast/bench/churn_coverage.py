"""How often intervals hold what they promise: by risk group on any shop, customer by customer where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.churn_cases import Case
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.clock import Cutoff
    from holdfast.core.tables import Slices
    from holdfast.evaluate.backtest import Backtest
    from holdfast.evaluate.final import Published

LEVELS = (0.8, 0.9, 0.95)
#: Refits behind each interval: the other doubts are much larger.
_REFITS = 6
_CUSTOMERS = 6000


def published(result: Backtest, slices: Slices) -> dict[Cutoff, Published]:
    """What would have been published at each test cutoff."""
    from holdfast.evaluate.final import fit_final
    from holdfast.evaluate.settings import EvaluateSettings

    settings = EvaluateSettings(refits=_REFITS)
    return {
        one: fit_final(result, slices, result.competed, cutoff=one, settings=settings) for one in result.test_cutoffs
    }


def by_group(result: Backtest, slices: Slices, case: Case, models: Mapping[Cutoff, Published]) -> list[Score]:
    """Tenths of the customers of each test cutoff, by risk: does each churn at a rate inside its mean interval?

    The interval bounds the tenth's probability; its rate is a draw around that, whose chance error is added in squares.
    """
    from holdfast.metrics.probability import bin_of

    inside: dict[float, list[bool]] = {level: [] for level in LEVELS}
    for cutoff, model in models.items():
        test = slices.at([cutoff])
        said = model.predict(test.features).p_churn
        tenth = bin_of(said)
        size = np.bincount(tenth)
        rate = np.bincount(tenth, test.outcomes.churned) / size
        for level in LEVELS:
            ends = model.ends(test.features, said, level=level, whose="group")
            low, high = (np.bincount(tenth, end) / size for end in ends)
            mean = np.bincount(tenth, said) / size
            chance = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(mean * (1 - mean) / size)
            reach = np.where(rate < mean, np.hypot(mean - low, chance), np.hypot(high - mean, chance))
            inside[level] += (np.abs(rate - mean) <= reach).tolist()
    what, many = case.protocol(f"churned, {case.horizon}"), len(result.test_cutoffs)
    return [
        Score(
            "churn", case.data, f"{what}, {level:.0%} intervals by tenth of risk at {many} test cutoffs", result.chosen,
            "coverage", float(np.mean(held)), n=len(held),
        )
        for level, held in inside.items()
    ]  # fmt: skip


def by_customer(
    result: Backtest, slices: Slices, case: Case, models: Mapping[Cutoff, Published], progress: Progress = SILENT
) -> list[Score]:
    """The synthetic shop: how many customers' true probability lies inside their own interval, and how wide it is.

    The truth is what somebody would say who knows every customer's habits and all events before the cutoff.
    """
    from holdfast.synth.world import World, make

    made = make(World(customers=_CUSTOMERS), progress)
    held: dict[str, list[NDArray[np.bool_]]] = {}
    wide: dict[str, list[NDArray[np.float64]]] = {}
    for cutoff, model in models.items():
        test = slices.at([cutoff])
        known = made.true_p_churn(cutoff, case.span, knows="events")
        truth_of = dict(zip(known["customer_id"].to_pylist(), known["p_churn"].to_pylist(), strict=True))
        truth = np.array([truth_of[one] for one in test.features.key.customer_id.to_pylist()])
        said = model.predict(test.features).p_churn
        for level in LEVELS:
            low, high = model.ends(test.features, said, level=level)
            name = f"{level:.0%}"
            held.setdefault(name, []).append((low <= truth) & (truth <= high))
            wide.setdefault(name, []).append(high - low)
    what, many = f"churned, {case.horizon}", len(result.test_cutoffs)
    found = []
    for name in held:
        inside, width = np.concatenate(held[name]), np.concatenate(wide[name])
        protocol = f"{what}, {name} intervals customer by customer against the truth at {many} test cutoffs"
        n, share = len(inside), float(inside.mean())
        found.append(Score("churn", case.data, protocol, result.chosen, "coverage", share, n=n))
        found.append(
            Score("churn", case.data, f"{protocol}, mean width", result.chosen, "gap", float(width.mean()), n=n)
        )
    return found
