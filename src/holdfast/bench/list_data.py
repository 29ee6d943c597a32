"""Public sets of lists as interactions: Ta-Feng baskets, Amazon Beauty sequences, Last.fm listens with friends.

None of them has clock times; the place in a customer's history stands for a day, so that the last basket (or item) lies one
day before the cutoff. Leave-one-out and last-basket protocols cut by place, not by date.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.bench.shops import data_file
from holdfast.core.clock import DAY_MICROS, Cutoff, Horizon
from holdfast.core.interactions import Interactions, ItemOutcomes, Items, Ties

#: An instant to count places back from.
CUTOFF = Cutoff.parse("2020-01-01T00:00:00Z")
ONE = Horizon.parse("1d")


@dataclass(frozen=True)
class Sequences:
    """Per customer a list of baskets (of item ids), oldest first; an item in turn is a basket of one."""

    customers: list[str]
    baskets: list[list[list[str]]]
    items: Items

    def before_last(self, hidden: int = 1) -> Interactions:
        """All but the last `hidden` baskets of each customer."""
        return self._interactions([one[: len(one) - hidden] for one in self.baskets])

    def whole(self) -> Interactions:
        """Every basket."""
        return self._interactions(self.baskets)

    def last(self, back: int = 1) -> ItemOutcomes:
        """The items of the last basket (`back` = 1), the one before it (2), ...; none where a customer has too few."""
        kept = [sorted(set(one[len(one) - back])) if len(one) >= back else [] for one in self.baskets]
        flat = self.items.positions(pa.array([item for one in kept for item in one], pa.string()))
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in kept])]).astype(np.int64)
        item = flat[np.lexsort((flat, np.repeat(np.arange(len(kept)), np.diff(offsets))))]
        names = pa.array(self.customers, pa.string())
        return ItemOutcomes(names, CUTOFF, ONE, self.items.item_id, offsets, item, np.zeros(len(item), np.int64))

    def _interactions(self, baskets: list[list[list[str]]]) -> Interactions:
        size = np.array([len(basket) for one in baskets for basket in one], np.int64)
        who = np.repeat([place for place, one in enumerate(baskets) for _ in one], size)
        back = np.repeat([len(one) - turn for one in baskets for turn in range(len(one))], size)
        names = pa.array([item for one in baskets for basket in one for item in basket], pa.string())
        return Interactions.of(
            pa.array(self.customers, pa.string()), self.items, CUTOFF, customer=who, item=self.items.positions(names),
            occurred_at=CUTOFF.micros - back * DAY_MICROS, basket=np.repeat(np.arange(len(size)), size),
        )  # fmt: skip


def tafeng() -> Sequences:
    """Ta-Feng baskets: 13,858 customers; the basket of `tafeng_future` is the last."""
    history, future = (_json(f"tafeng/tafeng_{name}.json.gz") for name in ("history", "future"))
    customers = list(history)
    baskets = [[[str(i) for i in b] for b in [*history[c], *future[c]] if b != [-1]] for c in customers]
    return Sequences(customers, baskets, _named(baskets))


def beauty() -> Sequences:
    """Amazon Beauty 5-core: 22,363 customers, items one by one; `category` holds the item's attribute numbers."""
    with gzip.open(data_file("beauty/Beauty.txt.gz"), "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file]
    baskets = [[[item] for item in row[1:]] for row in rows]
    attributes = _json("beauty/Beauty_item2attributes.json.gz")
    names = sorted({item for one in baskets for basket in one for item in basket})
    words = [" ".join(f"a{one}" for one in attributes.get(name, [])) or None for name in names]
    return Sequences([row[0] for row in rows], baskets, Items.named(names, description=words))


def lastfm() -> Interactions:
    """Last.fm: one row per customer and artist, `quantity` is the listens; friends are `ties`. No time at all."""
    with gzip.open(data_file("lastfm/user_artists.dat.gz"), "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file]
    with gzip.open(data_file("lastfm/artists.dat.gz"), "rt", encoding="utf-8") as file:
        next(file)
        titles = dict(line.rstrip("\n").split("\t")[:2] for line in file)
    with gzip.open(data_file("lastfm/user_friends.dat.gz"), "rt", encoding="utf-8") as file:
        next(file)
        friends = [line.split() for line in file]
    rows = [row for row in rows if row[0].isdigit()]
    names = sorted({row[1] for row in rows})
    items = Items.named(names, title=[titles.get(one) for one in names])
    customers = pa.array(sorted({row[0] for row in rows}, key=int), pa.string())
    place = {name: i for i, name in enumerate(customers.to_pylist())}
    known = [(place[a], place[b]) for a, b in friends if a in place and b in place]
    pairs = np.array(known, np.int32)
    ties = Ties(pairs[:, 0], pairs[:, 1], np.ones(len(pairs), np.float32))
    return Interactions.of(
        customers, items, CUTOFF, customer=np.array([place[row[0]] for row in rows]),
        item=items.positions(pa.array([row[1] for row in rows], pa.string())),
        occurred_at=np.full(len(rows), CUTOFF.micros - DAY_MICROS), quantity=np.array([float(row[2]) for row in rows]),
        ties=ties,
    )  # fmt: skip


def _named(baskets: list[list[list[str]]]) -> Items:
    return Items.named(sorted({item for one in baskets for basket in one for item in basket}))


def _json(name: str) -> dict[str, list[list[int]]]:
    with gzip.open(data_file(name), "rt", encoding="utf-8") as file:
        return dict(json.load(file))
