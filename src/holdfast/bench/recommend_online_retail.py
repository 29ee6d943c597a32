"""UCI Online Retail, cutoff 2011-11-09, the next 30 days: every lane, their mix, the re-ranker, and the list as published.

Items sold in the 90 days before; customers with a history and a target; own items allowed, and left out. nDCG's ideal list
ends at 10. Settings of lanes are chosen on the window before the last one before the cutoff, weights are found on the last one, and the
trees learn from windows that had closed by then, with lanes fitted again before each. While the lanes were made this window had
been looked at: read the figures as those of development.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import RECOMMENDERS, FittedRecommender, Recommendations
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.evaluate.lists.judge import Judged
    from holdfast.evaluate.lists.windows import ListWindow

BENCH, DATA = "recommend", "online_retail"
CUTOFF = "2011-11-09"
HORIZON = Horizon.parse("30d")
METRICS = ("recall_at_10", "ndcg_at_10", "hit_at_10")
SEEN = {"allow": "own items allowed", "exclude": "own items left out"}
STEP = "lists of Online Retail"
#: Entries that rules, diversity and exploration choose from.
LONG = 60
#: Lanes beyond those of the mix.
OTHERS = ("item_neighbours", "user_neighbours", "complement", "next_basket")


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Every figure with a 95% interval, paired gains of the re-ranker over each lane, ceilings, and the price of publishing.

    `full` learns from six earlier windows instead of three.
    """
    window = opened(progress)
    fits, seconds = fitted(window, 6 if full else 3, progress)
    found = [*learnt(fits["rerank"])]
    for seen, said in SEEN.items():
        lists = {
            name: fit.recommend(window.past, LONG, allowed=window.on_sale, seen=seen) for name, fit in fits.items()
        }
        found += compared({name: judged(one, window, seen, name) for name, one in lists.items()}, said, seconds)
        found += published(lists["rerank"], fits["rerank"], window, seen, said)
    return found


def opened(progress: Progress = SILENT) -> ListWindow:
    """The history of whoever has a target, and everybody else's, with what followed."""
    from holdfast.bench.shops import open_shop
    from holdfast.engine.duck import Engine
    from holdfast.evaluate.lists.windows import ListWindow
    from holdfast.snapshot.interactions import interactions, items_on_sale
    from holdfast.snapshot.item_outcomes import item_outcomes

    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop(DATA, engine, Path(folder), progress)
        cutoff = Cutoff.parse(CUTOFF, ledger.zone)
        past = interactions(ledger, cutoff)
        later = item_outcomes(ledger, cutoff, HORIZON, customer_id=past.customer_id)
    return ListWindow(past, later, items_on_sale(past))


def fitted(
    window: ListWindow, lessons: int, progress: Progress
) -> tuple[dict[str, FittedRecommender], dict[str, float]]:
    """The re-ranker with its mix and lanes, and other lanes by their defaults; seconds of fitting."""
    from holdfast.recommend.mix import LANES
    from holdfast.recommend.mix_tune import tuned
    from holdfast.recommend.rerank.rerank import Rerank, RerankFit

    fits: dict[str, FittedRecommender] = {}
    seconds: dict[str, float] = {}
    for at, name in enumerate(OTHERS):
        progress.step(STEP, at, len(OTHERS) + 3)
        begin = time.perf_counter()
        fits[name] = RECOMMENDERS[name]().fit(window.past)
        seconds[name] = time.perf_counter() - begin
    begin = time.perf_counter()
    specs = tuned(LANES, window.past, HORIZON, most=4_000)
    rerank = Rerank(lanes=specs, lessons=lessons).fit(window.past)
    assert isinstance(rerank, RerankFit)  # noqa: S101 - for the type checker
    seconds["rerank"] = time.perf_counter() - begin
    progress.step(STEP, 1, 1)
    for (name, settings), lane in zip(specs, rerank.lanes, strict=True):
        fits["_".join([name, *("none" if value is None else f"{value:g}" for _, value in settings)])] = lane
    return fits | {"mix": rerank.mix, "rerank": rerank}, seconds


def judged(lists: Recommendations, window: ListWindow, seen: str, name: str) -> Judged:
    """Lists of customers with a target, against what followed."""
    from holdfast.evaluate.lists.judge import judge

    return judge(lists, window.later, window.past, on_sale=window.on_sale, seen=seen, depths=(10,), model=name)


def compared(found: Mapping[str, Judged], said: str, seconds: Mapping[str, float]) -> list[Score]:
    """Rows of every lane, and what the mix and the re-ranker gain over each."""
    from holdfast.evaluate.lists.compare import gains, scores

    protocol = f"next 30 days, items of the last 90 days, {said}; 95%, bootstrap of customers"
    rows: list[Score] = []
    for name, one in found.items():
        mine = scores(one, bench=BENCH, data=DATA, protocol=protocol, metrics=METRICS, slices=("all",))
        rows += [replace(row, seconds=seconds.get(name)) for row in mine]
    for name in ("mix", "rerank"):
        others = {one: kept for one, kept in found.items() if one not in (name, "rerank")}
        rows += gains(
            {name: found[name]},
            others,
            bench=BENCH,
            data=DATA,
            protocol=protocol,
            metrics=("recall_at_10", "ndcg_at_10"),
        )
    return rows


def learnt(fit: FittedRecommender) -> list[Score]:
    """What the windows before the cutoff said: ceilings, and nDCG of customers whose fold had not chosen."""
    notes: Mapping[str, float] = getattr(fit, "notes", {})
    names = {
        "candidate_recall": "ceiling of recall among the candidates of all lanes",
        "held_out_ndcg_at_10": "nDCG at 10 among candidates, customers held out",
        "rounds": "trees",
    }
    return [
        Score(BENCH, DATA, f"window before the cutoff, {what}, {said}", "rerank", metric, notes[f"{mode}_{metric}"])
        for mode, said in SEEN.items()
        for metric, what in names.items()
        if f"{mode}_{metric}" in notes
    ]


def published(lists: Recommendations, fit: FittedRecommender, window: ListWindow, seen: str, said: str) -> list[Score]:
    """The list after rules, then diversity, then an exploration slot, and what each step costs against the one before."""
    from holdfast.evaluate.lists.compare import gains, scores
    from holdfast.recommend.diversity import Mmr
    from holdfast.recommend.explore import Explore, Posterior
    from holdfast.recommend.rules.apply import ruled
    from holdfast.recommend.rules.bought_policy import LearnBought
    from holdfast.recommend.rules.rule import Dismissed, OnSale, Rule

    ials = next(one for one in getattr(fit, "lanes", ()) if one.recommender_id == "ials")
    rules: list[Rule] = [OnSale(), Dismissed(), LearnBought().learn(window.past)]
    steps = {"ranked": lists}
    steps["ruled"] = ruled(lists, window.past, rules, count=LONG)
    steps["diverse"] = Mmr(0.15).diverse(steps["ruled"], ials.factors, LONG // 2)
    steps["published"] = Explore(slots=1).explored(steps["diverse"], Posterior.of(window.past))
    found = {f"list_{name}": judged(one, window, seen, f"list_{name}") for name, one in steps.items()}
    protocol = f"next 30 days, items of the last 90 days, {said}, as published; 95%, bootstrap of customers"
    rows: list[Score] = []
    for one in found.values():
        rows += scores(one, bench=BENCH, data=DATA, protocol=protocol, metrics=METRICS, slices=("all",))
    names = list(found)
    for before, after in pairwise(names):
        rows += gains({after: found[after]}, {before: found[before]}, bench=BENCH, data=DATA, protocol=protocol)
    return rows + gains(
        {names[-1]: found[names[-1]]}, {names[0]: found[names[0]]}, bench=BENCH, data=DATA, protocol=protocol
    )
