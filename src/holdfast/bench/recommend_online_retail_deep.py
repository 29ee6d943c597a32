"""Does the shop's event encoder help its network of items? UCI Online Retail, cutoff 2011-11-09, the next 30 days.

The same lane from random item vectors, from bought-together counts, and from the vectors of an encoder that was taught
only on events before the cutoff. Each is taught from several seeds and a customer's values are averaged over them, since
the luck of one start is as large as what is measured; intervals are over customers, gains are paired.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.recommend_scores import METRICS, Metrics, per_customer, scores_of
from holdfast.core.clock import Cutoff, Horizon, Window
from holdfast.core.interactions import Interactions, ItemOutcomes
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.encoder.fitted import FittedEncoder
    from holdfast.snapshot.ledger import Ledger

BENCH, DATA = "recommend", "online_retail"
STARTS = ("random", "pairs", "encoder")
_HORIZON, _RECENT = Horizon.parse("30d"), Window.parse("90d")
_CUTOFF = "2011-11-09"
_SHOWN = 20
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
        allowed = items_on_sale(past, _RECENT)
        begin = time.perf_counter()
        encoder = encoder_of(ledger, cutoff, progress)
        seconds = time.perf_counter() - begin
    rows = compared(past, later, allowed, encoder, seeds=5 if full else 2, progress=progress)
    taught = Score(BENCH, DATA, "event encoder, one core", "encoder_gru", "items", float(len(encoder.words.items)))
    return [*rows, replace(taught, seconds=seconds)]


def encoder_of(ledger: Ledger, cutoff: Cutoff, progress: Progress = SILENT) -> FittedEncoder:
    """The shop's encoder as of the cutoff, reading order lines (an order as one event would hide its items)."""
    from holdfast.encoder.columns import Course, teach_encoders
    from holdfast.encoder.settings import Encoder

    course = Course(_HORIZON, Encoder(width=64, items=4000, tokens=6_000_000), grain="line")
    return teach_encoders(ledger, [cutoff], course, progress).newest


def compared(
    past: Interactions, later: ItemOutcomes, allowed: NDArray[np.bool_], encoder: FittedEncoder, *, seeds: int,
    progress: Progress = SILENT,
) -> list[Score]:  # fmt: skip
    """Rows of the three starts, each the mean over so many seeds."""
    from holdfast.recommend.sequential import Sasrec

    later = later.over(past.items)
    known: dict[str, dict[str, list[Metrics]]] = {seen: {one: [] for one in STARTS} for seen in _SEEN}
    seconds = dict.fromkeys(STARTS, 0.0)
    for done, (seed, start) in enumerate((seed, start) for seed in range(1, seeds + 1) for start in STARTS):
        progress.step("starts", done, seeds * len(STARTS))
        lane = Sasrec(start_from=start)  # type: ignore[arg-type]
        begin = time.perf_counter()
        lane = replace(lane, teaching=replace(lane.teaching, seed=seed))
        fit = lane.fit(past, encoder=encoder)
        seconds[start] += (time.perf_counter() - begin) / seeds
        for seen, found in known.items():
            lists = fit.recommend(past, _SHOWN, allowed=allowed, seen=seen)
            found[start].append(per_customer(lists, later if seen == "allow" else unseen(later, past)))
    rows: list[Score] = []
    for seen, found in known.items():
        means = {f"sasrec_{start}_start": _mean(parts) for start, parts in found.items()}
        protocol = f"items of the next 30d, seen {_SEEN[seen]}"
        pairs = [(f"sasrec_{start}_start", "sasrec_random_start") for start in STARTS[1:]]
        rows += scores_of(BENCH, DATA, f"{protocol}, mean of {seeds} seeds", means, pairs)
    return [_timed(one, seconds) for one in rows]


def unseen(later: ItemOutcomes, past: Interactions) -> ItemOutcomes:
    """Only what a customer had not bought before; `later` speaks of the catalogue of `past`."""
    width = len(past.items) + 1
    row = np.repeat(np.arange(len(later)), later.counts)
    kept = ~np.isin(row * width + later.item, past.customer.astype(np.int64) * width + past.item)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(later)))]).astype(np.int64)
    return replace(later, offsets=offsets, item=later.item[kept], amount=later.amount[kept])


def _mean(parts: list[Metrics]) -> Metrics:
    return {name: np.mean([one[name] for one in parts], axis=0) for name in METRICS}


def _timed(one: Score, seconds: dict[str, float]) -> Score:
    start = one.model.removeprefix("sasrec_").removesuffix("_start")
    return one if "gain" in one.protocol else replace(one, seconds=round(seconds[start], 1))
