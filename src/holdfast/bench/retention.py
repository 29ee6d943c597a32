"""Churn forecasts on a real shop, walk-forward: every model beside its baselines, at 30 and at 90 days.

Data: UCI Online Retail (`--data online_retail`, the default), read from the folder that HOLDFAST_DATA names, through
the same import, cleaning, ledger and features as any shop's. The last rows show what a random split would have claimed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from holdfast.bench.registry import BENCHES
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.tables import Slices
    from holdfast.evaluate.backtest import Backtest

DATA = "online_retail"


@BENCHES.register("retention")
def retention(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Churn models against recency, own gap and RFM, walk-forward, with the random-split lesson."""
    if data not in (None, DATA):
        raise UsageError(f"the retention bench knows no data {data!r}", remedy="use --data online_retail")
    from holdfast.bench.shops import cutoffs_of, open_shop, shop_of, slices_of
    from holdfast.engine.duck import Engine

    found: list[Score] = []
    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop(DATA, engine, Path(folder), progress)
        for text in shop_of(DATA).newest:
            horizon = Horizon.parse(text)
            started = time.perf_counter()
            train, tests = cutoffs_of(DATA, horizon)
            slices = slices_of(ledger, horizon, (*train, *tests), progress=progress)
            result = judged(slices, tests, horizon, progress)
            seconds = time.perf_counter() - started
            found += [replace(one, bench="retention", seconds=round(seconds, 1)) for one in result.scores]
            found += chosen(result, horizon) + coverage(result, slices, horizon)
            found += random_split(slices, tests[-1], horizon)
    return found


def judged(slices: Slices, tests: Sequence[Cutoff], horizon: Horizon, progress: Progress = SILENT) -> Backtest:
    """The backtest with default settings."""
    from holdfast.bench.shops import shop_of
    from holdfast.evaluate.backtest import backtest
    from holdfast.models.settings import ModelSettings, configured

    return backtest(
        slices, configured(ModelSettings()), test_cutoffs=tests, horizon=horizon, progress=progress,
        data=DATA, zone=shop_of(DATA).zone,
    )  # fmt: skip


def chosen(result: Backtest, horizon: Horizon) -> list[Score]:
    """Which model the earlier cutoffs chose, and each correction's mean log loss at the rolling cutoffs it was tried."""
    best = result.score("auc")
    protocol = f"churned, {horizon}, chosen on earlier cutoffs with correction {result.calibration}"
    rows = [replace(best, bench="retention", protocol=protocol)]
    for one in result.trials:
        protocol = f"churned, {horizon}, correction {one.kind}, mean of {one.cutoffs} rolling cutoffs"
        rows.append(Score("retention", best.data, protocol, result.chosen, "log_loss", one.mean_log_loss))
    return rows


def coverage(result: Backtest, slices: Slices, horizon: Horizon) -> list[Score]:
    """How often a tenth of the customers of a test cutoff, by risk, churned at a rate inside its mean 90% interval."""
    import numpy as np

    from holdfast.evaluate.final import fit_final
    from holdfast.metrics.probability import bin_of
    from holdfast.models.settings import ModelSettings, configured

    inside, models = [], configured(ModelSettings())
    for cutoff in result.test_cutoffs:
        test = slices.at([cutoff])
        said = fit_final(result, slices, models, cutoff=cutoff).predict(test.features)
        if said.low is None or said.high is None:
            continue
        tenth = bin_of(said.p_churn)
        size = np.bincount(tenth)
        low, rate, high = (np.bincount(tenth, x) / size for x in (said.low, test.outcomes.churned, said.high))
        inside += ((low <= rate) & (rate <= high)).tolist()
    protocol = f"churned, {horizon}, 90% intervals by tenth of risk at {len(result.test_cutoffs)} test cutoffs"
    share = float(np.mean(inside))
    return [Score("retention", DATA, protocol, result.chosen, "coverage", share, n=len(inside))]


def random_split(slices: Slices, test: Cutoff, horizon: Horizon) -> list[Score]:
    """The lesson: big trees on a random fifth of the rows, and the same trees judged forward in time."""
    import numpy as np

    from holdfast.metrics.ranking import auc
    from holdfast.models.lightgbm import LightGbm

    closed = slices.at([one for one in slices.cutoffs if one.plus(horizon) <= test])
    held = np.random.default_rng(1).random(len(closed)) < 0.2
    model = LightGbm(
        rounds=400, leaves=63, learning_rate=0.1, min_rows_in_leaf=20, column_share=1.0, l2=0.0, half_life_days=0.0
    )
    found = []
    forward = slices.at([test])
    for split, train, check in (
        ("random split of rows (a leak, shown once as a lesson)", closed.take(~held), closed.take(held)),
        ("walk-forward", closed, forward),
    ):
        said = model.fit(train.features, train.outcomes).predict(check.features).p_churn
        value = auc(check.outcomes.churned, said)
        found.append(
            Score(
                "retention",
                DATA,
                f"churned, {horizon}, {split}",
                "lightgbm_63_leaves",
                "auc",
                value,
                n=len(check),
            )
        )
    return found
