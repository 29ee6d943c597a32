"""Churn forecasts on a real shop, walk-forward: every model beside its baselines, at 30 and at 90 days.

Data: UCI Online Retail (`--data online_retail`, the default), read from the folder that HOLDFAST_DATA names, through
the same import, cleaning, ledger and features as any shop's. The last rows show what a random split would have claimed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from holdfast.bench.registry import BENCHES
from holdfast.core.clock import NO_GAP, Cutoff, Horizon, Window
from holdfast.core.errors import InputRefused, UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.tables import Slices
    from holdfast.evaluate.backtest import Backtest
    from holdfast.snapshot.ledger import Ledger

ZONE = "Europe/London"
#: Newest test cutoff by horizon: the last day whose label window closes inside the file (30 days: as published).
CUTOFFS = {"30d": "2011-11-09", "90d": "2011-09-10"}
STEP, FIRST = Window.parse("15d"), "2011-03-01"


@BENCHES.register("retention")
def retention(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Churn models against recency, own gap and RFM, walk-forward, with the random-split lesson."""
    if data not in (None, "online_retail"):
        raise UsageError(f"the retention bench knows no data {data!r}", remedy="use --data online_retail")
    from holdfast.engine.duck import Engine

    found: list[Score] = []
    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop(engine, Path(folder), progress)
        for text, newest in CUTOFFS.items():
            horizon = Horizon.parse(text)
            started = time.perf_counter()
            slices, tests = slices_of(ledger, horizon, Cutoff.parse(newest, ZONE), progress)
            result = judged(slices, tests, horizon, progress)
            seconds = time.perf_counter() - started
            found += [replace(one, bench="retention", seconds=round(seconds, 1)) for one in result.scores]
            found += chosen(result, horizon) + coverage(result, slices, horizon)
            found += random_split(slices, tests[-1], horizon)
    return found


def open_shop(engine: Any, folder: Path, progress: Progress = SILENT) -> Ledger:
    """Online Retail imported into a fresh lake, cleaned and folded."""
    from holdfast.log.history import open_log
    from holdfast.log.intake import take_in
    from holdfast.log.sources.open import open_source
    from holdfast.log.store import Lake
    from holdfast.snapshot.ledger import Ledger

    path = Path(os.environ.get("HOLDFAST_DATA", "../shared/data")) / "online_retail" / "online_retail.csv.gz"
    if not path.is_file():
        raise InputRefused(
            "the Online Retail file is not there", where=str(path), remedy="set HOLDFAST_DATA to the data folder"
        )
    lake = Lake(folder / "lake")
    source = open_source(path, preset="online-retail", zone=ZONE, currency="GBP")
    take_in(engine, lake, source, zone=ZONE, currency="GBP", now=datetime.now(UTC), progress=progress)
    log, _ = open_log(engine, lake, zone=ZONE, currency="GBP", progress=progress)
    return Ledger.open(engine, log, None, progress)


def slices_of(
    ledger: Ledger, horizon: Horizon, newest: Cutoff, progress: Progress = SILENT
) -> tuple[Slices, tuple[Cutoff, ...]]:
    """Features and outcomes at every training and test cutoff, and the test cutoffs.

    Test cutoffs lie a horizon apart; at 90 days a year of data has no room for that, so they lie 15 days apart.
    """
    from holdfast.core.tables import Slices
    from holdfast.features.build import build
    from holdfast.snapshot.folds import test_cutoffs, training_cutoffs
    from holdfast.snapshot.snapshot import Snapshot

    first = Cutoff.parse(FIRST, ZONE)
    tests = test_cutoffs(newest, horizon, NO_GAP, first, ZONE)
    train = training_cutoffs(newest, horizon, NO_GAP, STEP, first, ZONE)
    if len(tests) < 5:
        close = training_cutoffs(newest.plus(horizon), horizon, NO_GAP, STEP, first, ZONE)
        tests = close[-5:]
    snapshot = Snapshot(ledger, sorted({*train, *tests}))
    features = build(snapshot.observed, progress=progress)
    return Slices(features, snapshot.outcomes(horizon)), tests


def judged(slices: Slices, tests: Sequence[Cutoff], horizon: Horizon, progress: Progress = SILENT) -> Backtest:
    """The backtest with default settings."""
    from holdfast.evaluate.backtest import backtest
    from holdfast.models.settings import ModelSettings, configured

    return backtest(
        slices, configured(ModelSettings()), test_cutoffs=tests, horizon=horizon, progress=progress,
        data="online_retail", zone=ZONE,
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
    return [Score("retention", "online_retail", protocol, result.chosen, "coverage", share, n=len(inside))]


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
                "online_retail",
                f"churned, {horizon}, {split}",
                "lightgbm_63_leaves",
                "auc",
                value,
                n=len(check),
            )
        )
    return found
