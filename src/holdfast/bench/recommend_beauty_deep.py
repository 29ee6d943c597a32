"""What a Transformer over items adds on Amazon Beauty: alone, and to lanes that only count.

Leave-one-out as the field does it: all 22,363 customers, every item ranked, items already bought left out. Everything is
chosen on the item before the last; then that item joins the history, all is fitted again, and the last item reports.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from holdfast.bench.list_data import Sequences, beauty
from holdfast.bench.recommend_added import chosen
from holdfast.bench.recommend_table import table
from holdfast.core.interactions import Interactions
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import RECOMMENDERS, Recommendations, Recommender
from holdfast.core.results import Score
from holdfast.evaluate.lists.judge import Judged, judge
from holdfast.evaluate.lists.windows import ListWindow

BENCH, DATA = "recommend", "beauty"
PROTOCOL = "leave-one-out, last item, all items ranked, seen excluded"
METRICS = ("hit_at_10", "ndcg_at_10")
SEEN = "exclude"
#: Lanes without a network, where they are registered.
COUNTED = ("sequence_neighbours", "item_neighbours", "ease", "ials")
DEPTH = 100


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """The lane alone, its losses (`full`: all of them to the end), and what it adds to a blend of counting lanes."""
    data = beauty()
    found = compared(data, {name: RECOMMENDERS[name]() for name in COUNTED if name in RECOMMENDERS}, deep(), progress)
    return found + list(_speeds(data, full, progress))


def deep() -> Recommender:
    """The lane as it is measured; its sizes were chosen on the item before the last."""
    from holdfast.recommend.sequential import Sasrec

    return Sasrec()


def compared(
    data: Sequences, counted: Mapping[str, Recommender], network: Recommender, progress: Progress = SILENT
) -> list[Score]:
    """Each lane, the blend of the counting ones, and the blend with the network; gains paired by customer."""
    lanes = {**counted, "sasrec": network}
    window = ListWindow(data.before_last(2), data.last(2))
    told, _ = _all_lists(window.past, lanes, "item before the last", progress)
    parts = {"blend_without_deep": tuple(counted), "blend_with_deep": tuple(lanes)} if counted else {}
    blends = {name: chosen(told, one, window, SEEN) for name, one in parts.items()}
    window = ListWindow(data.before_last(1), data.last(1))
    told, seconds = _all_lists(window.past, lanes, "last item", progress)
    shown = told | {name: blend.of(told) for name, blend in blends.items()}
    judged = {name: judged_as(name, one, window) for name, one in shown.items()}
    pairs = [("sasrec", name) for name in counted] + ([("blend_with_deep", "blend_without_deep")] if blends else [])
    rows = table(judged, pairs, data=DATA, protocol=f"{PROTOCOL}, 95%", metrics=METRICS)
    return [replace(one, seconds=seconds.get(one.model)) if "gain" not in one.protocol else one for one in rows]


def judged_as(name: str, lists: Recommendations, window: ListWindow) -> Judged:
    """Lists against the hidden item of each customer."""
    return judge(lists, window.later, window.past, seen=SEEN, depths=(10,), model=name)


def _all_lists(
    past: Interactions, lanes: Mapping[str, Recommender], step: str, progress: Progress
) -> tuple[dict[str, Recommendations], dict[str, float]]:
    """The lists of every lane fitted on `past`, and its seconds of fitting."""
    told, seconds = {}, {}
    for done, (name, lane) in enumerate(lanes.items()):
        progress.step(step, done, len(lanes))
        begin = time.perf_counter()
        fit = lane.fit(past)
        seconds[name] = time.perf_counter() - begin
        told[name] = fit.recommend(past, DEPTH, seen=SEEN)
    progress.step(step, len(lanes), len(lanes))
    return told, seconds


def _speeds(data: Sequences, full: bool, progress: Progress) -> Iterator[Score]:
    """Each loss: items read a second, and (`full`) how good it is on the item before the last when taught to the end."""
    from holdfast.recommend.sequential import Sasrec
    from holdfast.recommend.sequential_settings import LOSSES

    window = ListWindow(data.before_last(2), data.last(2))
    protocol = "one core, " + ("taught to the end, item before the last" if full else "one pass over the histories")
    for done, loss in enumerate(LOSSES):
        progress.step("losses", done, len(LOSSES))
        usual = Sasrec().teaching
        teaching = replace(usual, loss=loss) if full else replace(usual, loss=loss, epochs=1)
        begin = time.perf_counter()
        fit = Sasrec(teaching=teaching).fit(window.past)
        seconds = time.perf_counter() - begin
        read = float(fit.taught["tokens"]) / seconds
        yield Score(BENCH, DATA, protocol, f"sasrec_{loss}", "rows_per_second", read, seconds=seconds)
        if full:
            one = judged_as(f"sasrec_{loss}", fit.recommend(window.past, 10, seen=SEEN), window)
            for row in table({one.model: one}, (), data=DATA, protocol=f"{protocol}, 95%", metrics=METRICS):
                yield replace(row, seconds=seconds)
    yield Score(BENCH, DATA, protocol, "sasrec", "parameters", float(fit.parameters))
