"""Amazon Beauty, the next item of every customer: all lanes and what trees make of them, without deep models.

Leave-one-out over the whole catalogue: the last item of each of 22,363 customers among all 12,101 items. Every setting was
chosen on the item before it (lanes fitted on all but the last two items); that item then joins the history, all is fitted
again and the last item is read once. The place in a history stands for a day, so the stacked lanes learn from the last
day, which is the penultimate item, by themselves.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.bench.list_data import Sequences
    from holdfast.core.interactions import Interactions
    from holdfast.core.recommend import Recommender
    from holdfast.evaluate.lists.judge import Judged
    from holdfast.recommend.mix_lanes import Spec

BENCH, DATA = "recommend", "beauty"
DEPTHS = (5, 10, 20)
METRICS = (*(f"{name}_at_{k}" for name in ("hit", "ndcg") for k in DEPTHS), "mrr", "fit_seconds", "list_seconds")


def run(full: bool, progress: Progress = SILENT) -> list[Score]:
    """Lists of 20 for everybody, hit and nDCG at 5, 10 and 20 with 95% intervals; `full` adds what each part is worth."""
    from holdfast.bench.list_data import beauty

    return table(beauty(), full, progress)


def table(data: Sequences, full: bool, progress: Progress = SILENT) -> list[Score]:
    """The rows for any sequences in this form: each recommender on the last item, tuned ones on the one before it."""
    from holdfast.evaluate.lists.compare import gains, scores

    found: list[Score] = []
    judged: dict[str, Judged] = {}
    last, before = protocol("last", data, "exclude"), protocol("penultimate", data, "exclude")
    todo: list[tuple[str, int, str]] = [(name, 1, "exclude") for name in recommenders(full)]
    todo += [("sequence_neighbours", 2, "exclude"), ("sequence_neighbours", 1, "allow")]
    todo += [("stacked", 2, "exclude")] if full else []
    for done, (name, hidden, seen) in enumerate(todo):
        progress.step("Beauty: next items", done, len(todo))
        one = judge_one(recommenders(full)[name], data, hidden, seen, name)
        if hidden == 1 and seen == "exclude":
            judged[name] = one
        said = last if hidden == 1 else before
        said = protocol("last", data, seen) if seen == "allow" else said
        found += scores(one, bench=BENCH, data=DATA, protocol=said, metrics=METRICS, slices=("all",))
    progress.step("Beauty: next items", len(todo), len(todo))
    best = {name: judged[name] for name in ("popular", "sequence_neighbours")}
    return found + gains({"stacked": judged["stacked"]}, best, bench=BENCH, data=DATA, protocol=last)


def protocol(target: str, data: Sequences, seen: str) -> str:
    """Which item is predicted, among how many, and whether items of the own past may stand in the list."""
    own = "seen items excluded" if seen == "exclude" else "seen items allowed"
    return f"leave-one-out, {target} item, full ranking of {len(data.items):,} items, {own}, 95%"


def recommenders(full: bool) -> dict[str, Callable[[], Recommender]]:
    """What is compared, by name: single lanes, their weighted mix, and the lanes stacked."""
    from holdfast.core.recommend import RECOMMENDERS
    from holdfast.recommend.mix_lanes import spec

    def made(name: str, **settings: Any) -> Callable[[], Recommender]:
        return lambda: RECOMMENDERS[name](**settings)

    lanes = counting_lanes()
    sessions = {"longest": 30, "neighbours": 200, "decay": 0.8}
    found = {
        "popular": made("popular"),
        "item_neighbours": made("item_neighbours", half_life=None, decay=0.8, shrinkage=1.0),
        "user_neighbours": made("user_neighbours", half_life=None, decay=0.8),
        "session": made("session", **sessions),
        "content": made("content", half_life=2.0),
        "sequence_neighbours": made("sequence_neighbours"),
        "two_hops": made("sequence_neighbours", hops=2, source_power=0.0),
        "stacked": made("stacked", lanes=lanes, horizon="1d"),
    }
    if full:
        whole = (*lanes, spec("session", **sessions))
        found |= {
            "mix": made("mix", lanes=lanes, horizon="1d"),
            "stacked_without_content": made("stacked", lanes=lanes[:-1], horizon="1d"),
            "stacked_with_sessions": made("stacked", lanes=whole, horizon="1d"),
        }
    return found


def counting_lanes() -> tuple[Spec, ...]:
    """What is stacked here."""
    from holdfast.recommend.mix_lanes import spec
    from holdfast.recommend.neighbours_rank import LANES

    return tuple(spec("content", half_life=2.0) if name == "content" else (name, rest) for name, rest in LANES)


def judge_one(make: Callable[[], Recommender], data: Sequences, hidden: int, seen: str, name: str) -> Judged:
    """Fit on all but the last `hidden` items of each history, list 20 items, judge them by the first hidden one."""
    from holdfast.evaluate.lists.judge import judge

    past, later = as_sessions(data.before_last(hidden)), data.last(hidden)
    start = time.perf_counter()
    fit = make().fit(past)
    fitted = time.perf_counter()
    lists = fit.recommend(past, max(DEPTHS), seen=seen)
    listed = time.perf_counter()
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    found = judge(lists, later, past, seen=seen, depths=DEPTHS, model=name)
    return found.with_times(peak, fit_seconds=fitted - start, list_seconds=listed - fitted)


def as_sessions(past: Interactions) -> Interactions:
    """Each history as one session, as published tables of session methods read these sequences."""
    return replace(past, session=past.customer.astype(np.int64))
