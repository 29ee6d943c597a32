"""What goes together: items that stand in one basket more often than chance, for the cart and after a purchase.

A pair counts when it stood in at least `support` baskets and the log-likelihood ratio says that this is no accident
(Dunning 1993, Accurate methods for the statistics of surprise and coincidence, Computational Linguistics 19).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import PURCHASE, Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.lane import Lane
from holdfast.recommend.neighbours import rounded
from holdfast.recommend.neighbours_counts import products, stacked, strongest, turns, turns_back
from holdfast.recommend.neighbours_words import day_text, title_of
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
CART_ADD, CART_REMOVE = EVENT_TYPES.index("cart_add"), EVENT_TYPES.index("cart_remove")
#: Baskets with more different items than this (a wholesaler's) say nothing about which go together.
WIDEST = 200
_NO_LINK = Text("not often bought together with what you have", "与您已选购的商品不常一起购买")


def log_likelihood_ratio(both: Floats, one: Floats, other: Floats, all_: float) -> Floats:
    """Dunning's G2 of a pair: `both` baskets with both, `one` and `other` with each, `all_` baskets.

    >>> log_likelihood_ratio(np.array([10.0, 1.0]), np.array([20.0, 20.0]), np.array([20.0, 5.0]), 100.0).round(2).tolist()
    [12.07, 0.0]
    """
    cells = (both, one - both, other - both, all_ - one - other + both)
    rows, columns = (one, one, all_ - one, all_ - one), (other, all_ - other, other, all_ - other)
    total = np.zeros(len(both))
    for seen, row, column in zip(cells, rows, columns, strict=True):
        expected = row * column / all_
        safe = (seen > 0) & (expected > 0)
        total += 2 * np.where(safe, seen * np.log(np.where(safe, seen / np.maximum(expected, 1e-300), 1.0)), 0.0)
    return np.maximum(total, 0.0)


@dataclass(frozen=True, eq=False)
class ComplementFit(Lane):
    """`strength` (items x items) CSR: how much better the column's chance is in a basket that holds the row."""

    items: Items
    strength: Any = field(repr=False)
    zone: str = "UTC"
    recommender_id: ClassVar[str] = "complement"
    lane: ClassVar[str] = "complement"

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Sum over the open cart (or, where it is empty, the newest basket) of strengths; its own items are left out."""
        from scipy.sparse import csr_matrix

        past = past.over(self.items)
        past = past if rows is None else past.take(np.asarray(rows, np.int64))
        cart, basket, asks = asked(past)
        shape = (len(past), len(self.items))
        cells = (np.ones(int(asks.sum())), (past.customer[asks], past.item[asks]))
        question = csr_matrix(cells, shape=shape)
        question.data[:] = 1.0
        scores = np.full(shape, -np.inf, np.float32)
        for block, found in products(question, self.strength):
            row = np.repeat(np.arange(block.start, block.stop), np.diff(found.indptr))
            scores[row, found.indices] = found.data
        own = cart | basket
        scores[past.customer[own], past.item[own]] = -np.inf
        return scores

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """The item of the cart or of the newest basket that it goes with best."""
        past = past.over(self.items)
        cart, _, asks = asked(past)
        said = []
        for who, what in zip(customer.tolist(), item.tolist(), strict=True):
            rows = past.rows_of(who)
            rows = rows[asks[rows]]
            with_each = np.asarray(self.strength[past.item[rows], [what] * len(rows)]).ravel() if len(rows) else rows
            if not len(rows) or not (with_each > 0).any():
                said.append(_NO_LINK)
                continue
            row = int(rows[int(np.argmax(with_each))])
            name = title_of(self.items, int(past.item[row]))
            day = day_text(int(past.occurred_at[row]), past.cutoff, self.zone)
            said.append(
                Text(f"goes with {name} in your cart", f"与您购物车中的{name}搭配")
                if cart[row]
                else Text(f"goes with what you bought {day.en} ({name})", f"与您{day.zh}购买的{name}搭配")
            )
        return said

    def to_bytes(self) -> bytes:
        kept = self.strength
        arrays = {"data": kept.data.astype(np.float32), "indices": kept.indices.astype(np.int32),
                  "indptr": kept.indptr.astype(np.int64)}  # fmt: skip
        return pack("complement", pack_items(self.items) | arrays, zone=self.zone)

    @classmethod
    def from_bytes(cls, data: bytes) -> ComplementFit:
        from scipy.sparse import csr_matrix

        saved, arrays = unpack(data)
        items = unpack_items(arrays)
        cells = (arrays["data"].astype(np.float64), arrays["indices"], arrays["indptr"])
        return cls(items, csr_matrix(cells, shape=(len(items), len(items))), saved["zone"])


@dataclass(frozen=True)
class Complement:
    """Pairs of one basket, kept when frequent and no accident, the best `complements` of each item.

    The strength of j for a basket with i is P(j | i), shrunk by `shrinkage` baskets towards P(j), less P(j): it has a
    direction (ink goes with a printer more than a printer with ink), and an item that is in every basket gains nothing.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9, "pot"), (9, "tea")], "bob": [(4, "pot"), (4, "tea")], "eve": [(1, "pot")],
    ...                           "joe": [(1, "cup")]}, Cutoff.parse("2024-01-10"))
    >>> fit = Complement(support=2, surprise=0.0).fit(past)
    >>> fit.recommend(past, 1).to_arrow().select(["customer_id", "item_id"]).to_pylist()
    [{'customer_id': 'eve', 'item_id': 'tea'}]
    >>> fit.reasons(past, np.array([2]), np.array([2]))[0].en
    'goes with what you bought on Tuesday (pot)'
    """

    recommender_id: ClassVar[str] = "complement"
    lane: ClassVar[str] = "complement"
    support: int = 3
    surprise: float = 6.63
    shrinkage: float = 5.0
    complements: int = 100
    zone: str = "UTC"

    @one_thread
    def fit(self, past: Interactions) -> ComplementFit:
        held = _baskets(past)
        baskets, width = float(max(1, held.shape[0])), len(past.items)
        holders = np.bincount(held.indices, minlength=width).astype(np.float64)
        found = []
        for block, cells in products(held.T.tocsr(), held):
            row = np.repeat(np.arange(block.start, block.stop), np.diff(cells.indptr))
            one, other, both = holders[row], holders[cells.indices], cells.data
            kept = (both >= self.support) & (row != cells.indices) & (both * baskets > one * other)
            kept &= log_likelihood_ratio(both, one, other, baskets) >= self.surprise
            often = other / baskets
            cells.data = np.where(kept, (both + self.shrinkage * often) / (one + self.shrinkage) - often, 0.0)
            found.append(strongest(rounded(cells), self.complements))
        return ComplementFit(past.items, stacked(found, width), self.zone)


def _baskets(past: Interactions) -> Any:
    """(baskets x items) of 0 and 1: what was bought in one order, or by one customer at one instant."""
    from scipy.sparse import csr_matrix

    bought = past.keeping(past.event_type == PURCHASE)
    turn, _, count = turns(bought)
    held = csr_matrix((np.ones(bought.size), (turn, bought.item)), shape=(int(count.sum()), len(past.items)))
    held.sum_duplicates()
    held.data[:] = 1.0
    # a basket that is too wide stays as a row, so that it counts among all baskets, but holds nothing
    wide = np.repeat(np.diff(held.indptr) > WIDEST, np.diff(held.indptr))
    held.data[wide] = 0.0
    held.eliminate_zeros()
    return held


def asked(past: Interactions) -> tuple[Bools, Bools, Bools]:
    """Which interactions are (an open cart, of the newest basket, what is asked about).

    A cart_add is open until the same item is bought or taken out; a customer is asked about the cart if it has one, and
    else about what was bought last.
    """
    n = past.size
    bought, last = past.event_type == PURCHASE, np.zeros(n, bool)
    if not n:
        return bought, last, last
    key = past.customer.astype(np.int64) * max(1, len(past.items)) + past.item
    closes = bought | (past.event_type == CART_REMOVE)
    cart = past.event_type == CART_ADD
    keys, place = np.unique(key, return_inverse=True)
    closed_at = np.full(len(keys), np.iinfo(np.int64).min)
    np.maximum.at(closed_at, place[closes], past.occurred_at[closes])
    cart &= past.occurred_at > closed_at[place]
    purchases = np.flatnonzero(bought)
    last[purchases[turns_back(past.keeping(bought)) == 0]] = True
    has_cart = np.zeros(len(past), bool)
    has_cart[past.customer[cart]] = True
    return cart, last, np.where(has_cart[past.customer], cart, last)


RECOMMENDERS.add(Complement.recommender_id, Complement)
FITTED_RECOMMENDERS.add(Complement.recommender_id, ComplementFit)
