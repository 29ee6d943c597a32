"""Churn forecasts on real shops and on one whose truth is known, walk-forward: every family beside its baselines.

`--data online_retail` (30 and 90 days), `cdnow` (90 days, cutoff 1997-09-30: customers with an order in 180 days, and
everybody; 273 days for everybody), `synthetic` (30 days); all three by default. Real data is read from the folder that
HOLDFAST_DATA names, through the same import, cleaning, ledger and features as any shop's. Each case has all metrics with
intervals at the reference cutoff and at earlier ones, their spread, paired gains of the ensembles, kinds of customers by
themselves, coverage of the intervals, processor seconds and memory of each model, and once what a random split claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from holdfast.bench.churn_cases import CASES, USE, Case, models_of, slices_for
from holdfast.bench.churn_coverage import by_customer, by_group, published
from holdfast.bench.churn_kinds import kinds
from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.clock import Cutoff, Horizon
    from holdfast.core.tables import Slices
    from holdfast.evaluate.backtest import Backtest

#: Paired gains of these models over everything that competes are reported.
_GAINS = ("ensemble", "stacked", "lightgbm")


@BENCHES.register("churn")
def churn(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Every churn model on Online Retail, CDNOW and a synthetic shop, walk-forward, with the random-split lesson."""
    from holdfast.bench.shops import open_shop
    from holdfast.engine.duck import Engine

    names = list(dict.fromkeys(one.data for one in CASES))
    if data is not None and data not in names:
        raise UsageError(f"the churn bench knows no data {data!r}", remedy=f"one of: {', '.join(names)}")
    found: list[Score] = []
    for name in names if data is None else [data]:
        with TemporaryDirectory() as folder, Engine() as engine:
            ledger = open_shop(name, engine, Path(folder), progress)
            for case in CASES:
                if case.data == name:
                    found += run_case(ledger, case, full=full, progress=progress)
    return found


def run_case(ledger: Any, case: Case, *, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """All rows of one case."""
    slices, tests = slices_for(ledger, case, progress)
    if not case.learns:
        from holdfast.bench.churn_far import far

        return far(slices, case)
    result = judged(slices, tests, case, full=full, progress=progress)
    found = [*shown(result, case), *chosen(result, case), *steps(result, case), *profits(result, slices, case)]
    found += kinds(result, slices, case)
    models = published(result, slices)
    found += by_group(result, slices, case, models)
    if case.data == "synthetic":
        found += by_customer(result, slices, case, models, progress)
    if case.lesson:
        found += random_split(slices, tests[-1], case)
    return found


def judged(
    slices: Slices, tests: Sequence[Cutoff], case: Case, *, full: bool = False, progress: Progress = SILENT,
    use: Sequence[str] = USE,
) -> Backtest:  # fmt: skip
    """The backtest of everything that competes; `full` resamples more and searches hyper-parameters."""
    from holdfast.bench.shops import shop_of
    from holdfast.evaluate.backtest import backtest
    from holdfast.evaluate.settings import EvaluateSettings

    settings = EvaluateSettings(tune_budget=40 if full else 0, replicates=1000 if full else 200)
    found = backtest(
        slices, models_of(use), test_cutoffs=tests, horizon=case.span, progress=progress, settings=settings,
        data=case.data, zone=shop_of(case.data).zone,
    )  # fmt: skip
    scores = [replace(one, bench="churn", protocol=case.protocol(one.protocol)) for one in found.scores]
    return replace(found, scores=scores)


def shown(result: Backtest, case: Case) -> list[Score]:
    """The backtest's rows, of the paired gains those that matter; at the reference cutoff with what each model cost."""
    newest = f"test {result.test_cutoffs[-1].local_day(result.zone)}"
    cost = costs(result)
    found = []
    for one in result.scores:
        if "paired gain" in one.protocol and one.model not in _GAINS:
            continue
        if one.protocol.endswith(newest):
            seconds, peak = cost.get(one.model, (None, None))
            found.append(replace(one, seconds=seconds, peak_mb=peak))
        else:
            found.append(one)
    return found


def costs(result: Backtest) -> dict[str, tuple[float, float]]:
    """Processor seconds and peak memory (MB) of fitting each model once for the reference cutoff and predicting there."""
    from holdfast.bench.churn_cost import cost_of
    from holdfast.evaluate.forward import settled, training
    from holdfast.evaluate.settings import EvaluateSettings
    from holdfast.models.ensemble import Ensemble

    newest = result.test_cutoffs[-1]
    slices, closes_after = result.forward.slices, (result.gap, result.horizon)
    train = training(slices, newest, closes_after, EvaluateSettings())
    test = slices.at([newest])
    found = {}
    for name, model in result.competed.items():
        whole = settled(model, result.forward, newest) if isinstance(model, Ensemble) else model
        found[name] = cost_of(whole, train, test.features)
    return found


def chosen(result: Backtest, case: Case) -> list[Score]:
    """Which model the earlier cutoffs chose, and each correction's mean log loss at the rolling cutoffs it was tried."""
    what = case.protocol(f"churned, {result.horizon}")
    found = []
    for metric in ("auc", "log_loss"):
        protocol = f"{what}, chosen on earlier cutoffs with correction {result.calibration}"
        found.append(replace(result.score(metric), protocol=protocol))
    for one in result.trials:
        protocol = f"{what}, correction {one.kind}, mean of {one.cutoffs} rolling cutoffs"
        found.append(Score("churn", case.data, protocol, result.chosen, "log_loss", one.mean_log_loss))
    return found


def steps(result: Backtest, case: Case) -> list[Score]:
    """Each comparison on the way to the chosen model, and each change of hyper-parameters that was tried."""
    what, found = case.protocol(f"churned, {result.horizon}"), []
    for one in result.steps:
        word = "taken" if one.taken else "not taken"
        protocol = f"{what}, gain in log loss over {one.over} at earlier cutoffs, {word}"
        found.append(Score("churn", case.data, protocol, one.model, "log_loss", one.gain, one.low, one.high))
    for trial in result.tried:
        changed = ", ".join(f"{name}={value}" for name, value in trial.change.items())
        protocol = f"{what}, tuning {changed}, {'kept' if trial.kept else 'not kept'}, {trial.cutoffs} earlier cutoffs"
        low, high = trial.gain - trial.error, trial.gain + trial.error
        found.append(Score("churn", case.data, protocol, trial.model, "log_loss", trial.gain, low, high))
    return found


def profits(result: Backtest, slices: Slices, case: Case) -> list[Score]:
    """What acting on the chosen model would earn at the reference cutoff, beside treating all and none; chooses nothing."""
    from holdfast.metrics.profit import profit_rows

    newest = result.test_cutoffs[-1]
    protocol = case.protocol(f"churned, {result.horizon}, profit at test {newest.local_day(result.zone)}")
    return profit_rows(
        slices.at([newest]).outcomes.churned, result.said[result.chosen][newest],
        bench="churn", data=case.data, protocol=protocol, model=result.chosen,
    )  # fmt: skip


def random_split(slices: Slices, test: Cutoff, case: Case) -> list[Score]:
    """The lesson: big trees on a random fifth of the rows, and the same trees judged forward in time."""
    import numpy as np

    from holdfast.metrics.ranking import auc
    from holdfast.models.lightgbm import LightGbm

    horizon: Horizon = case.span
    closed = slices.at([one for one in slices.cutoffs if one.plus(horizon) <= test])
    held = np.random.default_rng(1).random(len(closed)) < 0.2
    model = LightGbm(
        rounds=400, leaves=63, learning_rate=0.1, min_rows_in_leaf=20, column_share=1.0, l2=0.0, half_life_days=0.0
    )
    found, forward = [], slices.at([test])
    for split, train, check in (
        ("random split of rows (the wrong way: a leak, shown once as a lesson)", closed.take(~held), closed.take(held)),
        ("walk-forward", closed, forward),
    ):
        said = model.fit(train.features, train.outcomes).predict(check.features).p_churn
        protocol = case.protocol(f"churned, {horizon}, {split}")
        value = auc(check.outcomes.churned, said)
        found.append(Score("churn", case.data, protocol, "lightgbm_63_leaves", "auc", value, n=len(check)))
    return found
