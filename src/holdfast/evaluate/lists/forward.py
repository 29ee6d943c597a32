"""Recommenders over windows: fitted before each, asked for everybody, judged, timed; the plain ones always beside them."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import RECOMMENDERS, FittedRecommender, Recommender
from holdfast.core.results import Score
from holdfast.evaluate.lists.compare import REPLICATES, gains, pooled, scores
from holdfast.evaluate.lists.judge import DEPTHS, Judged, judge
from holdfast.evaluate.lists.windows import ListWindow
from holdfast.metrics.toplists import Ideal

#: What every recommender must beat, by the name under which it is shown: id and settings.
BASELINES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "popular_7d": ("popular", {"window_days": 7}),
    "popular_14d": ("popular", {"window_days": 14}),
    "popular_28d": ("popular", {"window_days": 28}),
    "popular_by_segment": ("popular", {"window_days": 28, "by_segment": True}),
    "frequency": ("frequency", {"half_life": None}),
    "frequency_decayed": ("frequency", {"half_life": 60.0}),
}
#: Customers whose single question is timed.
TIMED = 100


@dataclass(frozen=True)
class Protocol:
    """How lists are asked for and judged; the arguments of `judge`. `text` is what a report says of it.

    >>> Protocol(seen="exclude").text
    'seen excluded, all targets, ideal cut at k'
    """

    seen: str = "allow"
    ideal: Ideal = "cut"
    targets: str = "all"
    depths: tuple[int, ...] = DEPTHS

    @property
    def text(self) -> str:
        seen = "seen allowed" if self.seen == "allow" else "seen excluded"
        which = "all targets" if self.targets == "all" else "targets on sale"
        return f"{seen}, {which}, ideal {'cut' if self.ideal == 'cut' else 'not cut'} at k"


def baselines() -> dict[str, Recommender]:
    """The plain recommenders that are always shown: windowed and segment popularity, personal frequency, plain and decayed."""
    return {name: RECOMMENDERS[kind](**settings) for name, (kind, settings) in BASELINES.items()}


def walk_forward(
    recommenders: Mapping[str, Recommender], windows: Iterable[ListWindow], protocol: Protocol | None = None, *,
    with_baselines: bool = True, progress: Progress = SILENT,
) -> dict[str, Judged]:  # fmt: skip
    """Fit each recommender before each window and judge its lists for all customers of the window; windows are pooled.

    Windows may be made one at a time (an iterator): only one is held. Everything is ranked: all items on sale.
    """
    protocol = protocol or Protocol()
    asked = {**(baselines() if with_baselines else {}), **recommenders}
    found: dict[str, list[Judged]] = {name: [] for name in asked}
    for number, window in enumerate(windows):
        for place, (name, recommender) in enumerate(asked.items()):
            progress.step(f"lists of window {number + 1}", place, len(asked))
            found[name].append(judged_once(recommender, window, protocol, name))
        progress.step(f"lists of window {number + 1}", len(asked), len(asked))
    return {name: pooled(parts) for name, parts in found.items() if parts}


def judged_once(recommender: Recommender, window: ListWindow, protocol: Protocol, name: str | None = None) -> Judged:
    """One recommender before one window: fitted, asked, judged and timed."""
    before = time.perf_counter()
    fit = recommender.fit(window.past)
    fitted = time.perf_counter()
    lists = fit.recommend(window.past, max(protocol.depths), allowed=window.on_sale, seen=protocol.seen)
    scored = time.perf_counter()
    found = judge(
        lists, window.later, window.past, on_sale=window.on_sale, seen=protocol.seen, ideal=protocol.ideal,
        targets=protocol.targets, depths=protocol.depths, model=name or recommender.recommender_id,
    )  # fmt: skip
    waits = latency(fit, window, protocol)
    return found.with_times(
        peak_mb(), fit_seconds=fitted - before, score_seconds=scored - fitted, judge_seconds=time.perf_counter() - scored,
        **waits,
    )  # fmt: skip


def latency(fit: FittedRecommender, window: ListWindow, protocol: Protocol) -> dict[str, float]:
    """Milliseconds of one customer's list, asked alone: the median and the slowest of a hundred."""
    if not len(window.past):
        return {}
    waits = []
    for customer in np.linspace(0, len(window.past) - 1, min(TIMED, len(window.past))).astype(np.int64):
        one = window.past.take(np.array([customer]))
        start = time.perf_counter()
        fit.recommend(one, protocol.depths[0], allowed=window.on_sale, seen=protocol.seen)
        waits.append(1000 * (time.perf_counter() - start))
    middle, slow = np.quantile(waits, [0.5, 0.99])
    return {"p50_ms": float(middle), "p99_ms": float(slow)}


def rows(
    judged: Mapping[str, Judged], protocol: Protocol, *, bench: str, data: str, what: str, count: int = REPLICATES
) -> list[Score]:
    """Every figure of every recommender with intervals, then the paired gains of each over those before it."""
    said = f"{what}, {protocol.text}"
    found = [
        one for each in judged.values() for one in scores(each, bench=bench, data=data, protocol=said, count=count)
    ]
    k = protocol.depths[0]
    paired = (f"recall_at_{k}", f"ndcg_at_{k}", f"hit_at_{k}")
    return found + gains(judged, bench=bench, data=data, protocol=said, metrics=paired, count=count)


def peak_mb() -> float:
    """Most memory that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)
