"""Settings of lanes chosen on the window before the one that weights are found on, so that no window judges its own choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions
from holdfast.core.recommend import RECOMMENDERS
from holdfast.metrics.toplists import hits, padded
from holdfast.recommend.mix_lanes import Spec, fit_lanes, spec
from holdfast.recommend.mix_window import Lesson, lesson, recent

#: Settings that compete, by lane; the lane's own setting always does.
ALTERNATIVES: dict[str, tuple[dict[str, Any], ...]] = {
    "lately": tuple({"days": days, "neighbours": k} for k in (100, 300) for days in (15.0, 30.0, 60.0, 90.0)),
    "ease": tuple({"half_life_days": a, "query_half_life_days": b} for a in (None, 90.0, 180.0) for b in (90.0, 180.0)),
    "ials": tuple({"half_life_days": days} for days in (None, 60.0, 120.0, 240.0)),
    "frequency": tuple({"half_life": days} for days in (None, 90.0)),
}
#: With fewer customers to judge by, settings stay as they are.
LEAST = 50
#: Items last bought longer ago are taken for gone, days.
ON_SALE = 90.0


def tuned(lanes: Sequence[Spec], past: Interactions, horizon: Horizon, *, most: int = 1_000) -> tuple[Spec, ...]:
    """The same lanes, each with the setting whose own lists were best two horizons before the cutoff.

    Judged by nDCG at 10, own items allowed and left out, mean of the two. A lane that stands twice gets the best and the
    second best setting.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(40, "tea"), (3, "cup")]}, Cutoff.parse("2024-03-01"))
    >>> tuned((spec("again"),), past, Horizon.parse("30d"))  # too few customers to choose by
    (('again', ()),)
    """
    taught = lesson(past, horizon, horizon.days)
    taught = taught.taking(recent(taught.past, taught.rows, most)) if len(taught.rows) else taught
    if len(taught.rows) < LEAST:
        return tuple(lanes)
    # lanes learn from everybody that the window saw, and are judged on those who came back
    everybody = lesson(past, horizon, horizon.days).past
    ranked: dict[str, list[Spec]] = {}
    for name in dict.fromkeys(name for name, _ in lanes):
        own = [one for one in lanes if one[0] == name]
        # settings that say the same in other words are one
        every = [*own, *(spec(name, **how) for how in ALTERNATIVES.get(name, ()))]
        tried = list({RECOMMENDERS[name](**dict(one[1])): one for one in reversed(every)}.values())[::-1]
        worth = [_worth(one, everybody, taught) for one in tried] if len(tried) > len(own) else [0.0] * len(tried)
        ranked[name] = [tried[at] for at in np.argsort(-np.array(worth), kind="stable")]
    return tuple(ranked[name].pop(0) for name, _ in lanes)


def _worth(one: Spec, everybody: Interactions, taught: Lesson) -> float:
    """Mean nDCG at 10 of a lane's lists with and without own items."""
    fit = fit_lanes((one,), everybody)[0]
    lately = everybody.of_type("purchase")
    open_ = np.zeros(len(everybody.items), bool)
    open_[lately.item[lately.age_days <= ON_SALE]] = True
    found = []
    for seen, asked in (("allow", taught), ("exclude", taught.unseen())):
        rows = asked.rows
        lists = fit.recommend(asked.past, 10, allowed=open_, seen=seen, rows=rows)
        wanted = asked.bought[rows]
        hit = hits(padded(lists.offsets, lists.item, 10), wanted.indptr, wanted.indices, len(everybody.items))
        worth = 1.0 / np.log2(np.arange(hit.shape[1]) + 2.0)
        ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(10) + 2.0))])
        targets = np.minimum(np.diff(wanted.indptr), 10)
        found.append(float((hit @ worth / np.maximum(ideal[targets], 1e-12)).mean()) if len(rows) else 0.0)
    return float(np.mean(found))
