"""Last.fm with and without friends: does it help to know whom a customer knows?

The set has no times, so a fifth of each customer's artists is held out at random, once, with a fixed seed; every figure is
about filling in, not about the future. All artists are ranked, those the customer is known to hear left out. Everything is
tuned on another fifth, taken from the training part in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.bench.recommend_scores import Metrics, per_customer, scores_of
from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions, ItemOutcomes
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import Recommendations
from holdfast.core.results import Score

SHARE = 0.2
#: Customers whose every listen is hidden.
COLD_SHARE = 0.1
#: Tuned one after the other on the validation part, from the first configuration on.
UNOBSERVED = (0.003, 0.01, 0.03, 0.1)
REGULARISATION = (2.0, 5.0, 10.0, 20.0, 40.0)
PULLS = (0.25, 0.5, 0.75, 1.0)
#: A random number of its own for every split.
_TEST, _VALIDATION, _COLD = 1, 2, 3


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Tuned iALS, iALS with friends, popularity; and customers of whom only the friends are known."""
    from holdfast.bench.list_data import lastfm
    from holdfast.recommend.social import Social

    whole = lastfm()
    train, test = held_out(whole, SHARE, _TEST)
    inner, validation = held_out(train, SHARE, _VALIDATION)
    start = Social(factors=128 if full else 64, iterations=8, pull=0.0)
    alone, friends = tuned(inner, validation, start, progress)
    found: dict[str, Metrics] = {"popularity": per_customer(popular(train, "exclude"), test)}
    seconds = {}
    for name, model in (
        ("ials", alone),
        ("social", friends),
        ("social_friends_only", replace(alone, pull=friends.pull)),
    ):
        begun = time.perf_counter()
        lists = model.fit(train).recommend(train, 20, seen="exclude")
        seconds[name] = round(time.perf_counter() - begun, 1)
        found[name] = per_customer(lists, test)
    said = f"random fifth held out, seen excluded, ials {_settings(alone)}, social {_settings(friends)}"
    rows = scores_of(
        "recommend", "lastfm", said, found,
        [("ials", "popularity"), ("social", "ials"), ("social_friends_only", "ials")],
    )  # fmt: skip
    return [replace(one, seconds=seconds.get(one.model)) for one in rows] + cold_customers(whole, friends, progress)


def tuned(inner: Interactions, validation: ItemOutcomes, start: Any, progress: Progress = SILENT) -> tuple[Any, Any]:
    """The best configuration without friends, and the best of those that start there with friends."""
    tried: dict[Any, float] = {}

    def best(of: Iterable[Any]) -> Any:
        for model in of:
            if model not in tried:
                progress.step("recommend: tune on Last.fm", len(tried))
                lists = model.fit(inner).recommend(inner, 20, seen="exclude")
                tried[model] = float(np.nanmean(per_customer(lists, validation)["ndcg_at_10"]))
        return max(tried, key=lambda one: tried[one])

    alone = best(replace(start, unobserved=one) for one in UNOBSERVED)
    alone = best(replace(alone, regularisation=one) for one in REGULARISATION)
    alone = best(replace(alone, units=one) for one in ("log",))
    alone = best(replace(alone, unobserved=one) for one in UNOBSERVED)
    friends = max((replace(alone, pull=one) for one in PULLS), key=lambda one: (best([one]), tried[one])[1])
    stronger = (replace(friends, regularisation=friends.regularisation * by) for by in (1.0, 1.5, 2.5))
    friends = max(stronger, key=lambda one: (best([one]), tried[one])[1])
    return alone, friends


def cold_customers(whole: Interactions, social: Any, progress: Progress = SILENT) -> list[Score]:
    """Every listen of a tenth of the customers hidden: what their friends hear, and what everybody hears."""
    from holdfast.recommend.content.lane import Content
    from holdfast.recommend.social_trust import Trust

    hidden = np.random.default_rng(_COLD).random(len(whole)) < COLD_SHARE
    rows = np.flatnonzero(hidden)
    train = whole.keeping(~hidden[whole.customer])
    later = _outcomes(whole, hidden[whole.customer]).take(rows)
    popularity = popular(train, "allow").take(rows)
    progress.step("recommend: cold customers of Last.fm", 0, 1)
    trust = Trust().fit(train).recommend(train, 20, rows=rows)
    by_mean = social.fit(train).recommend(train, 20, rows=rows)
    content = Content(half_life=None).fit(train).recommend(train, 20, rows=rows)
    found = {
        "popularity": per_customer(popularity, later),
        "trust": per_customer(filled(trust, popularity), later),
        "social": per_customer(filled(by_mean, popularity), later),
        "content": per_customer(filled(content, popularity), later),
    }
    tied = float((trust.counts > 0).mean())
    said = f"all listens of a tenth of customers hidden, {tied:.1%} have a known friend, popularity fills the rest"
    pairs = [("trust", "popularity"), ("social", "popularity"), ("content", "popularity")]
    return scores_of("recommend", "lastfm", said, found, pairs)


def held_out(past: Interactions, share: float, seed: int) -> tuple[Interactions, ItemOutcomes]:
    """A share of each customer's items at random (its floor), and the rest."""
    chance = np.random.default_rng(seed).random(past.size)
    order = np.lexsort((chance, past.customer))
    place = np.empty(past.size, np.int64)
    place[order] = np.arange(past.size) - np.repeat(past.offsets[:-1], past.counts)
    hidden = place < np.floor(share * past.counts)[past.customer]
    return past.keeping(~hidden), _outcomes(past, hidden)


def popular(past: Interactions, seen: str, count: int = 20) -> Recommendations:
    """What most customers hear, for everybody."""
    from holdfast.recommend.lane import best, blocks, cells, lists

    degree = np.bincount(past.item, minlength=len(past.items)).astype(np.float32)
    items, scores = [], []
    for rows in blocks(np.arange(len(past)), len(past.items)):
        block = np.repeat(degree[None], len(rows), axis=0)
        if seen == "exclude":
            block[cells(past, rows)] = -np.inf
        item, score = best(block, count)
        items.append(item)
        scores.append(score)
    return lists(past, past.items, np.concatenate(items), np.concatenate(scores), "explore", "popularity")


def filled(lists: Recommendations, rest: Recommendations, count: int = 20) -> Recommendations:
    """Lists that end before `count` go on with the items of `rest`."""
    joined = []
    for at in range(len(lists)):
        own = lists.item[lists.offsets[at] : lists.offsets[at + 1]].tolist()
        more = rest.item[rest.offsets[at] : rest.offsets[at + 1]].tolist()
        joined.append([*own, *(one for one in more if one not in own)][:count])
    return Recommendations.listed(lists.customer_id, lists.item_id, joined, lists.cutoff, "explore", "filled")


def _outcomes(past: Interactions, hidden: NDArray[np.bool_]) -> ItemOutcomes:
    kept = past.keeping(hidden)
    order = np.lexsort((kept.item, kept.customer))
    return ItemOutcomes(
        pa.array(past.customer_id), past.cutoff, Horizon.parse("1d"), past.items.item_id, kept.offsets,
        kept.item[order], np.zeros(kept.size, np.int64),
    )  # fmt: skip


def _settings(model: Any) -> str:
    named = ("unobserved", "regularisation", "units", "pull")
    return "/".join(f"{one} {asdict(model)[one]}" for one in named)
