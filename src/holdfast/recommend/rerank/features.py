"""Features of a candidate: what this customer did with this item, what the item does, and what every lane says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.recommend.mix_pool import Block
from holdfast.recommend.mix_scale import ranks, scaled
from holdfast.recommend.rerank.catalogue_facts import ITEM_NAMES, CatalogueFacts
from holdfast.recommend.rerank.visits import Visits

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
#: Half-lives, in days, of the customer's own counts.
HALF_LIVES = (14.0, 45.0, 150.0)
PAIR_NAMES = (
    "own_count", "own_share", "own_share_since_first", "own_days_since_last", "own_days_since_first", "own_gap_days",
    *(f"own_decayed_{round(days)}d" for days in HALF_LIVES), "own_last_turn", "own_due", "item_due", "own_units",
)  # fmt: skip
CUSTOMER_NAMES = (
    "visits", "visits_30d", "visits_90d", "days_since_visit", "days_since_first_visit", "visit_gap_days", "overdue",
    "items", "items_per_visit", "again_share", "usual_price", "new_items_per_visit", "last_visit_items",
)  # fmt: skip
AFFINITY_NAMES = ("price_ratio", "category_share", "brand_share", "near_last_visit", "near_recent", "near_most")


def names(lanes: int) -> list[str]:
    """Every column, in order."""
    said = [f"{what}_{lane}" for lane in range(lanes) for what in ("score", "range", "rank")]
    return [*PAIR_NAMES, *CUSTOMER_NAMES, *AFFINITY_NAMES, *ITEM_NAMES, *said, "best_rank", "mean_rank", "score"]


@dataclass(frozen=True, eq=False)
class Histories:
    """What candidates of these customers are looked up in."""

    facts: CatalogueFacts
    seen: Visits
    customers: Floats
    key: Ints
    pairs: Floats
    last_visit: Any
    recent: Any

    @classmethod
    def of(cls, past: Interactions, facts: CatalogueFacts) -> Histories:
        """`past` speaks of the catalogue of `facts`."""
        seen = Visits.of(past)
        who = _customers(seen)
        key, pairs = _pairs(seen, who, facts)
        newest = seen.turn == 0
        return cls(
            facts, seen, who, key, pairs, _cells(seen, newest.astype(np.float32)),
            _cells(seen, (0.5 ** (seen.age_days / 45.0)).astype(np.float32)),
        )  # fmt: skip

    def columns(self, block: Block, mixed: Floats) -> Floats:
        """(candidates x names) of a block; `mixed` is the mix's score of each."""
        who, item = block.customer, block.item
        at = np.searchsorted(self.key, who * self.seen.width + item)
        known = np.append(self.key, -1)[at] == who * self.seen.width + item
        pair = np.where(
            known[:, None], np.vstack([self.pairs, _empty()])[np.where(known, at, len(self.pairs))], _empty()
        )
        people = self.customers[who]
        affinity = self._affinity(block, people)
        return np.hstack([pair, people, affinity, self.facts.columns[item], _said(block), mixed[:, None]])

    def _affinity(self, block: Block, people: Floats) -> Floats:
        usual = people[:, CUSTOMER_NAMES.index("usual_price")]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(np.maximum(self.facts.price[block.item], 1.0)) - np.log(np.maximum(usual, 1.0))
        near, recent = (
            np.asarray((one[block.rows] @ self.facts.near).toarray(), np.float32)
            for one in (self.last_visit, self.recent)
        )
        columns = [
            ratio, self._share(block, self.facts.category), self._share(block, self.facts.brand), block.at(near),
            block.at(recent), block.at(_over_mean(recent)),
        ]  # fmt: skip
        return np.column_stack(columns).astype(np.float32)

    def _share(self, block: Block, code: NDArray[np.int32]) -> Floats:
        """Share of the customer's purchases that were of the candidate's category (or brand); NaN where it has none."""
        if (code < 0).all():
            return np.full(len(block.item), np.nan, np.float32)
        count = int(code.max()) + 2
        table = np.zeros((len(block.rows), count), np.float32)
        place = np.full(self.seen.customers, -1, np.int64)
        place[block.rows] = np.arange(len(block.rows))
        mine = place[self.seen.customer] >= 0
        np.add.at(table, (place[self.seen.customer[mine]], code[self.seen.item[mine]]), 1.0)
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
        own = code[block.item]
        return np.where(own >= 0, share[block.place, own], np.nan).astype(np.float32)


def _empty() -> Floats:
    """A pair that never was: counts are 0, times are not known."""
    found = np.zeros((1, len(PAIR_NAMES)), np.float32)
    for name in ("own_days_since_last", "own_days_since_first", "own_gap_days", "own_last_turn", "own_due", "item_due"):
        found[0, PAIR_NAMES.index(name)] = np.nan
    return found


def _pairs(seen: Visits, people: Floats, facts: CatalogueFacts) -> tuple[Ints, Floats]:
    """(key, columns) of every customer and item that met; the key is customer x items + item, rising."""
    start = np.flatnonzero(seen.first_time)
    if not len(start):
        return np.zeros(0, np.int64), np.zeros((0, len(PAIR_NAMES)), np.float32)
    end = np.append(start[1:], len(seen.item)) - 1
    who, item = seen.customer[start], seen.item[start]
    count = (end - start + 1).astype(np.float64)
    last, first = seen.age_days[end], seen.age_days[start]
    gap = np.where(count > 1, (first - last) / np.maximum(count - 1, 1), np.nan)
    visits = people[who, CUSTOMER_NAMES.index("visits")]
    first_turn = seen.turn[start] + 1.0
    decayed = [np.add.reduceat(0.5 ** (seen.age_days / days), start) for days in HALF_LIVES]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            count, count / np.maximum(visits, 1), count / np.maximum(first_turn, 1), last, first, gap, *decayed,
            seen.turn[end], last / gap, last / facts.gap[item], np.add.reduceat(seen.quantity, start) / count,
        ]  # fmt: skip
    return who.astype(np.int64) * seen.width + item, np.column_stack(columns).astype(np.float32)


def _customers(seen: Visits) -> Floats:
    n = seen.customers
    _, at = np.unique(seen.visit, return_index=True)
    who, age = seen.customer[at], seen.age_days[at]
    visits = np.bincount(who, minlength=n).astype(np.float64)
    first, last = np.full(n, np.nan), np.full(n, np.nan)
    np.fmax.at(first, who, age)
    np.fmin.at(last, who, age)
    lines = np.bincount(seen.customer, minlength=n)
    items = np.bincount(seen.customer[seen.first_time], minlength=n)
    gap = np.where(visits > 1, (first - last) / np.maximum(visits - 1, 1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            visits, np.bincount(who[age <= 30], minlength=n), np.bincount(who[age <= 90], minlength=n), last, first, gap,
            last / gap, items, lines / visits, (lines - items) / lines, _usual_price(seen), items / visits,
            np.bincount(seen.customer[seen.turn == 0], minlength=n),
        ]  # fmt: skip
    return np.column_stack(columns).astype(np.float32)


def _usual_price(seen: Visits) -> NDArray[np.float64]:
    """Geometric mean of what the customer pays for one piece."""
    known = np.isfinite(seen.price) & (seen.price > 0)
    who = seen.customer[known]
    total = np.bincount(who, np.log(seen.price[known]), minlength=seen.customers)
    count = np.bincount(who, minlength=seen.customers)
    return np.where(count > 0, np.exp(total / np.maximum(count, 1)), np.nan)


def _cells(seen: Visits, weight: Floats) -> Any:
    from scipy.sparse import csr_matrix

    kept = weight > 0
    cells = (seen.customer[kept], seen.item[kept])
    return csr_matrix((weight[kept], cells), shape=(seen.customers, seen.width), dtype=np.float32)


def _said(block: Block) -> Floats:
    """Of each lane the score, its place between worst and best, and its rank; then the best and the mean rank."""
    columns, places = [], []
    for scores in block.lanes:
        raw = block.at(scores)
        places.append(np.log2(block.at(ranks(scores))))
        columns += [np.where(np.isfinite(raw), raw, np.nan), block.at(scaled(scores, "range")), places[-1]]
    both = [np.min(places, axis=0), np.mean(places, axis=0)] if places else [np.zeros(len(block.item))] * 2
    return np.column_stack([*columns, *both]).astype(np.float32)


def _over_mean(values: NDArray[Any]) -> NDArray[Any]:
    return values / np.maximum(values.mean(axis=1, keepdims=True), 1e-9) if values.size else values
