"""What a Transformer over items adds on Amazon Beauty: alone, and to lanes that only count.

Leave-one-out as the field does it: all 22,363 customers, every item ranked, items already bought left out. Everything is
chosen on the item before the last; then that item joins the history, all is fitted again, and the last item reports.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.bench.list_data import Sequences, beauty
from holdfast.bench.recommend_added import chosen
from holdfast.bench.recommend_beauty_stack import Fits, stacks
from holdfast.bench.recommend_table import table
from holdfast.core.interactions import Interactions
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import RECOMMENDERS, Recommendations, Recommender
from holdfast.core.results import Score
from holdfast.evaluate.lists.judge import Judged, judge
from holdfast.evaluate.lists.windows import ListWindow

if TYPE_CHECKING:
    from holdfast.recommend.sequential import Sasrec
    from holdfast.recommend.sequential_settings import Loss

BENCH, DATA = "recommend", "beauty"
PROTOCOL = "leave-one-out, last item, all items ranked, seen excluded"
METRICS = ("hit_at_10", "ndcg_at_10")
SEEN = "exclude"
#: Lanes without a network, where they are registered.
COUNTED = ("sequence_neighbours", "item_neighbours", "ease", "ials")
DEPTH = 100


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """What the lane adds to a blend and to the stack of counting lanes, and its losses.

    The losses are sampled softmax (as the lane usually is) and gBCE; `full` also teaches the softmax over all items to the end.
    """
    data = beauty()
    counted = {name: RECOMMENDERS[name]() for name in COUNTED if name in RECOMMENDERS}
    networks = {"sasrec": deep(), "sasrec_gbce": by_loss("gbce")} | (
        {"sasrec_softmax": by_loss("softmax")} if full else {}
    )
    fits = Fits({**counted, **networks})
    found = compared(data, counted, deep(), progress, fits)
    return [*found, *stacks(data, fits, tuple(networks), progress), *_speeds(data, progress)]


def deep() -> Sasrec:
    """The lane as it is measured; its sizes were chosen on the item before the last."""
    from holdfast.recommend.sequential import Sasrec

    return Sasrec()


def by_loss(loss: Loss, **teaching: Any) -> Sasrec:
    """The same, taught by another loss."""
    return replace(deep(), teaching=replace(deep().teaching, loss=loss, **teaching))


def compared(
    data: Sequences, counted: Mapping[str, Recommender], network: Recommender, progress: Progress = SILENT,
    fits: Fits | None = None,
) -> list[Score]:  # fmt: skip
    """Each lane, the blend of the counting ones, and the blend with the network; gains paired by customer."""
    lanes = {**counted, "sasrec": network}
    fits = fits or Fits(lanes)
    window = ListWindow(data.before_last(2), data.last(2))
    told, _ = _all_lists(window.past, tuple(lanes), fits, "item before the last", progress)
    parts = {"blend_without_deep": tuple(counted), "blend_with_deep": tuple(lanes)} if counted else {}
    blends = {name: chosen(told, one, window, SEEN) for name, one in parts.items()}
    window = ListWindow(data.before_last(1), data.last(1))
    told, seconds = _all_lists(window.past, tuple(lanes), fits, "last item", progress)
    shown = told | {name: blend.of(told) for name, blend in blends.items()}
    judged = {name: judged_as(name, one, window) for name, one in shown.items()}
    pairs = [("sasrec", name) for name in counted] + ([("blend_with_deep", "blend_without_deep")] if blends else [])
    rows = table(judged, pairs, data=DATA, protocol=f"{PROTOCOL}, 95%", metrics=METRICS)
    return [replace(one, seconds=seconds.get(one.model)) if "gain" not in one.protocol else one for one in rows]


def judged_as(name: str, lists: Recommendations, window: ListWindow) -> Judged:
    """Lists against the hidden item of each customer."""
    return judge(lists, window.later, window.past, seen=SEEN, depths=(10,), model=name)


def _all_lists(
    past: Interactions, lanes: Sequence[str], fits: Fits, step: str, progress: Progress
) -> tuple[dict[str, Recommendations], dict[str, float]]:
    """The lists of every lane fitted on `past`, and its seconds of fitting."""
    told = {}
    for done, name in enumerate(lanes):
        progress.step(step, done, len(lanes))
        told[name] = fits.of(name, past).recommend(past, DEPTH, seen=SEEN)
    progress.step(step, len(lanes), len(lanes))
    return told, {name: fits.seconds[name] for name in lanes}


def _speeds(data: Sequences, progress: Progress) -> Iterator[Score]:
    """Items that each loss reads a second, in one pass."""
    from holdfast.recommend.sequential_settings import LOSSES

    past, protocol = data.before_last(2), "one core, one pass over the histories"
    for done, loss in enumerate(LOSSES):
        progress.step("losses", done, len(LOSSES))
        begin = time.perf_counter()
        fit = by_loss(loss, epochs=1).fit(past)
        seconds = time.perf_counter() - begin
        read = float(fit.taught["tokens"]) / seconds
        yield Score(BENCH, DATA, protocol, f"sasrec_{loss}", "rows_per_second", read, seconds=seconds)
    yield Score(BENCH, DATA, protocol, "sasrec", "parameters", float(fit.parameters))
