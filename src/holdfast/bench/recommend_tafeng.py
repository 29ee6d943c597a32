"""Ta-Feng: the last basket of every customer, by the protocol of the Next Basket Reality Check (Li et al. 2023).

All 13,858 customers, all items; repeats allowed; nDCG's ideal list is the whole basket, not cut at k, as in the public
code of that paper. Settings of lanes and their weights are chosen on the penultimate baskets of all customers, with lanes
fitted on what came before those; then everything is fitted again on all baskets but the last. Places in a history stand
for days (see `list_data`), so that half-lives are in baskets.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.list_data import tafeng
from holdfast.bench.recommend_blend import Pool, blended, learn, ndcg
from holdfast.bench.recommend_tafeng_reference import UPCF, Upcf, gp_topfreq, tifu_knn
from holdfast.core.interactions import Interactions, ItemOutcomes
from holdfast.core.progress import Progress
from holdfast.core.recommend import Recommender
from holdfast.core.results import Score
from holdfast.metrics.bootstrap import interval, replicates
from holdfast.recommend.again import Again
from holdfast.recommend.again_basket import NextBasket
from holdfast.recommend.frequency import Frequency
from holdfast.recommend.lane import best
from holdfast.recommend.mix import Mix
from holdfast.recommend.mix_lanes import spec
from holdfast.recommend.popular import Popular

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Scorer = Callable[[Ints], NDArray[np.float32]]
PROTOCOL = "last basket, all customers, repeats allowed, ideal list not cut at k; interval: 95%, bootstrap of customers"
BLOCK = 1_000
DRAWS = 1_000
STEP = "recommend tafeng: published, settings, last baskets"
DEPTHS = (10, 20)
#: Settings of each term, tried on the penultimate baskets.
OWN = tuple(
    Again(1.0, None, half_life, due) for half_life in (3.0, 6.6, 20.0) for due in (0.25, 0.5, 0.75)
)  # fmt: skip
ALIKE = (
    NextBasket(), NextBasket(neighbours=1_000), NextBasket(rarity=0.5), NextBasket(half_life_baskets=100.0),
    NextBasket(fresh_half_life_baskets=6.6), NextBasket(locality=1.5),
)  # fmt: skip
SHOP = (Popular(None), Popular(None, half_life=3.0), Popular(None, half_life=1.0))
TERMS: tuple[tuple[Recommender, ...], ...] = (OWN, ALIKE, SHOP)


@dataclass(frozen=True, eq=False)
class Task:
    """What was known and the basket that followed, as (customers x items)."""

    past: Interactions
    truth: Any = field(repr=False)

    @classmethod
    def of(cls, past: Interactions, later: ItemOutcomes) -> Task:
        from scipy.sparse import csr_matrix

        cells = (np.ones(len(later.item), np.float32), later.item, later.offsets)
        return cls(past, csr_matrix(cells, shape=(len(past), len(past.items))))


def run(full: bool, progress: Progress) -> list[Score]:
    """Published methods, single lanes as chosen, and their mix.

    `full` chooses on all customers, not a third, and adds the mix that finds its weights by itself (minutes more).
    """
    shop = tafeng()
    taught, asked = Task.of(shop.before_last(2), shop.last(2)), Task.of(shop.before_last(1), shop.last(1))
    found: list[Judged] = []
    upcf = tuned(UPCF, taught, np.arange(0, len(taught.past), 2 if full else 10))
    published: tuple[tuple[str, Callable[[Interactions], Scorer]], ...] = (
        ("gp_topfreq", gp_topfreq), ("tifu_knn", tifu_knn), ("upcf", upcf),
    )  # fmt: skip
    for name, make in published:
        found.append(judged(name, partial(make, asked.past), asked))
    progress.step(STEP, 1, 3)
    began = time.perf_counter()
    lanes, weights = choose(taught, np.arange(0, len(taught.past), 1 if full else 3))
    chosen = time.perf_counter() - began
    progress.step(STEP, 2, 3)
    for lane in (Frequency(tie_days=None), *lanes):  # days are baskets here
        found.append(judged(lane.recommender_id, partial(_scorer, lane, asked.past), asked))
    found.append(judged("mix", partial(_blend, lanes, weights, asked.past), asked, chosen))
    if full:
        found.append(judged("mix_lane", partial(_scorer, mix_of(lanes), asked.past), asked))
    progress.step(STEP, 3, 3)
    return [*(row for one in found for row in one.rows()), *gains(found), *settings(lanes, weights), _chosen(upcf)]


def mix_of(lanes: list[Recommender]) -> Mix:
    """The mix that a shop is served by, of these lanes: it hides the newest basket of what it is given to find weights."""
    return Mix(lanes=tuple(spec(one.recommender_id, **asdict(cast(Any, one))) for one in lanes), horizon="1d")


def tuned(settings: Sequence[Upcf], task: Task, rows: Ints) -> Upcf:
    """The setting with the most recall@10 on these customers; the first of equals."""

    def reached(one: Upcf) -> float:
        item = best(one(task.past)(rows), 10)[0].astype(np.int64)
        hit = np.take_along_axis(task.truth[rows].toarray() > 0, np.maximum(item, 0), axis=1) & (item >= 0)
        return float((hit.sum(axis=1) / np.diff(task.truth.indptr)[rows]).mean())

    return max(settings, key=reached)


def _scorer(lane: Recommender, past: Interactions) -> Scorer:
    return partial(lane.fit(past).score, past)


def _blend(lanes: list[Recommender], weights: Floats, past: Interactions) -> Scorer:
    return partial(blended, [lane.fit(past) for lane in lanes], weights, past)


def choose(task: Task, rows: Ints) -> tuple[list[Recommender], Floats]:
    """One setting of each term and the weights, by recall@10 + nDCG@10 of their blend; terms are changed one by one."""
    lanes = [one[0] for one in TERMS]
    fits = [one.fit(task.past) for one in lanes]
    pool = Pool.of(fits, task.past, task.truth, rows)
    values = [pool.values(one, task.past) for one in fits]
    weights, reached = learn(pool, values)
    for term, settings in enumerate(TERMS):
        for setting in settings[1:]:
            tried = [*values]
            tried[term] = pool.values(setting.fit(task.past), task.past)
            other, better = learn(pool, tried)
            if better > reached:
                lanes[term], values, weights, reached = setting, tried, other, better
    return lanes, weights


@dataclass(frozen=True, eq=False)
class Judged:
    """Each metric of each customer, and what it took."""

    name: str
    metrics: dict[str, Floats] = field(repr=False)
    seconds: float
    peak_mb: float

    def rows(self) -> list[Score]:
        """Means with intervals by resampling customers."""
        return [
            _score(PROTOCOL, self.name, metric, values, self.seconds, self.peak_mb)
            for metric, values in self.metrics.items()
        ]


def judged(name: str, make: Callable[[], Scorer], task: Task, chosen: float = 0.0) -> Judged:
    """Fit, score and judge on the last baskets; `seconds` are of fitting, scoring and (for the blend) choosing."""
    began = time.perf_counter()
    score, parts = make(), []
    for start in range(0, len(task.past), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(task.past)))
        item = best(score(rows), max(DEPTHS))[0].astype(np.int64)
        truth = task.truth[rows].toarray() > 0
        parts.append(np.take_along_axis(truth, np.maximum(item, 0), axis=1) & (item >= 0))
    seconds = round(time.perf_counter() - began + chosen, 2)
    hit, bought = np.concatenate(parts), np.diff(task.truth.indptr).astype(np.int64)
    metrics: dict[str, Floats] = {}
    for k in DEPTHS:
        metrics[f"recall_at_{k}"] = np.asarray(hit[:, :k].sum(axis=1), np.float64) / bought
        metrics[f"ndcg_at_{k}"] = ndcg(hit[:, :k], bought)
        metrics[f"hit_at_{k}"] = np.asarray(hit[:, :k].any(axis=1), np.float64)
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return Judged(name, metrics, seconds, peak)


def gains(found: list[Judged]) -> list[Score]:
    """What the mix finds more than each other list, customer by customer."""
    mix = next(one for one in found if one.name == "mix")
    return [
        _score(f"paired gain over {other.name}, last basket; interval: 95%", "mix", metric, mine - other.metrics[metric])
        for other in found if other is not mix
        for metric, mine in mix.metrics.items() if metric.endswith("_10")
    ]  # fmt: skip


def settings(lanes: list[Recommender], weights: Floats) -> list[Score]:
    """What was chosen on the penultimate baskets: the protocol names the settings, the value is the blend's weight."""
    said = "chosen on penultimate baskets: "
    return [
        Score("recommend", "tafeng", f"{said}{one}", one.recommender_id, "weight", float(weight))
        for one, weight in zip(lanes, weights / weights.sum(), strict=True)
    ]


def _chosen(upcf: Upcf) -> Score:
    """The setting of UP-CF@r as a row: the value is its recency in baskets (0: all)."""
    said = f"chosen on penultimate baskets: {upcf}"
    return Score("recommend", "tafeng", said, "upcf", "recency", float(upcf.recency or 0))


def _score(
    protocol: str, name: str, metric: str, values: Floats, seconds: float | None = None, peak: float | None = None
) -> Score:
    means = [chunk @ values / chunk.sum(axis=1) for chunk in replicates(len(values), DRAWS, seed=1)]
    low, high = interval(np.concatenate(means))
    value, n = float(values.mean()), len(values)
    return Score("recommend", "tafeng", protocol, name, metric, value, low, high, n, seconds, peak)
