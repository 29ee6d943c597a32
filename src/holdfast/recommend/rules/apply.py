"""Rules applied to lists: masks first, then a greedy pass that keeps caps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions
from holdfast.core.recommend import FittedRecommender, Recommendations
from holdfast.recommend.rules.rule import Rule, forbidden

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Cap:
    """At most `count` entries of one brand (or category, or kind) in a list; things without one are not counted."""

    count: int
    of: str = "brand"

    def __post_init__(self) -> None:
        if self.of not in ("brand", "category", "kind"):
            raise UsageError(f"a cap of {self.of!r}", remedy="one of: brand, category, kind")


def ruled(
    lists: Recommendations, past: Interactions, rules: Sequence[Rule], *, caps: Sequence[Cap] = (), count: int = 10
) -> Recommendations:
    """The first `count` entries of each list that no rule forbids and no cap refuses, in their order.

    `past` are the same customers in the same order. Ask for longer lists than are shown: what is refused is not replaced.
    """
    to = past.items.positions(lists.item_id)
    row = np.repeat(np.arange(len(lists)), lists.counts)
    kept = to[lists.item] >= 0
    for start in range(0, len(lists), 2_000):
        rows = np.arange(start, min(start + 2_000, len(lists)))
        inside = np.flatnonzero((row >= start) & (row < start + 2_000) & kept)
        away = forbidden(rules, past, rows)
        kept[inside] = ~away[row[inside] - start, to[lists.item[inside]]]
    found = replace(lists.keeping(kept), customer_id=lists.customer_id)
    return replace(capped(found, past, caps, count), customer_id=lists.customer_id)


def capped(lists: Recommendations, past: Interactions, caps: Sequence[Cap], count: int) -> Recommendations:
    """Best first, each entry that no cap refuses, up to `count`."""
    to, kept = past.items.positions(lists.item_id), np.zeros(len(lists.item), bool)
    words = [(cap.count, getattr(past.items, cap.of).to_pylist()) for cap in caps]
    for start, end in zip(lists.offsets[:-1].tolist(), lists.offsets[1:].tolist(), strict=True):
        used: list[dict[str, int]] = [{} for _ in words]
        taken = 0
        for entry in range(start, end):
            if taken == count:
                break
            mine = [names[to[lists.item[entry]]] for _, names in words]
            full = (
                n is not None and use.get(n, 0) >= most for (most, _), n, use in zip(words, mine, used, strict=True)
            )
            if any(full):
                continue
            kept[entry] = True
            taken += 1
            for name, use in zip(mine, used, strict=True):
                use[name] = use.get(name, 0) + 1
    return replace(lists.keeping(kept), customer_id=lists.customer_id)


def recommend_ruled(
    fit: FittedRecommender, past: Interactions, rules: Sequence[Rule], count: int, *, caps: Sequence[Cap] = (),
    allowed: Bools | None = None, seen: str = "allow", spare: int = 50,
) -> Recommendations:  # fmt: skip
    """Lists under the rules: rules that are alike for everybody act as masks, so that others fill the places."""
    alike = np.zeros(len(past.items), bool)
    for rule in rules:
        cells = rule.forbids(past, np.zeros(0, np.int64))
        if len(cells) == 1:  # the same for everybody: masked before the lists are made, so that others fill the places
            alike |= cells[0]
    at = past.items.positions(fit.items.item_id)
    open_ = (at >= 0) & ~np.append(alike, False)[at]
    lists = fit.recommend(past, count + spare, allowed=open_ if allowed is None else open_ & allowed, seen=seen)
    return ruled(lists, past, rules, caps=caps, count=count)
