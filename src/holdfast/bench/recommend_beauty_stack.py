"""Amazon Beauty: which loss teaches the network best, and what its scores are worth as a column of the stacked trees.

The loss, and whether the column is worth having, are judged on the item before the last, from histories without the last
two; those trees learn from the item before that. Then the item before the last joins the history, all is fitted again, and
the last item reports. A network is fitted once for each history, however many lists it stands in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from holdfast.bench.list_data import Sequences
from holdfast.bench.recommend_beauty import counting_lanes
from holdfast.bench.recommend_table import table
from holdfast.core.interactions import Interactions
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import FittedRecommender, Recommender
from holdfast.core.results import Score
from holdfast.evaluate.lists.judge import Judged, judge
from holdfast.recommend.mix_lanes import Spec, fit_lanes
from holdfast.recommend.neighbours_rank import Stacked

DATA, SEEN, STEP = "beauty", "exclude", "losses and stacks"
METRICS = ("hit_at_10", "ndcg_at_10")
PROTOCOL = "leave-one-out, {} item, all items ranked, seen excluded, losses and stacks, 95%"
#: The stack of counting lanes, and how one with a network is called before the network's name.
COUNTED, WITH = "stacked", "stacked_with_"


@dataclass(eq=False)
class Fits:
    """Recommenders by name, each fitted once on each history (those of one set differ in size); seconds of the last fit."""

    recommenders: Mapping[str, Recommender]
    lanes: tuple[Spec, ...] = field(default_factory=counting_lanes)
    seconds: dict[str, float] = field(default_factory=dict)
    _kept: dict[tuple[str, int], tuple[FittedRecommender, ...]] = field(default_factory=dict)

    def of(self, name: str, past: Interactions) -> FittedRecommender:
        """One of the recommenders as of this history."""
        return self._once(name, past)[0]

    def stacked(self, past: Interactions, network: str = "") -> FittedRecommender:
        """Trees over the counting lanes and, if named, a network."""

        def fits(some: Interactions) -> Sequence[FittedRecommender]:
            return [*self._once("", some), *([self.of(network, some)] if network else [])]

        return Stacked(horizon="1d").over(past, fits)

    def _once(self, name: str, past: Interactions) -> tuple[FittedRecommender, ...]:
        key = (name, past.size)
        if key not in self._kept:
            begin = time.perf_counter()
            self._kept[key] = (self.recommenders[name].fit(past),) if name else fit_lanes(self.lanes, past)
            self.seconds[name] = time.perf_counter() - begin
        return self._kept[key]


def stacks(data: Sequences, fits: Fits, networks: Sequence[str], progress: Progress = SILENT) -> list[Score]:
    """Rows of every network, and of stacks without one and with the one that was best on the item before the last."""
    tried = {name: _judged(data, fits, name, 2) for name in networks}
    best = max(tried, key=lambda name: tried[name].mean("ndcg_at_10"))
    progress.step(STEP, 1, 3)
    stacked = (COUNTED, WITH + best)
    tried |= {name: _judged(data, fits, name, 2) for name in stacked}
    progress.step(STEP, 2, 3)
    found = {name: _judged(data, fits, name, 1) for name in (*networks, *stacked)}
    progress.step(STEP, 3, 3)
    losses = [(best, name) for name in networks if name != best]
    pairs = [(WITH + best, COUNTED), (WITH + best, best), *losses]
    rows = table(tried, pairs, data=DATA, protocol=PROTOCOL.format("penultimate"), metrics=METRICS)
    rows += table(found, pairs, data=DATA, protocol=PROTOCOL.format("last"), metrics=METRICS)
    return [one if "gain" in one.protocol else replace(one, seconds=fits.seconds.get(one.model)) for one in rows]


def _judged(data: Sequences, fits: Fits, name: str, hidden: int) -> Judged:
    """A network or a stack, by name, fitted on all but the last `hidden` items and held against the first of them."""
    past = data.before_last(hidden)
    fit = (
        fits.of(name, past)
        if name in fits.recommenders
        else fits.stacked(past, name.removeprefix(WITH).removeprefix(COUNTED))
    )
    lists = fit.recommend(past, 10, seen=SEEN)
    return judge(lists, data.last(hidden), past, seen=SEEN, depths=(10,), model=name)
