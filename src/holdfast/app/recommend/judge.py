"""How good lists like these were at the newest cutoff whose horizon has closed: beside popularity and own frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.recommend import RECOMMENDERS

if TYPE_CHECKING:
    from holdfast.app.recommend.shelf import Shelf
    from holdfast.app.study import Study
    from holdfast.core.interactions import Interactions, ItemOutcomes
    from holdfast.core.recommend import Recommendations
    from holdfast.recommend.settings import RecommendSettings

Floats = NDArray[np.float64]
#: What a list is held against, under the same rules.
BESIDE = ("frequency", "popular")
#: The same list in the order of relevance alone: what margin, variety and exploration cost.
RELEVANCE = "relevance"
#: Fewer customers with an order in the horizon than this say nothing.
LEAST_JUDGED = 20
METRICS = ("hit", "recall", "ndcg")


def judged(question: Study, rules: RecommendSettings, past: Interactions) -> dict[str, Any]:
    """Hit, recall and nDCG at the list's length for who had a history and bought in the horizon; {} where nobody did."""
    from holdfast.app.recommend.maker import listed, recommender
    from holdfast.app.recommend.read import past_at
    from holdfast.app.recommend.shelf import Shelf, ages_of
    from holdfast.snapshot.item_outcomes import item_outcomes

    if not question.test_cutoffs:
        return {}
    asked, test = question.asked, question.test_cutoffs[-1]
    then = past_at(question.ledger, test) if test < asked.cutoff else past
    later = item_outcomes(question.ledger, test, asked.horizon, asked.gap, customer_id=then.customer_id)
    rows = np.flatnonzero((then.of_type("purchase").counts > 0) & (later.counts > 0))
    if len(rows) < LEAST_JUDGED:
        return {}
    shelf = Shelf.of(then, rules, ages_of(question.ledger, test, rules.age_attribute))
    chosen = recommender(rules, then, str(asked.horizon))
    fits = {"list": chosen} | {one: RECOMMENDERS[one]() for one in BESIDE if one in list(RECOMMENDERS)}
    measured: dict[str, Floats] = {}
    notes: dict[str, Any] = {}
    for name, one in fits.items():
        fit = one.fit(then)
        said = {name: name != "list"} | ({RELEVANCE: True} if name == "list" and reshaped(rules, then) else {})
        for called, plain in said.items():
            found = listed(fit, then, shelf, rules, rules.count, rows, told=False, plain=plain)
            measured[called] = measures(found, later, then, shelf, rules)
        notes |= dict(getattr(fit, "notes", {})) if name == "list" else {}
    return {
        "cutoff": str(test.local_day(asked.zone)), "horizon": str(asked.horizon), "customers": len(rows),
        "count": rules.count, "recommender": chosen.recommender_id, "on_sale": int(shelf.allowed.sum()),
        "rows": [_row(name, values, question.shop.settings.seed) for name, values in measured.items()],
        "gain": {
            name: _interval(measured["list"][0] - measured[name][0], question.shop.settings.seed)
            for name in measured if name != "list"
        },
        "ndcg_gain": {
            name: _interval(measured["list"][2] - measured[name][2], question.shop.settings.seed)
            for name in measured if name != "list"
        },
        "candidate_recall": notes.get("allow_candidate_recall"),
    }  # fmt: skip


def reshaped(rules: RecommendSettings, past: Interactions) -> bool:
    """Whether anything but relevance orders the published list."""
    from holdfast.recommend.explore import margins

    priced = rules.objective == "relevance_x_margin" and bool(np.isfinite(margins(past.items)).any())
    return priced or rules.diversity > 0 or rules.exploration > 0


def measures(
    found: Recommendations, later: ItemOutcomes, then: Interactions, shelf: Shelf, rules: RecommendSettings
) -> Floats:
    """(3 x customers): hit, recall over all items bought, nDCG with the ideal list cut at the list's length."""
    from holdfast.evaluate.lists.judge import judge

    k = rules.count
    one = judge(found, later, then, on_sale=shelf.allowed, depths=(k,))
    return np.stack([one.of(f"{metric}_at_{k}") for metric in ("hit", "recall", "ndcg")])


def _row(name: str, values: Floats, seed: int) -> dict[str, Any]:
    return {"model": name, **{metric: _interval(one, seed) for metric, one in zip(METRICS, values, strict=True)}}


def _interval(values: Floats, seed: int) -> dict[str, float | None]:
    """Mean over customers with its 95% bootstrap interval."""
    from holdfast.metrics.bootstrap import interval, replicates

    values = values[np.isfinite(values)]
    drawn = np.concatenate([one @ values / one.sum(axis=1) for one in replicates(len(values), 500, seed)])
    low, high = interval(drawn)
    return {"value": float(values.mean()), "low": low, "high": high}
