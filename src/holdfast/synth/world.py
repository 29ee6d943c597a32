"""A shop whose truth is known: `make(World(...))` gives core tables and the truth behind them.

The customers do not follow any model that Holdfast fits: hidden states, Weibull needs, grudges, seasons, promotions
and randomised contacts decide when they order (see `synth/life.py` and docs/adr/0007).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import CALENDAR, CUSTOMERS
from holdfast.synth import catalogue, shopping
from holdfast.synth.life import simulate
from holdfast.synth.parameters import ARMS, Arm, World
from holdfast.synth.people import People, draw
from holdfast.synth.rows import Rows, events_table, ids, instants
from holdfast.synth.tempo import Tempo, tempo
from holdfast.synth.truth import Knows, Truth

__all__ = ["ARMS", "Arm", "Made", "World", "make"]


@dataclass(frozen=True, eq=False)
class Made:
    """What a world left behind: the tables a shop would have, and the truth nobody sees.

    `tables` are canonical: events, items, customers, texts, exposures, prices, calendar.
    """

    world: World
    tables: Mapping[str, pa.Table]
    hidden: Truth

    @property
    def truth(self) -> pa.Table:
        """One row per customer: came_on, churned_on, habits, tastes, effects per treatment."""
        return self.hidden.table()

    def true_p_churn(
        self,
        cutoff: Cutoff,
        horizon: Horizon,
        gap: Gap = NO_GAP,
        *,
        campaigns: bool = True,
        knows: Knows = "state",
    ) -> pa.Table:
        """Exact P(no order in the horizon) per customer who ordered before the cutoff; see `Truth.p_churn`."""
        return self.hidden.p_churn(cutoff, horizon, gap, campaigns=campaigns, knows=knows)

    def true_effect(self, treatment: str, cutoff: Cutoff, horizon: Horizon) -> pa.Table:
        """Exact uplift of one contact at the cutoff per customer; see `Truth.effect`."""
        return self.hidden.effect(treatment, cutoff, horizon)


def make(world: World, progress: Progress = SILENT) -> Made:
    """Draw the people, live the days, write the tables. The same world gives the same tables.

    >>> made = make(World(customers=20, days=120))
    >>> sorted(made.tables)
    ['calendar', 'customers', 'events', 'exposures', 'items', 'prices', 'texts']
    """
    seeds = np.random.SeedSequence(world.seed).spawn(4)
    goods_rng, people_rng, life_rng, shop_rng = (np.random.default_rng(one) for one in seeds)
    goods = catalogue.draw(world, goods_rng)
    people, days = draw(world, len(catalogue.TREE), people_rng), tempo(world)
    life = simulate(world, people, days, life_rng, progress)
    names = ids("c", np.arange(len(people)), max(5, len(str(len(people)))))
    midnight = np.array([world.cutoff(day).micros for day in range(world.days + 60)])
    street = shopping.Street(world, people, days, goods, life, shop_rng, midnight)
    rows, until = Rows(), world.ends.micros
    progress.step("writing what happened", 0, 3)
    sessions = shopping.visits(street, rows)
    bought = shopping.lines(street)
    paid = shopping.orders(street, rows, bought, sessions)
    progress.step("writing what happened", 1, 3)
    texts = shopping.opinions(street, rows, bought, paid, names, until)
    exposures = shopping.campaigns(street, rows, names)
    progress.step("writing what happened", 2, 3)
    words = {
        "arms": [arm.treatment_id for arm in world.arms],
        "coupons": [f"{arm.treatment_id.upper()}{round(100 * arm.discount)}" for arm in world.arms],
        "queries": [branch[2][0][1][0] for branch in catalogue.TREE],
    }
    shown = {"ids": names, "platform": people.platform, "currency": world.currency}
    tables = {
        "events": events_table(rows.sorted(until), shown, goods.item_ids(), words),
        "items": catalogue.items_table(world, goods),
        "customers": _customers(world, people, names, midnight),
        "texts": texts,
        "exposures": exposures,
        "prices": catalogue.prices_table(world, goods),
        "calendar": _calendar(world, days),
    }
    progress.step("writing what happened", 3, 3)
    return Made(world, tables, Truth(world, people, days, life, names))


def _customers(world: World, people: People, names: pa.Array, midnight: np.ndarray) -> pa.Table:
    born = instants(midnight[people.born])
    consents = np.where(people.consent, '{"mail": true}', '{"mail": false}')
    held = [json.dumps({"holdout": bool(one)}) for one in people.holdout]
    return CUSTOMERS.conform(
        pa.table(
            {
                "customer_id": names,
                "created_at": born,
                "attributes": held,
                "consents": consents,
                "valid_from": born,
            }
        )
    )


def _calendar(world: World, days: Tempo) -> pa.Table:
    """Promotions are decided four weeks ahead, holidays are known from the start."""
    rows = []
    for number in range(world.days):
        day = world.start + timedelta(days=number)
        if days.promotion[number]:
            rows.append((day, "promotion", world.cutoff(max(0, number - 28)).at))
        if days.holiday[number]:
            rows.append((day, "holiday", world.cutoff(0).at))
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return CALENDAR.conform(pa.table(dict(zip(("day", "kind", "known_from"), map(list, columns), strict=True))))
