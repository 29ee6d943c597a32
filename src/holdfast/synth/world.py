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
from holdfast.synth.life import Life, simulate
from holdfast.synth.parameters import ARMS, Arm, World
from holdfast.synth.people import People, draw
from holdfast.synth.rows import Rows, events_table, ids, instants
from holdfast.synth.tempo import Tempo, tempo
from holdfast.synth.truth import Knows, Truth

__all__ = ["ARMS", "Arm", "Made", "World", "make"]
#: Consent covers every way in which a campaign of the world reaches somebody.
_AGREED, _REFUSED = (f'{{"mail": {one}, "phone": {one}, "post": {one}}}' for one in ("true", "false"))


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


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a world is made from, before anything is written down; every part follows from the seed."""

    world: World
    people: People
    tempo: Tempo
    goods: catalogue.Catalogue
    life: Life
    names: pa.Array
    midnight: np.ndarray

    def life_rng(self) -> np.random.Generator:
        """The stream that the days were lived with, from its start."""
        return np.random.default_rng(_seeds(self.world)[2])

    def shop_rng(self) -> np.random.Generator:
        return np.random.default_rng(_seeds(self.world)[3])

    def street(self, life: Life, rng: np.random.Generator) -> shopping.Street:
        return shopping.Street(self.world, self.people, self.tempo, self.goods, life, rng, self.midnight)


def _seeds(world: World) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(world.seed).spawn(4)


def drawn(world: World, progress: Progress = SILENT) -> Drawn:
    """The people, the days and the life that was lived."""
    goods_rng, people_rng, life_rng, _ = (np.random.default_rng(one) for one in _seeds(world))
    goods = catalogue.draw(world, goods_rng)
    people, days = draw(world, len(catalogue.TREE), people_rng), tempo(world)
    life = simulate(world, people, days, life_rng, progress)
    names = ids("c", np.arange(len(people)), max(5, len(str(len(people)))))
    midnight = np.array([world.cutoff(day).micros for day in range(len(days.pace))])
    return Drawn(world, people, days, goods, life, names, midnight)


def tell(
    world: Drawn, street: shopping.Street, until: int, progress: Progress = SILENT
) -> tuple[Rows, pa.Table, pa.Table]:
    """Event rows, texts and exposures of one life, as far as they are known before `until`."""
    rows = Rows()
    progress.step("writing what happened", 0, 3)
    sessions = shopping.visits(street, rows)
    bought = shopping.lines(street)
    paid = shopping.orders(street, rows, bought, sessions)
    progress.step("writing what happened", 1, 3)
    texts = shopping.opinions(street, rows, bought, paid, world.names, until)
    exposures = shopping.campaigns(street, rows, world.names)
    progress.step("writing what happened", 2, 3)
    return rows, texts, exposures


def events_of(world: Drawn, rows: Mapping[str, np.ndarray]) -> pa.Table:
    """Event rows as the canonical table."""
    arms = world.world.arms
    words = {
        "arms": [arm.treatment_id for arm in arms],
        "coupons": [f"{arm.treatment_id.upper()}{round(100 * arm.discount)}" for arm in arms],
        "queries": [branch[2][0][1][0] for branch in catalogue.TREE],
    }
    shown = {"ids": world.names, "platform": world.people.platform, "currency": world.world.currency}
    return events_table(rows, shown, world.goods.item_ids(), words)


def make(world: World, progress: Progress = SILENT) -> Made:
    """Draw the people, live the days, write the tables. The same world gives the same tables.

    >>> made = make(World(customers=20, days=120))
    >>> sorted(made.tables)
    ['calendar', 'customers', 'events', 'exposures', 'items', 'prices', 'texts']
    """
    whole, until = drawn(world, progress), world.ends.micros
    rows, texts, exposures = tell(whole, whole.street(whole.life, whole.shop_rng()), until, progress)
    tables = {
        "events": events_of(whole, rows.sorted(until)),
        "items": catalogue.items_table(world, whole.goods),
        "customers": _customers(world, whole.people, whole.names, whole.midnight),
        "texts": texts,
        "exposures": exposures,
        "prices": catalogue.prices_table(world, whole.goods),
        "calendar": _calendar(world, whole.tempo),
    }
    progress.step("writing what happened", 3, 3)
    return Made(world, tables, Truth(world, whole.people, whole.tempo, whole.life, whole.names))


def _customers(world: World, people: People, names: pa.Array, midnight: np.ndarray) -> pa.Table:
    born = instants(midnight[people.born])
    consents = np.where(people.consent, _AGREED, _REFUSED)
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
