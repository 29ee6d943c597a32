"""Survival curves walk-forward: Kaplan-Meier, parametric families and Cox beside the hazard by trees.

On Online Retail, CDNOW (master) and the synthetic shop, at five cutoffs each. At a cutoff every model learns from the
same rows: slices before it, orders from the cutoff on not seen yet. The next order is looked for in 90 days.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.registry import BENCHES
from holdfast.bench.survival_scores import At, Judged, scores_of
from holdfast.core.clock import NO_GAP, Cutoff, Horizon
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.tables import Slices
    from holdfast.models.survival.curves import FittedCurves
    from holdfast.synth.truth import Knows
    from holdfast.synth.world import Made

NAMES = ("online_retail", "cdnow", "synthetic")
#: A slice tells of the first days as soon as it is so old.
YOUNGEST = Horizon.parse("7d")
#: Customers whose scoring is timed, drawn with replacement.
SCORED = 100_000


@BENCHES.register("survival")
def survival(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Time to the next order: concordance, Brier, calibration by day, and the truth of the synthetic shop."""
    from holdfast.bench.shops import open_shop, shop_of
    from holdfast.engine.duck import Engine

    if data is not None:
        shop_of(data)  # an unknown name is an error before any work
    found: list[Score] = []
    for name in NAMES if data is None else (data,):
        with TemporaryDirectory() as folder, Engine() as engine:
            ledger = open_shop(name, engine, Path(folder), progress, customers=20_000 if full else 6_000)
            for horizon in _horizons(name):
                slices, tests = _slices(name, ledger, horizon, progress)
                judged = [judge(slices, cutoff, horizon, progress) for cutoff in tests]
                found += scores_of(name, judged, horizon, peak_mb=_peak_mb())
                if horizon == Horizon.parse("90d"):
                    found += speed(name, judged[-1])
                    found += truth(judged, 20_000 if full else 6_000) if name == "synthetic" else []
    return found


def _horizons(name: str) -> list[Horizon]:
    """Up to which day curves are judged: 90 days, and 30 at the newer cutoffs that only 30 days have followed."""
    from holdfast.bench.shops import shop_of

    return [Horizon.parse(one) for one in ("90d", "30d") if one in shop_of(name).newest and name != "synthetic"] or [
        Horizon.parse("90d")
    ]


def _slices(name: str, ledger: object, horizon: Horizon, progress: Progress) -> tuple[Slices, tuple[Cutoff, ...]]:
    """Slices 15 days apart back from the newest test cutoff, the test cutoffs among them."""
    from typing import cast

    from holdfast.bench.shops import STEP, cutoffs_of, shop_of, slices_of
    from holdfast.snapshot.folds import training_cutoffs
    from holdfast.snapshot.ledger import Ledger

    _, tests = cutoffs_of(name, horizon)
    first, zone = Cutoff.parse(shop_of(name).first, shop_of(name).zone), shop_of(name).zone
    grid = training_cutoffs(tests[-1].plus(YOUNGEST), YOUNGEST, NO_GAP, STEP, first, zone)
    return slices_of(cast(Ledger, ledger), YOUNGEST, (*grid, *tests), progress=progress), tests


def judge(slices: Slices, cutoff: Cutoff, horizon: Horizon, progress: Progress = SILENT) -> Judged:
    """Every model fitted at a cutoff from what was known then, and what followed."""
    from holdfast.bench.survival_models import curves_of

    before = slices.at([one for one in slices.cutoffs if one.plus(YOUNGEST) <= cutoff])
    test = slices.at([cutoff])
    said, churn, seconds, fitted = curves_of(before, cutoff, test.features, horizon, progress)
    outcomes = test.outcomes
    duration = np.minimum(outcomes.duration, horizon.days)
    happened = outcomes.event_observed & (outcomes.duration < horizon.days)
    return Judged(cutoff, test, At(test.features.key.customer_id, duration, happened), said, churn, seconds, fitted)


def speed(name: str, judged: Judged) -> list[Score]:
    """CPU time of one core for the curves of many customers, all six release days."""
    curves: FittedCurves = judged.curves
    rows = np.random.default_rng(1).integers(0, len(judged.test), SCORED)
    features = judged.test.features.take(rows)
    start = time.process_time()
    curves.survival(features)
    seconds = time.process_time() - start
    protocol = f"curves of {SCORED:,} customers, one core; seconds: CPU time for 1,000,000"
    per_million = round(seconds * 1e6 / SCORED, 1)
    return [
        Score("survival", name, protocol, "hazard", "rows_per_second", SCORED / seconds, n=SCORED, seconds=per_million)
    ]


def truth(judged: Sequence[Judged], customers: int) -> list[Score]:
    """Curves of the synthetic shop beside each customer's exact chance of no order, day by day.

    `events`: the best that anybody could say from what a shop sees; `state`: by who knows the hidden state, too.
    """
    from holdfast.models.survival.periods import RELEASE_DAYS
    from holdfast.synth.world import World, make

    made = make(World(customers=customers))
    end = len(made.hidden.tempo.pace)  # beyond that day the world itself is not known
    found: list[Score] = []
    asked: tuple[Knows, ...] = ("events", "state")
    for knows in asked:
        for place, day in enumerate(RELEASE_DAYS):
            able = [one for one in judged if made.world.day_of(one.cutoff) + day <= end]
            exact = [_exact(made, one, day, knows) for one in able]
            for model in ("hazard", "hazard_as_drawn"):
                off = [one.said[model][:, place] - true for one, true in zip(able, exact, strict=True)]
                protocol = f"survival at {day}d less exact truth by {knows}, mean of {len(off)} cutoffs with extremes"
                bias, mae = [float(one.mean()) for one in off], [float(np.abs(one).mean()) for one in off]
                found += [
                    Score(
                        "survival",
                        "synthetic",
                        protocol,
                        model,
                        metric,
                        float(np.mean(v)),
                        min(v),
                        max(v),
                        len(off[-1]),
                    )
                    for metric, v in (("bias", bias), ("mae", mae))
                    if v
                ]
    return found


def _exact(made: Made, judged: Judged, day: int, knows: Knows) -> NDArray[np.float64]:
    """True P(no order within `day` days) of each row."""
    table = made.true_p_churn(judged.cutoff, Horizon.parse(f"{day}d"), knows=knows)
    true = dict(zip(table["customer_id"].to_pylist(), table["p_churn"].to_numpy(), strict=True))
    return np.array([true[name] for name in judged.at.customer_id.to_pylist()])


def _peak_mb() -> float:
    """The most memory this process has held so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
