"""Who the customers are: habits, tastes, patience, price sensitivity; drawn once, never shown to a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.synth.parameters import World

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

#: Where customers buy: the web shop, the app, the store in town.
CHANNELS = ("web", "app", "store")
PLATFORMS = ("site", "marketplace")


@dataclass(frozen=True, eq=False)
class People:
    """One number (or row) per customer. Days are day numbers of the world."""

    born: Ints  # day of the first order (of the account, for lookers)
    looker: NDArray[np.bool_]  # never orders
    gap: Floats  # scale of the Weibull gap, days
    shape: Floats  # above 1: regular; need grows with every day since the last order
    slumber: Floats  # daily chance of falling asleep
    wake: Floats  # daily chance of waking
    leave: Floats  # daily chance of leaving for good while engaged
    visits: Floats  # visits without an order per engaged day
    price_sensitivity: Floats  # 0 to 1
    annoyance: Floats  # 0 to 1, by messages
    effects: Floats  # customers x arms, log-hazard while a contact works
    consent: NDArray[np.bool_]
    holdout: NDArray[np.bool_]
    tastes: Floats  # customers x categories, adds to 1
    loyalty: Floats  # chance that a line is a favourite bought again
    basket: Floats  # mean lines beyond the first
    units: Floats  # mean units beyond the first
    reviews: Floats  # chance of reviewing a line
    channels: Floats  # customers x CHANNELS, adds to 1
    platform: Ints

    def __len__(self) -> int:
        return len(self.born)


def draw(world: World, categories: int, rng: np.random.Generator) -> People:
    """Draw everybody. A third are regulars with short, even gaps; a few buy in bulk."""
    n = world.customers
    regular = rng.random(n) < 0.35
    price = rng.beta(2, 2, n)
    annoyance = rng.beta(1.4, 4, n)
    bulk = rng.random(n) < 0.08
    return People(
        born=_arrivals(world, rng),
        looker=rng.random(n) < world.looker_share,
        gap=world.gap_days * np.where(regular, 0.55, 1.6) * np.exp(0.45 * rng.standard_normal(n)),
        shape=np.where(regular, 1.6, 1.1) + rng.gamma(2.0, 0.25, n),
        slumber=_daily(world.engaged_days * np.where(regular, 1.5, 0.9), 0.5, n, rng),
        wake=_daily(world.slumber_days, 0.5, n, rng),
        leave=_daily(world.leave_days * np.where(regular, 1.3, 0.9), 0.7, n, rng),
        visits=0.06 * world.browsing * np.exp(0.8 * rng.standard_normal(n) - 0.32),
        price_sensitivity=price,
        annoyance=annoyance,
        effects=_effects(world, price, annoyance),
        consent=rng.random(n) < 0.85,
        holdout=rng.random(n) < world.holdout_share,
        tastes=_tastes(n, categories, rng),
        loyalty=rng.beta(1.5, 3, n),
        basket=rng.gamma(1.2, 0.7, n),
        units=np.where(bulk, rng.gamma(3, 2.5, n), rng.gamma(0.5, 0.6, n)),
        reviews=np.clip(world.review_share * rng.gamma(0.7, 1 / 0.7, n), 0, 0.9),
        channels=_channels(n, rng),
        platform=(rng.random(n) < 0.2).astype(np.int64),
    )


def _arrivals(world: World, rng: np.random.Generator) -> Ints:
    """Two in five were customers already when the files begin; the others arrive over time."""
    n = world.customers
    first = min(60, world.days)
    known = rng.random(n) < 0.4
    return np.where(known, rng.integers(0, first, n), rng.integers(0, world.days, n))


def _daily(days: float | Floats, spread: float, n: int, rng: np.random.Generator) -> Floats:
    """Daily chances whose inverses are log-normal around `days`."""
    return np.asarray(np.minimum(0.5, 1.0 / (days * np.exp(spread * rng.standard_normal(n)))))


def _effects(world: World, price: Floats, annoyance: Floats) -> Floats:
    columns = [a.effect + a.by_price * (price - 0.5) - a.by_annoyance * annoyance for a in world.arms]
    return world.effect * np.column_stack(columns)


def _tastes(n: int, categories: int, rng: np.random.Generator) -> Floats:
    raw = rng.gamma(0.45, 1.0, (n, categories)) + 1e-6
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def _channels(n: int, rng: np.random.Generator) -> Floats:
    raw = rng.gamma(0.6, 1.0, (n, len(CHANNELS))) * np.array([1.6, 1.0, 0.5]) + 1e-6
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))
