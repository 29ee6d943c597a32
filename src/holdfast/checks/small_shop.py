"""The small shop of the checks of recommenders: tastes, habits, views, orders, sessions, words and prices."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff
from holdfast.core.interactions import Interactions, Items
from holdfast.core.schema import EVENT_TYPES

CUTOFF = Cutoff.parse("2024-06-01")
_KINDS = ("Tea", "Cups", "Books", "Garden")
_TYPES = ("view", "cart_add", "purchase")


@lru_cache(maxsize=1)
def shop(customers: int = 60, items: int = 32, seed: int = 3) -> Interactions:
    """Customers who mostly keep to two of four categories and look before they buy; the last two items are new."""
    random = np.random.default_rng(seed)
    group = np.arange(items) % len(_KINDS)
    who, what, when, basket, session, kinds = [], [], [], [], [], []
    number = 0
    for customer in range(customers):
        weight = random.gamma(0.5, 1.0, items) * np.where(np.isin(group, [customer % 4, (customer + 1) % 4]), 6.0, 1.0)
        weight[-2:] = 0.0
        for _ in range(1 + random.poisson(3.0)):
            number += 1
            at = CUTOFF.micros - int(random.uniform(0.2, 150.0) * DAY_MICROS)
            for item in random.choice(items, size=1 + random.poisson(1.5), p=weight / weight.sum()):
                for turn, kind in enumerate(_TYPES):
                    if kind == "purchase" or random.random() < 0.4:
                        who.append(customer)
                        what.append(int(item))
                        when.append(at + turn * 1_000_000)
                        basket.append(number if kind == "purchase" else -1)
                        session.append(number)
                        kinds.append(EVENT_TYPES.index(kind))
    return Interactions.of(
        pa.array([f"shopper-{one:04d}" for one in range(customers)], pa.string()), _catalogue(group, random), CUTOFF,
        customer=np.array(who), item=np.array(what), occurred_at=np.array(when), event_type=np.array(kinds),
        basket=np.array(basket), session=np.array(session), quantity=1.0 + random.poisson(0.3, len(who)),
        amount=random.integers(10_000, 900_000, len(who)),
        segment=pa.array([["home", "trade", None][one % 3] for one in range(customers)], pa.string()),
    )  # fmt: skip


def _catalogue(group: NDArray[np.int64], random: np.random.Generator) -> Items:
    n = len(group)
    return Items.named(
        [f"item-{one:03d}" for one in range(n)],
        title=[f"{_KINDS[group[one]].lower()} number {one // 4} 号" if one % 7 else None for one in range(n)],
        category=[f"Shop > {_KINDS[group[one]]}" if one % 9 else None for one in range(n)],
        brand=[f"brand {one % 5}" if one % 4 else None for one in range(n)],
        price=np.where(np.arange(n) % 11 == 0, -1, random.integers(10_000, 900_000, n)),
        margin_rate=np.where(np.arange(n) % 5 == 0, np.nan, random.uniform(0.05, 0.6, n)),
    )


def of_rows(
    past: Interactions, rows: list[tuple[int, int, float]], cutoff: str, *, customers: int | None = None
) -> Interactions:
    """Purchases (customer, item, days before the cutoff) of the same customers, or of so many new ones."""
    at = Cutoff.parse(cutoff)
    ids = past.customer_id if customers is None else pa.array([f"stranger-{one}" for one in range(customers)])
    places = np.array([[customer, item] for customer, item, _ in rows], np.int64).reshape(-1, 2)
    when = np.array([at.micros - int(ago * DAY_MICROS) for *_, ago in rows], np.int64)
    return Interactions.of(
        ids, past.items, at, customer=places[:, 0], item=places[:, 1], occurred_at=when,
        basket=10_000_000 + np.arange(len(rows)), segment=past.segment if customers is None else None,
    )  # fmt: skip


def crowd(count: int) -> Interactions:
    """So many purchases of one customer over the items of the shop."""
    past, random = shop(), np.random.default_rng(9)
    return Interactions.of(
        past.customer_id.slice(0, 1), past.items, CUTOFF, customer=np.zeros(count), basket=np.arange(count) // 3,
        item=random.integers(0, len(past.items), count),
        occurred_at=CUTOFF.micros - 1 - random.integers(0, 300 * DAY_MICROS, count),
    )  # fmt: skip
