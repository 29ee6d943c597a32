"""Items that nobody has bought and customers of one basket: what content knows of them, beside popularity.

Cold items: a tenth of the items is taken out of every history before anything learns; customers who later chose some of
them get all of them ranked. Nothing can be popular that nobody bought, so the baselines are chance, the popularity that
content foretells, and (`hindsight`) the popularity that the hidden histories had: no shop knows that of a new item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.recommend_lastfm import filled, outcomes
from holdfast.bench.recommend_table import table
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.interactions import Interactions, ItemOutcomes
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import Recommendations
from holdfast.core.results import Score
from holdfast.evaluate.lists.compare import pooled
from holdfast.evaluate.lists.judge import Judged, judge
from holdfast.recommend.popular import Popular

SHARE = 0.1
_FOLDS = 5
_ITEMS, _CUSTOMERS, _CHANCE = 11, 12, 13
MONTH = Horizon.parse("30d")
METRICS = ("recall_at_10", "recall_at_20", "ndcg_at_10")


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Online Retail (titles), Amazon Beauty (attributes) and pictures drawn by code."""
    found: list[Score] = []
    for place, part in enumerate((online_retail, beauty, pictures)):
        progress.step("recommend: cold items and customers", place, 3)
        found += part(full)
    return found


def online_retail(full: bool = False) -> list[Score]:
    """Items without a history at 2011-11-09, and customers of one basket; targets are of the 30 days after."""
    from holdfast.bench.shops import open_shop
    from holdfast.engine.duck import Engine
    from holdfast.snapshot.interactions import interactions, items_on_sale
    from holdfast.snapshot.item_outcomes import item_outcomes

    cutoff = Cutoff.parse("2011-11-09", "Europe/London")
    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop("online_retail", engine, Path(folder))
        past = interactions(ledger, cutoff, event_types=("purchase",))
        later = item_outcomes(ledger, cutoff, MONTH, customer_id=past.customer_id).over(past.items)
    on_sale = items_on_sale(past)
    # an item new to the shop is new to everybody, so what a customer had bought before is no target
    later = _first_time(later, past)
    cold = _drawn(len(past.items), _ITEMS) & on_sale
    models = _models()
    found = cold_items(past, later, cold, models, data="online_retail")
    return found + cold_customers(past, later, on_sale, models, data="online_retail")


def beauty(full: bool = False) -> list[Score]:
    """Items without a history by their attributes; no times, so targets are whatever customers took of them, ever."""
    from holdfast.bench.list_data import beauty as read

    past = read().whole()
    cold = _drawn(len(past.items), _ITEMS)
    return cold_items(past, outcomes(past, cold[past.item]), cold, _models(), data="beauty")


def pictures(full: bool = False) -> list[Score]:
    """Words, pictures and both, in a world where each carries a taste that the other does not; `truth` is the ceiling."""
    from holdfast.bench.recommend_cold_world import world
    from holdfast.recommend.content.lane import Content

    with TemporaryDirectory() as folder:
        made = world(4000 if full else 1500, 1200 if full else 600, Path(folder))
        read: dict[str, Any] = {"images": "descriptors", "image_folder": folder, "half_life": None}
        models: dict[str, Any] = {
            "text": Content(image=0.0, **read), "image": Content(words=0.0, **read),
            "text_image": Content(**read), "text_image_learned": Content(weights="learned", **read),
        }  # fmt: skip
        cold = _drawn(len(made.past.items), _ITEMS, 0.2)
        later = outcomes(made.past, cold[made.past.item])
        pairs = [("text", "chance"), ("image", "chance")]
        pairs += [("text_image_learned", one) for one in ("text", "image", "text_image", "hindsight")]
        return cold_items(
            made.past, later, cold, models, data="pictures", pairs=pairs, share=0.2, truth=made.utility
        )  # fmt: skip


def cold_items(
    past: Interactions, later: ItemOutcomes, cold: NDArray[np.bool_], models: Mapping[str, Any], *, data: str,
    pairs: Sequence[tuple[str, str]] | None = None, share: float = SHARE, truth: NDArray[np.float64] | None = None,
) -> list[Score]:  # fmt: skip
    """Cold items ranked for those who chose some of them, by fits that saw only the others."""
    train = past.keeping(~cold[past.item])
    kept = cold[later.item] & (later.item >= 0)
    later = _keeping(later, kept)
    rows = np.flatnonzero((later.counts > 0) & (train.counts > 0))
    targets = later.take(rows)
    lists: dict[str, Recommendations] = {"chance": _by_chance(train, cold, rows)}
    popularity = np.bincount(past.item, minlength=len(past.items)).astype(np.float64)
    lists["hindsight"] = _same_for_all(train, rows, np.where(cold, popularity, -np.inf))
    first = next(iter(models.values()))
    lists["foretold"] = _same_for_all(train, rows, np.where(cold, _foretold(first, train, cold), -np.inf))
    if truth is not None:
        lists["truth"] = _ranked(train, rows, np.where(cold, truth, -np.inf)[rows])
    for name, model in models.items():
        own = model.fit(train).recommend(train, 20, allowed=cold, rows=rows)
        lists[name] = filled(own, lists["foretold"])
    judged = {name: judge(one, targets, train, on_sale=cold, model=name) for name, one in lists.items()}
    said = f"cold items: {share:.0%} of items ({int(cold.sum())}) hidden from all histories and ranked among themselves"
    against = pairs or [(name, over) for name in models for over in ("chance", "foretold", "hindsight")]
    return table(judged, against, data=data, protocol=said, metrics=METRICS)


def cold_customers(
    past: Interactions, later: ItemOutcomes, on_sale: NDArray[np.bool_], models: Mapping[str, Any], *, data: str
) -> list[Score]:
    """A fifth of customers at a time, unknown to the fit and known by their last basket; what they had bought is left out."""
    fold = np.random.default_rng(_CUSTOMERS).integers(0, _FOLDS, len(past))
    newest = np.zeros(len(past), np.int64)
    np.maximum.at(newest, past.customer, past.occurred_at)
    basket = past.keeping(past.occurred_at == newest[past.customer])
    judged: dict[str, list[Judged]] = {}
    for one in range(_FOLDS):
        rows = np.flatnonzero((fold == one) & (later.counts > 0) & (past.counts > 0))
        known = past.keeping(fold[past.customer] != one)
        ask: dict[str, Any] = {"allowed": on_sale, "rows": rows, "seen": "exclude"}
        popularity = Popular(window_days=28).fit(known).recommend(basket, 20, **ask)
        lists = {"popularity": popularity}
        for name, model in models.items():
            lists[name] = filled(model.fit(known).recommend(basket, 20, **ask), popularity)
        for name, own in lists.items():
            judged.setdefault(name, []).append(judge(own, later.take(rows), known, on_sale=on_sale, model=name))
    said = (
        "cold customers: a fifth at a time hidden from the fit, known by one basket, items not bought before, 30 days"
    )
    whole = {name: pooled(parts) for name, parts in judged.items()}
    return table(whole, [(name, "popularity") for name in models], data=data, protocol=said, metrics=METRICS)


def _models() -> dict[str, Any]:
    """Likeness, and the map from content to factors."""
    from holdfast.recommend.content.cold import ContentToFactors
    from holdfast.recommend.content.lane import Content

    plain = Content(half_life=None)
    return {"content": plain, "cold": ContentToFactors(content=plain)}


def _foretold(model: Any, train: Interactions, cold: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The popularity of new items as a ridge regression from content foretells it, for everybody the same."""
    from holdfast.recommend.content.cold import predicted
    from holdfast.recommend.content.lane import Content

    described = (model if isinstance(model, Content) else Content()).describe(train)
    count = np.log1p(np.bincount(train.item, minlength=len(train.items)).astype(np.float64))[:, None]
    found = count.copy()
    middle = count[~cold].mean()
    found[cold] = predicted(described.sparse[~cold], count[~cold] - middle, 3.0, described.sparse[cold])
    return np.asarray(found[:, 0])


def _by_chance(past: Interactions, allowed: NDArray[np.bool_], rows: NDArray[np.int64]) -> Recommendations:
    """Allowed items in an order drawn for each customer: the floor."""
    drawn = np.random.default_rng(_CHANCE).random((len(rows), len(allowed)))
    return _ranked(past, rows, np.where(allowed, drawn, -np.inf))


def _same_for_all(past: Interactions, rows: NDArray[np.int64], score: NDArray[np.float64]) -> Recommendations:
    return _ranked(past, rows, np.repeat(score[None], len(rows), axis=0))


def _ranked(past: Interactions, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> Recommendations:
    from holdfast.recommend.lane import best, lists

    item, score = best(scores.astype(np.float32), 20)
    return lists(past.take(rows), past.items, item, score, "new", "ranked")


def _first_time(later: ItemOutcomes, past: Interactions) -> ItemOutcomes:
    width = len(past.items) + 1
    row = np.repeat(np.arange(len(later)), later.counts)
    return _keeping(later, ~np.isin(row * width + later.item, past.customer.astype(np.int64) * width + past.item))


def _keeping(later: ItemOutcomes, kept: NDArray[np.bool_]) -> ItemOutcomes:
    row = np.repeat(np.arange(len(later)), later.counts)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(later)))]).astype(np.int64)
    return replace(later, offsets=offsets, item=later.item[kept], amount=later.amount[kept])


def _drawn(n: int, seed: int, share: float = SHARE) -> NDArray[np.bool_]:
    return np.asarray(np.random.default_rng(seed).random(n) < share)
