"""Sequence models beside features: where they begin to win, how fast they are, and what they add on a real shop.

Synthetic customers whose future depends on the order of events long ago (bench/deep_world.py) at 1k, 3k, 10k and 100k of
them; then UCI Online Retail at 30 days, forward in time. `--data synthetic` or `online_retail` runs one of the two.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from holdfast.bench.registry import BENCHES
from holdfast.core.clock import NO_GAP, Horizon, Window
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import numpy as np

    from holdfast.bench.deep_world import LongRange
    from holdfast.core.tables import Slices
    from holdfast.encoder.fitted import FittedEncoder
    from holdfast.encoder.settings import Encoder

SIZES = (1_000, 3_000, 10_000, 100_000)
TESTED = 10_000
_METRICS = ("auc", "log_loss")
_DATA = ("synthetic", "online_retail")


@BENCHES.register("deep")
def deep(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Sequences (GRU, Transformer) against features: learning curve, events a second, what they add on a real shop."""
    if data not in (None, *_DATA):
        raise UsageError(f"the deep bench knows no data {data!r}", remedy=f"one of: {', '.join(_DATA)}")
    found: list[Score] = []
    if data in (None, "synthetic"):
        found += learning_curve(SIZES, full=full, progress=progress)
    if data in (None, "online_retail"):
        found += real_shop(full=full, progress=progress)
    return found


def configurations(full: bool) -> dict[str, Encoder]:
    """The encoders compared; without `--full` each phase reads at most so many tokens."""
    from holdfast.encoder.settings import Encoder

    tokens = 60_000_000 if full else 16_000_000
    teaching: dict[str, Any] = {"pretrain_epochs": 1, "epochs": 15, "tokens": tokens}
    return {
        "sequence_gru": Encoder(kind="gru", **teaching),
        "sequence_transformer": Encoder(kind="transformer", layers=2, **teaching),
    }


def learning_curve(sizes: tuple[int, ...], *, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Features and sequences taught by so many customers, judged on the same others."""
    from holdfast.bench.deep_world import long_range

    test, found = long_range(TESTED, seed=2), []
    begins: dict[str, int] = {}
    for done, size in enumerate(sizes):
        progress.step("learning curve", done, len(sizes))
        rows, won = _at_size(size, test, configurations(full), progress)
        found += rows
        begins = dict.fromkeys(won, size) | begins
    progress.step("learning curve", len(sizes), len(sizes))
    protocol = "churned, 30d, least number of learning customers whose paired AUC gain over lightgbm excludes zero"
    return found + [
        Score("deep", "long_range", protocol, name, "n_to_win", size) for name, size in sorted(begins.items())
    ]


def _at_size(
    size: int, test: LongRange, configs: Mapping[str, Encoder], progress: Progress
) -> tuple[list[Score], list[str]]:
    from holdfast.bench.deep_world import long_range
    from holdfast.models.lightgbm import LightGbm

    train, data = long_range(size, seed=1), f"long_range_{size // 1000}k"
    trees = LightGbm(rounds=200, leaves=15, min_rows_in_leaf=50, column_share=0.5)
    started = time.perf_counter()
    said = {"lightgbm": trees.fit(train.features, train.outcomes).predict(test.features).p_churn}
    seconds = {"lightgbm": time.perf_counter() - started}
    found: list[Score] = []
    for name, config in configs.items():
        started = time.perf_counter()
        said[name], rows = _sequence(config, name, train, test, data, progress)
        seconds[name] = time.perf_counter() - started
        found += rows
    said["truth"] = test.p_churn
    judged = _judged(_slices(test), said, data, "churned, 30d, other customers")
    scores = [replace(one, seconds=_rounded(seconds.get(one.model))) for one in judged]
    return scores + found, [one.model for one in scores if _won(one)]


def _won(one: Score) -> bool:
    beside = one.protocol.split(", paired gain over ")
    return one.metric == "auc" and beside[1:] == ["lightgbm"] and one.model != "truth" and (one.low or 0) > 0


def _sequence(
    config: Encoder, name: str, train: LongRange, test: LongRange, data: str, progress: Progress
) -> tuple[np.ndarray, list[Score]]:
    """p_churn of the test customers, and the rows about size and speed."""
    import numpy as np

    from holdfast.bench.deep_world import CUTOFF, HORIZON
    from holdfast.encoder.fit import fit
    from holdfast.encoder.labels import Labels

    known = np.full(len(train), HORIZON.days)
    labels = Labels(train.told.key, train.duration, ~train.churned, known, train.spend.astype(np.float64))
    started = time.process_time()
    encoder = fit(config, train.told, labels, cutoff=CUTOFF.plus(HORIZON), horizon=HORIZON, progress=progress)
    teaching = time.process_time() - started
    started = time.process_time()
    said = encoder.survival(encoder.embedded(test.told), HORIZON.days)
    scoring = time.process_time() - started
    tokens = float(encoder.state()["tokens"])
    speed = {
        "events read while teaching, a CPU second": tokens / teaching,
        "events read while scoring, a CPU second": len(test.told.positions) / scoring,
    }
    rows = [
        Score("deep", data, protocol, name, "rows_per_second", round(value), n=len(train))
        for protocol, value in speed.items()
    ]
    return said, rows + _about(encoder, name, data, len(train))


def _about(encoder: FittedEncoder, name: str, data: str, n: int) -> list[Score]:
    """Parameters, tokens and the ends of the loss curves."""
    state = encoder.state()
    rows = [Score("deep", data, "encoder", name, what, float(state[what]), n=n) for what in ("parameters", "tokens")]
    for phase in state["phases"]:
        curve = [one["held_out"] for one in phase["curve"] if one["held_out"] is not None]
        ends = {"first look": curve[0], "best look": min(curve)} if curve else {}
        for when, value in ends.items():
            protocol = f"{phase['phase']}, loss on held-out customers, {when} of {len(curve)}"
            rows.append(Score("deep", data, protocol, name, "loss", value, n=n))
    return rows


def real_shop(*, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Online Retail, 30 days, walk-forward: the sequence model alone, and what its columns add to the features."""
    from holdfast.bench.shops import cutoffs_of, open_shop, slices_of
    from holdfast.core.tables import Slices
    from holdfast.encoder.columns import Course, teach_encoders
    from holdfast.encoder.settings import Encoder
    from holdfast.engine.duck import Engine
    from holdfast.evaluate.forward import training
    from holdfast.evaluate.settings import EvaluateSettings
    from holdfast.models.sequence_gain import with_and_without

    name, horizon, found = "online_retail", Horizon.parse("30d"), []
    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop(name, engine, Path(folder), progress)
        train, tests = cutoffs_of(name, horizon)
        slices = slices_of(ledger, horizon, (*train, *tests), progress=progress)
        for kind in ("gru", "transformer") if full else ("gru",):
            started = time.perf_counter()
            course = Course(horizon, Encoder(kind=kind, width=48), retrain=Window.parse("30d"))
            encoders = teach_encoders(ledger, slices.cutoffs, course, progress)
            wide = Slices(slices.features.joined(encoders.columns(slices.features.key)), slices.outcomes)
            seconds = time.perf_counter() - started
            pairs = [(training(wide, one, (NO_GAP, horizon), EvaluateSettings()), wide.at([one])) for one in tests]
            said = with_and_without(pairs)
            what = f"churned, 30d, walk-forward, encoder {kind}"
            rows = _judged_at(wide, said, name, what)
            found += [replace(one, seconds=_rounded(seconds)) for one in rows]
            found += _about(encoders.newest, f"sequence_{kind}", name, len(slices))
    return found


def _judged_at(slices: Slices, said: Mapping[str, Any], data: str, what: str) -> list[Score]:
    """AUC and log loss at each test cutoff, their means, and paired gains, with 95% intervals by customer."""
    from holdfast.evaluate.judge import judge, scores
    from holdfast.evaluate.settings import EvaluateSettings

    settings = EvaluateSettings()
    cutoffs = sorted(next(iter(said.values())))
    judged = judge(slices.at(cutoffs), said, cutoffs, settings, seed=1)
    rows = scores(judged, settings, data=data, what=what, zone="UTC")
    return [replace(one, bench="deep") for one in rows if one.metric in _METRICS]


def _judged(slices: Slices, said: Mapping[str, Any], data: str, what: str) -> Iterator[Score]:
    """The same at the one cutoff of the synthetic customers: levels and gains, said once."""
    (cutoff,) = slices.cutoffs
    rows = _judged_at(slices, {model: {cutoff: p} for model, p in said.items()}, data, what)
    for one in rows:
        protocol = one.protocol.removesuffix(", mean of 1 test cutoffs")
        if "paired gain" in protocol or protocol.startswith(f"{what}, test "):
            yield replace(one, protocol=protocol)


def _slices(world: LongRange) -> Slices:
    from holdfast.core.tables import Slices

    return Slices(world.features, world.outcomes)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
