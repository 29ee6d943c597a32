"""What the shop sells: items in a two-step category tree, with brands, prices over time and launches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.schema import INSTANT, ITEMS, PRICES
from holdfast.synth.parameters import World
from holdfast.synth.people import Floats, Ints

#: category > subcategory: nouns, with the typical price of the category.
TREE: tuple[tuple[str, float, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    ("Coffee & Tea", 9, (("Coffee", ("espresso beans", "filter coffee")), ("Tea", ("green tea", "earl grey")))),
    ("Kitchen", 24, (("Pans", ("frying pan", "casserole")), ("Tools", ("peeler", "bread knife")))),
    ("Garden", 15, (("Seeds", ("tomato seeds", "flower mix")), ("Tools", ("hand fork", "watering can")))),
    ("Pets", 18, (("Food", ("cat food", "dog biscuits")), ("Toys", ("rope toy", "feather wand")))),
    ("Beauty", 14, (("Care", ("hand cream", "shampoo bar")), ("Bath", ("bath salts", "soap")))),
    ("Stationery", 6, (("Paper", ("notebook", "letter paper")), ("Pens", ("fountain pen", "pencil set")))),
    ("Toys", 20, (("Games", ("board game", "card game")), ("Wood", ("train set", "building blocks")))),
    ("Outdoor", 38, (("Hiking", ("day pack", "trekking poles")), ("Camp", ("lantern", "camp stove")))),
)
_WORDS = ("classic", "fine", "small", "large", "blue", "green", "organic", "everyday", "deluxe", "vintage")
_BRANDS = ("Alder", "Birch & Son", "Calla", "Dovetail", "Elm Street", "Fennel", "Grove", "Hazel")


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items by number; prices are money (1/10,000) by item and quarter of the world."""

    category: Ints
    title: list[str]
    path: list[str]
    brand: list[str]
    noun: list[str]
    prices: NDArray[np.int64]
    margin: Floats
    launched: Ints  # day number; 0 for what was there from the start
    stand_in: Ints  # an item of the same category that was there from the start
    quality: Floats
    shares: Floats  # popularity within its own category

    def price(self, item: Ints, day: Ints) -> NDArray[np.int64]:
        return np.asarray(self.prices[item, np.minimum(day // 91, self.prices.shape[1] - 1)])

    def pick(self, category: Ints, day: Ints, rng: np.random.Generator) -> Ints:
        """One item of each category by popularity; what is not launched yet is replaced by its stand-in."""
        item = np.zeros(len(category), np.int64)
        for one in range(len(TREE)):
            mine = np.flatnonzero(category == one)
            pool = np.flatnonzero(self.category == one)
            cumulated = np.cumsum(self.shares[pool])
            drawn = np.searchsorted(cumulated, rng.random(len(mine)) * cumulated[-1], side="right")
            item[mine] = pool[np.minimum(drawn, len(pool) - 1)]
        return np.where(self.launched[item] > day, self.stand_in[item], item)

    def item_ids(self) -> pa.Array:
        return pa.array([f"i{number:05d}" for number in range(len(self.title))])


def draw(world: World, rng: np.random.Generator) -> Catalogue:
    """Draw the assortment: popularity follows a power law, one item in seven is launched later."""
    n = world.item_count
    category = np.arange(n) % len(TREE)
    rank = np.arange(n) // len(TREE)
    sub = [TREE[c][2][r % 2] for c, r in zip(category, rank, strict=True)]
    noun = [s[1][(r // 2) % 2] for s, r in zip(sub, rank, strict=True)]
    typical = np.array([TREE[c][1] for c in category])
    base = typical * np.exp(0.45 * rng.standard_normal(n))
    quarters = world.days // 91 + 1
    drift = np.cumsum(np.where(rng.random((n, quarters)) < 0.3, 0.05 * rng.standard_normal((n, quarters)), 0), axis=1)
    cents = np.maximum(50, np.round(100 * base[:, None] * np.exp(drift)))
    late = (rng.random(n) < 0.15) & (rank > 0)
    return Catalogue(
        category=category,
        title=[f"{_WORDS[int(k)]} {w} no. {i + 1}" for i, (k, w) in enumerate(zip(rank % 10, noun, strict=True))],
        path=[f"{TREE[c][0]} > {s[0]}" for c, s in zip(category, sub, strict=True)],
        brand=[_BRANDS[int(b)] for b in rng.integers(0, len(_BRANDS), n)],
        noun=noun,
        prices=cents.astype(np.int64) * 100,
        margin=np.round(np.clip(0.35 + 0.12 * rng.standard_normal(n), 0.05, 0.8), 3),
        launched=np.where(late, rng.integers(1, world.days, n), 0),
        stand_in=category.copy(),  # the first item of every category is there from the start
        quality=0.35 * rng.standard_normal(n),
        shares=(1.0 + rank) ** -0.8 * np.exp(0.3 * rng.standard_normal(n)),
    )


def items_table(world: World, goods: Catalogue) -> pa.Table:
    """The catalogue as it was known at the launch of each item; later prices are in `prices` alone."""
    first, number = _instants(world, goods.launched), np.arange(world.item_count)
    return ITEMS.conform(
        pa.table(
            {
                "item_id": goods.item_ids(),
                "title": goods.title,
                "category": goods.path,
                "brand": goods.brand,
                "price": goods.price(number, goods.launched),
                "margin_rate": goods.margin,
                "active_from": first,
                "valid_from": first,
            }
        )
    )


def prices_table(world: World, goods: Catalogue) -> pa.Table:
    """The price at launch and every change of it, valid from the first midnight of its quarter."""
    quarters = np.arange(goods.prices.shape[1])
    launch = goods.launched[:, None] // 91
    changed = quarters > launch
    changed[:, 1:] &= goods.prices[:, 1:] != goods.prices[:, :-1]
    item, quarter = np.nonzero(changed | (quarters == launch))
    day = np.maximum(quarter * 91, goods.launched[item])
    known = day < world.days
    columns = {
        "item_id": goods.item_ids().take(pa.array(item[known])),
        "price": goods.prices[item, quarter][known],
        "valid_from": _instants(world, day[known]),
    }
    return PRICES.conform(pa.table(columns))


def _instants(world: World, days: Ints) -> pa.Array:
    micros = np.array([world.cutoff(day).micros for day in range(world.days + 1)])
    return pa.array(micros[days]).cast(pa.timestamp("us")).cast(INSTANT)
