"""Does the shop's event encoder help its network of items? UCI Online Retail, cutoff 2011-11-09, the next 30 days.

The same lane from random item vectors, from bought-together counts, and from the vectors of an encoder that was taught
only on events before the cutoff. Each is taught from several seeds and a customer's values are averaged over them, since
the luck of one start is as large as what is measured; intervals are over customers, gains are paired. To its end (20 rounds
over the histories) one network takes 205 s of a core and six of them 20 minutes, so that by default each is taught for
six rounds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from holdfast.bench.recommend_table import METRICS, table
from holdfast.core.clock import Cutoff, Horizon, Window
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score
from holdfast.evaluate.lists.judge import Judged, judge
from holdfast.evaluate.lists.windows import ListWindow

if TYPE_CHECKING:
    from holdfast.encoder.fitted import FittedEncoder
    from holdfast.snapshot.ledger import Ledger

BENCH, DATA = "recommend", "online_retail"
STARTS = ("random", "pairs", "encoder")
_HORIZON, _RECENT = Horizon.parse("30d"), Window.parse("90d")
_CUTOFF = "2011-11-09"
_SHOWN = 20
#: Rounds over the histories and seeds, in short and in full (None: as the lane does).
_SHORT: tuple[int | None, int] = (6, 2)
_FULL: tuple[int | None, int] = (None, 5)
_SEEN = {"allow": "allowed", "exclude": "excluded"}


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Each start of the lane, and its paired gain over the random start; items already bought allowed and left out."""
    from holdfast.bench.shops import open_shop
    from holdfast.engine.duck import Engine
    from holdfast.snapshot.interactions import interactions, items_on_sale
    from holdfast.snapshot.item_outcomes import item_outcomes

    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop(DATA, engine, Path(folder), progress)
        cutoff = Cutoff.parse(_CUTOFF, ledger.zone)
        past = interactions(ledger, cutoff)
        later = item_outcomes(ledger, cutoff, _HORIZON, customer_id=past.customer_id)
        window = ListWindow(past, later, items_on_sale(past, _RECENT))
        begin = time.perf_counter()
        encoder = encoder_of(ledger, cutoff, progress)
        seconds = time.perf_counter() - begin
    epochs, seeds = _FULL if full else _SHORT
    rows = compared(window, encoder, seeds=seeds, epochs=epochs, progress=progress)
    taught = Score(BENCH, DATA, "event encoder, one core", "encoder_gru", "items", float(len(encoder.words.items)))
    return [*rows, replace(taught, seconds=seconds)]


def encoder_of(ledger: Ledger, cutoff: Cutoff, progress: Progress = SILENT) -> FittedEncoder:
    """The shop's encoder as of the cutoff, reading order lines (an order as one event would hide its items)."""
    from holdfast.encoder.columns import Course, teach_encoders
    from holdfast.encoder.settings import Encoder

    course = Course(_HORIZON, Encoder(width=64, items=4000, tokens=6_000_000), grain="line")
    return teach_encoders(ledger, [cutoff], course, progress).newest


def compared(
    window: ListWindow, encoder: FittedEncoder, *, seeds: int, epochs: int | None = None, progress: Progress = SILENT
) -> list[Score]:
    """Rows of the three starts, each the mean over so many seeds, taught for so many rounds (None: as the lane does)."""
    from holdfast.recommend.sequential import Sasrec

    usual = Sasrec().teaching
    usual = usual if epochs is None else replace(usual, epochs=epochs)
    known: dict[str, dict[str, list[Judged]]] = {seen: {one: [] for one in STARTS} for seen in _SEEN}
    seconds = dict.fromkeys(STARTS, 0.0)
    for done, (seed, start) in enumerate((seed, start) for seed in range(1, seeds + 1) for start in STARTS):
        progress.step("starts", done, seeds * len(STARTS))
        lane = Sasrec(start_from=start, teaching=replace(usual, seed=seed))  # type: ignore[arg-type]
        begin = time.perf_counter()
        fit = lane.fit(window.past, encoder=encoder)
        seconds[start] += (time.perf_counter() - begin) / seeds
        for seen, found in known.items():
            lists = fit.recommend(window.past, _SHOWN, allowed=window.on_sale, seen=seen)
            found[start].append(judge(lists, window.later, window.past, on_sale=window.on_sale, seen=seen))
    rows: list[Score] = []
    for seen, found in known.items():
        names = {f"sasrec_{start}_start": parts for start, parts in found.items()}
        means = {name: mean(parts, name) for name, parts in names.items()}
        taught = f"taught for {usual.epochs} rounds" if epochs else "taught to the end"
        protocol = f"items of the next 30d, seen {_SEEN[seen]}, {taught}, mean of {seeds} seeds, 95%"
        pairs = [(f"sasrec_{start}_start", "sasrec_random_start") for start in STARTS[1:]]
        rows += table(means, pairs, data=DATA, protocol=protocol)
    return [_timed(one, seconds) for one in rows]


def mean(parts: Sequence[Judged], model: str) -> Judged:
    """The same customers judged several times as one: each customer's mean of every metric of lists.

    >>> import pyarrow as pa
    >>> names = pa.array(["ann", "bob"])
    >>> parts = [Judged("x", names, {"all": dict.fromkeys(METRICS, np.array(one))}, {}, 3) for one in ([0.0, 1.0], [1.0, 1.0])]
    >>> mean(parts, "both").of("hit_at_10").tolist()
    [0.5, 1.0]
    """
    values = {metric: np.mean([one.of(metric) for one in parts], axis=0) for metric in METRICS}
    return replace(parts[0], model=model, values={"all": values}, whole={})


def _timed(one: Score, seconds: dict[str, float]) -> Score:
    """A figure of a start with the seconds of its fit; gains have none."""
    start = one.model.removeprefix("sasrec_").removesuffix("_start")
    return one if "gain" in one.protocol else replace(one, seconds=round(seconds[start], 1))
