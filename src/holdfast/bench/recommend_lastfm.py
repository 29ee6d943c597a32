"""Last.fm with and without friends: does it help to know whom a customer knows?

The set has no times, so a fifth of each customer's artists is held out at random, once, with a fixed seed; every figure is
about filling in, not about the future. All artists are ranked, those the customer is known to hear left out. Everything is
tuned on another fifth, taken from the training part in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.recommend_table import table
from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions, ItemOutcomes
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import Recommendations
from holdfast.core.results import Score
from holdfast.evaluate.lists.judge import judge

SHARE = 0.2
#: Customers whose every listen is hidden.
COLD_SHARE = 0.1
#: Tuned one after the other on the validation part, from the first configuration on.
UNOBSERVED = (0.01, 0.03, 0.1)
REGULARISATION = (1.0, 2.0, 4.0, 6.0)
PULLS = (0.0, 0.1, 0.25, 0.5)
TRUSTS = (0.0, 0.05, 0.1, 0.2, 0.4)
#: A random number of its own for every split.
_TEST, _VALIDATION, _COLD = 1, 2, 3


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Tuned iALS, iALS with friends, popularity; and customers of whom only the friends are known."""
    from holdfast.bench.list_data import lastfm
    from holdfast.recommend.popular import Popular
    from holdfast.recommend.social import Social

    whole = lastfm()
    train, test = held_out(whole, SHARE, _TEST)
    inner, validation = held_out(train, SHARE, _VALIDATION)
    start = Social(factors=128 if full else 64, iterations=8, pull=0.0, trust=0.0)
    alone, friends = tuned(inner, validation, start, progress)
    models = {
        "popularity": Popular(window_days=None), "ials": alone, "social": friends,
        "social_pull_only": replace(alone, pull=friends.pull or PULLS[1]),
    }  # fmt: skip
    found, seconds = {}, {}
    for name, model in models.items():
        begun = time.perf_counter()
        lists = model.fit(train).recommend(train, 20, seen="exclude")
        seconds[name] = round(time.perf_counter() - begun, 1)
        found[name] = judge(lists, test, train, model=name)
    said = f"random fifth held out, seen excluded, ials {_settings(alone)}, social {_settings(friends)}"
    pairs = [("ials", "popularity"), ("social", "ials"), ("social_pull_only", "ials")]
    rows = table(found, pairs, data="lastfm", protocol=said)
    rows = [replace(one, seconds=None if "gain" in one.protocol else seconds[one.model]) for one in rows]
    return rows + cold_customers(whole, friends, progress)


def tuned(inner: Interactions, validation: ItemOutcomes, start: Any, progress: Progress = SILENT) -> tuple[Any, Any]:
    """The best configuration without friends, and the best of those that hear friends in either way, from there on."""
    tried: dict[Any, float] = {}

    def attempt(model: Any, trusts: Sequence[float] = (0.0,)) -> None:
        if all(replace(model, trust=one) in tried for one in trusts):
            return
        progress.step("recommend: tune on Last.fm", len(tried))
        fit = model.fit(inner)
        for one in trusts:  # said at scoring only, so that one fit serves them all
            said = replace(fit, recommender=replace(model, trust=one))
            lists = said.recommend(inner, 20, seen="exclude")
            tried[said.recommender] = judge(lists, validation, inner).mean("ndcg_at_10")

    alone = start
    for name, values in (("unobserved", UNOBSERVED), ("regularisation", REGULARISATION), ("units", ("log",))):
        for value in values:
            attempt(replace(alone, **{name: value}))
        alone = max(tried, key=lambda one: tried[one])
    for pull in PULLS:
        attempt(replace(alone, pull=pull), TRUSTS)
    heard = [one for one in tried if one.pull or one.trust]
    return alone, max(heard, key=lambda one: tried[one])


def cold_customers(whole: Interactions, social: Any, progress: Progress = SILENT) -> list[Score]:
    """Every listen of a tenth of the customers hidden: what their friends hear, and what everybody hears."""
    from holdfast.recommend.content.lane import Content
    from holdfast.recommend.popular import Popular
    from holdfast.recommend.social_trust import Trust

    hidden = np.random.default_rng(_COLD).random(len(whole)) < COLD_SHARE
    rows = np.flatnonzero(hidden)
    train = whole.keeping(~hidden[whole.customer])
    later = outcomes(whole, hidden[whole.customer]).take(rows)
    models = {"trust": Trust(), "social": social, "content": Content(half_life=None)}
    popularity = Popular(window_days=None).fit(train).recommend(train, 20, rows=rows)
    found = {"popularity": judge(popularity, later, train, model="popularity")}
    for place, (name, model) in enumerate(models.items()):
        progress.step("recommend: cold customers of Last.fm", place, len(models))
        lists = model.fit(train).recommend(train, 20, rows=rows)
        found[name] = judge(filled(lists, popularity), later, train, model=name)
    friends = np.isin(rows, whole.ties.customer[~hidden[whole.ties.other]]) if whole.ties else np.zeros(len(rows))
    said = f"all listens of a tenth of customers hidden, {friends.mean():.1%} with a known friend, popularity fills up"
    return table(found, [(name, "popularity") for name in models], data="lastfm", protocol=said)


def held_out(past: Interactions, share: float, seed: int) -> tuple[Interactions, ItemOutcomes]:
    """A share of each customer's items at random (its floor), and the rest."""
    chance = np.random.default_rng(seed).random(past.size)
    order = np.lexsort((chance, past.customer))
    place = np.empty(past.size, np.int64)
    place[order] = np.arange(past.size) - np.repeat(past.offsets[:-1], past.counts)
    hidden = place < np.floor(share * past.counts)[past.customer]
    return past.keeping(~hidden), outcomes(past, hidden)


def filled(lists: Recommendations, rest: Recommendations, count: int = 20) -> Recommendations:
    """Lists that end before `count` go on with the items of `rest`."""
    joined = []
    for at in range(len(lists)):
        own = lists.item[lists.offsets[at] : lists.offsets[at + 1]].tolist()
        more = rest.item[rest.offsets[at] : rest.offsets[at + 1]].tolist()
        joined.append([*own, *(one for one in more if one not in own)][:count])
    return Recommendations.listed(lists.customer_id, lists.item_id, joined, lists.cutoff, "explore", "filled")


def outcomes(past: Interactions, hidden: NDArray[np.bool_]) -> ItemOutcomes:
    """The hidden interactions as what came later."""
    kept = past.keeping(hidden)
    order = np.lexsort((kept.item, kept.customer))
    return ItemOutcomes(
        past.customer_id, past.cutoff, Horizon.parse("1d"), past.items.item_id, kept.offsets,
        kept.item[order], np.zeros(kept.size, np.int64),
    )  # fmt: skip


def _settings(model: Any) -> str:
    named = ("unobserved", "regularisation", "units", "pull", "trust")
    return "/".join(f"{one} {asdict(model)[one]}" for one in named)
