"""Lists that are not ten times the same: MMR, and shares of categories as the customer has them, at a stated price.

MMR: Carbonell & Goldstein 1998. Calibration: Steck 2018, "Calibrated recommendations". Both walk a longer list and choose
greedily; `strength` 0 leaves the list as it is. `price` says what the lists lost by their own scores' order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import Recommendations

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: Gains of candidates, given the places chosen so far: what a greedy step adds.
Gains = Callable[[list[int]], Floats]


@dataclass(frozen=True)
class Mmr:
    """Each next entry has the most relevance x (1 - strength) less its likeness to the nearest one chosen x strength.

    >>> from holdfast.core.clock import Cutoff
    >>> lists = Recommendations.listed(["ann"], ["a", "b", "c"], [[0, 1, 2]], Cutoff.parse("2024-01-10"), "explore", "x")
    >>> Mmr(0.6).diverse(lists, np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), 2).item.tolist()
    [0, 2]
    """

    strength: float = 0.2

    def diverse(self, lists: Recommendations, vectors: NDArray[np.floating], count: int) -> Recommendations:
        """`vectors`: one row an item of `lists.item_id` (factors, content, or `category_vectors`); rows of 0 are unlike all."""
        size = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.nan_to_num(vectors / np.maximum(size, 1e-12))

        def gains(row: int, items: NDArray[np.int32]) -> Gains:
            alike = unit[items] @ unit[items].T

            def step(chosen: list[int]) -> Floats:
                near = alike[:, chosen].max(axis=1) if chosen else np.zeros(len(items))
                return np.asarray(-self.strength * near, np.float64)

            return step

        return _greedy(lists, count, 1 - self.strength, gains)


@dataclass(frozen=True)
class Calibrated:
    """Categories in about the shares that the customer's purchases have them: relevance less KL(history || list).

    A customer without a known category keeps the order. `smooth` is the share of the history mixed into the list, so
    that a category that is missing has a finite price.
    """

    strength: float = 0.2
    smooth: float = 0.01

    def diverse(self, lists: Recommendations, past: Interactions, count: int) -> Recommendations:
        """`past`: the customers of the lists, in their order."""
        code = category_codes(past.items)
        of_item = np.append(code, -1)[past.items.positions(lists.item_id)]
        width = int(code.max(initial=-1)) + 1
        bought = past.of_type("purchase")

        def gains(row: int, items: NDArray[np.int32]) -> Gains:
            own = code[bought.item[bought.rows_of(row)]]
            history = np.bincount(own[own >= 0], minlength=width).astype(np.float64)
            mine = of_item[items]
            if not history.sum():
                return lambda chosen: np.zeros(len(items))
            share = history / history.sum()

            def step(chosen: list[int]) -> Floats:
                base = np.bincount(mine[chosen][mine[chosen] >= 0], minlength=width).astype(np.float64)
                counts = base + np.where(mine[:, None] >= 0, np.arange(width) == mine[:, None], 0.0)
                q = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
                q = (1 - self.smooth) * q + self.smooth * share
                some = share > 0
                return np.asarray(
                    -self.strength * (share[some] * np.log(share[some] / q[:, some])).sum(axis=1), np.float64
                )

            return step

        return _greedy(lists, count, 1 - self.strength, gains)


def category_codes(items: Items) -> NDArray[np.int32]:
    """A number for each category, -1 for none."""
    codes = items.category.dictionary_encode().indices.fill_null(-1)
    return np.asarray(codes.to_numpy(zero_copy_only=False), np.int32)


def category_vectors(items: Items) -> NDArray[np.float32]:
    """(items x categories): 1 for the item's own; rows of 0 where it has none."""
    code = category_codes(items)
    found = np.zeros((len(items), int(code.max(initial=-1)) + 1), np.float32)
    known = np.flatnonzero(code >= 0)
    found[known, code[known]] = 1.0
    return found


def price(before: Recommendations, after: Recommendations, count: int = 10) -> float:
    """Share of the discounted gain that the new order gives up if the old one was right: 0 where nothing was lost.

    An entry is worth 1/log2(1 + its old place). What it really costs, only later purchases tell (see the bench).
    """
    lost = []
    for row in range(len(before)):
        old = before.item[before.offsets[row] : before.offsets[row + 1]].tolist()
        new = after.item[after.offsets[row] : after.offsets[row + 1]].tolist()[:count]
        worth = {item: 1 / np.log2(place + 2) for place, item in enumerate(old)}
        best = sum(1 / np.log2(place + 2) ** 2 for place in range(min(count, len(old))))
        got = sum(worth.get(item, 0.0) / np.log2(place + 2) for place, item in enumerate(new))
        lost += [1 - got / best] if best else []
    return float(np.mean(lost)) if lost else 0.0


def _greedy(
    lists: Recommendations, count: int, relevance: float, gains: Callable[[int, NDArray[np.int32]], Gains]
) -> Recommendations:
    """Choose entries one by one; equal gains keep the list's order. Relevance runs from 1 to 0 down the list given."""
    picked: list[NDArray[np.int64]] = []
    for row, (start, end) in enumerate(zip(lists.offsets[:-1].tolist(), lists.offsets[1:].tolist(), strict=True)):
        n = end - start
        worth = relevance * (1.0 - np.arange(n) / max(n, 1))
        step, chosen = gains(row, lists.item[start:end]), list[int]()
        for _ in range(min(count, n)):
            value = worth + step(chosen)
            value[chosen] = -np.inf
            chosen.append(int(np.argmax(value)))
        picked.append(np.array(chosen, np.int64) + start)
    return arranged(lists, picked)


def arranged(lists: Recommendations, picked: list[NDArray[np.int64]]) -> Recommendations:
    """Lists of these entries, in this order; scores fall with the place, as the order is no longer that of the old ones."""
    where = np.concatenate([*picked, np.zeros(0, np.int64)]).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in picked])]).astype(np.int64)
    found = lists._entries(where, offsets, tuple(lists.reason[one] for one in where) if lists.reason else ())
    found = replace(found, customer_id=lists.customer_id)
    return replace(found, score=-(found.rank - 1).astype(np.float64))
