"""How good lists like these were at the newest cutoff whose horizon has closed: beside popularity and own frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.recommend import RECOMMENDERS

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.core.interactions import Interactions, ItemOutcomes
    from holdfast.core.recommend import Recommendations
    from holdfast.recommend.settings import RecommendSettings

Floats = NDArray[np.float64]
#: What a list is held against, under the same rules.
BESIDE = ("frequency", "popular")
#: Fewer customers with an order in the horizon than this say nothing.
LEAST_JUDGED = 20
METRICS = ("hit", "recall", "ndcg")


def judged(question: Study, rules: RecommendSettings, past: Interactions) -> dict[str, Any]:
    """Hit, recall and nDCG at the list's length for who had a history and bought in the horizon; {} where nobody did."""
    from holdfast.app.recommend.maker import Shelf, listed, recommender
    from holdfast.app.recommend.read import later_than, past_at

    if not question.test_cutoffs:
        return {}
    asked, test = question.asked, question.test_cutoffs[-1]
    then = past_at(question.engine, question.log, test) if test < asked.cutoff else past
    later = later_than(question, then, test)
    rows = np.flatnonzero((then.of_type("purchase").counts > 0) & (later.counts > 0))
    if len(rows) < LEAST_JUDGED:
        return {}
    shelf = Shelf.of(then, rules)
    chosen = recommender(rules, then, str(asked.horizon))
    fits = {"list": chosen} | {one: RECOMMENDERS[one]() for one in BESIDE if one in list(RECOMMENDERS)}
    measured, notes = {}, {}
    for name, one in fits.items():
        fit = one.fit(then)
        found = listed(fit, then, shelf, rules, rules.count, rows)
        measured[name] = measures(found, later.take(rows), rules.count)
        notes |= dict(getattr(fit, "notes", {})) if name == "list" else {}
    return {
        "cutoff": str(test.local_day(asked.zone)), "horizon": str(asked.horizon), "customers": len(rows),
        "count": rules.count, "recommender": chosen.recommender_id, "on_sale": int(shelf.allowed.sum()),
        "rows": [_row(name, values, question.shop.settings.seed) for name, values in measured.items()],
        "gain": {
            name: _interval(measured["list"][0] - measured[name][0], question.shop.settings.seed)
            for name in measured if name != "list"
        },
        "candidate_recall": notes.get("allow_candidate_recall"),
    }  # fmt: skip


def measures(found: Recommendations, later: ItemOutcomes, count: int) -> Floats:
    """(3 x customers): hit, recall over all items bought, nDCG with the ideal list cut at `count`."""
    names = {one: at for at, one in enumerate(later.item_id.to_pylist())}
    to = np.array([names.get(one, -1) for one in found.item_id.to_pylist()], np.int64)
    width = len(names) + 1
    row = np.repeat(np.arange(len(found)), found.counts)
    bought = np.repeat(np.arange(len(later)), later.counts) * width + later.item
    item = to[found.item] if len(found.item) else np.zeros(0, np.int64)
    right = (item >= 0) & np.isin(row * width + item, bought)
    hits = np.bincount(row[right], minlength=len(found))
    gain = np.bincount(row[right], 1 / np.log2(found.rank[right] + 1), minlength=len(found))
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, count + 2)))])[np.minimum(later.counts, count)]
    many = np.maximum(later.counts, 1)
    return np.stack([(hits > 0).astype(np.float64), hits / many, gain / np.maximum(ideal, 1e-12)])


def _row(name: str, values: Floats, seed: int) -> dict[str, Any]:
    return {"model": name, **{metric: _interval(one, seed) for metric, one in zip(METRICS, values, strict=True)}}


def _interval(values: Floats, seed: int) -> dict[str, float | None]:
    """Mean over customers with its 95% bootstrap interval."""
    from holdfast.metrics.bootstrap import interval, replicates

    drawn = np.concatenate([one @ values / one.sum(axis=1) for one in replicates(len(values), 500, seed)])
    low, high = interval(drawn)
    return {"value": float(values.mean()), "low": low, "high": high}
