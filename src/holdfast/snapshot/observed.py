"""What was known at some cutoffs, and nothing else: all a feature ever receives.

The future is not in the object. A row is visible at a cutoff only if it occurred and was recorded before it and had
not been retracted before it; whole days come from the ledger, a day that a cutoff cuts from the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT
from holdfast.core.tables import Key
from holdfast.snapshot.cut import recut
from holdfast.snapshot.days import cutoff_day, is_midnight, whole_days
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import BY_ORDER, PopulationSettings

_WHEN = ("day", "known_day", "lost_day", "cutoff_day")


@dataclass(frozen=True)
class Observed:
    """Lazy tables of what was known. `cut` is the position of a cutoff in `cutoffs`, `who` a customer's number.

    `age` counts local days back from the first midnight at or after the cutoff: 1 is the last day. A window of
    w days is `age <= w`.

    - `days`: cut, who, age x measures; a day may be several rows, whose measures add
    - `orders`: cut, who, age, order_id, line_count, units, revenue, discount
    - `items`: cut, who, item, age, act_count, line_count, newest_seen, newest_bought (whether this row is the newest
      on which the customer touched, or bought, the item; null where that must be found by grouping)
    - `platforms`: cut, who, platform, age, line_count
    - `catalogue`: cut, item, category, brand; None without a catalogue
    - `people`: cut, who of the population; `customers`: who, customer_id
    """

    ledger: Ledger
    cutoffs: tuple[Cutoff, ...]
    population: PopulationSettings = BY_ORDER

    def __post_init__(self) -> None:
        if not self.cutoffs:
            raise UsageError("no cutoff", remedy="give at least one, e.g. Cutoff.parse('2011-11-09', zone)")
        if list(self.cutoffs) != sorted(set(self.cutoffs)):
            raise UsageError("cutoffs must be different and ordered, oldest first")

    @property
    def engine(self) -> Any:
        return self.ledger.engine

    @property
    def zone(self) -> str:
        return self.ledger.zone

    @property
    def customers(self) -> Any:
        return self.ledger.customers

    def at(self, cutoffs: Sequence[Cutoff]) -> Observed:
        """The same, of fewer cutoffs."""
        return Observed(self.ledger, tuple(cutoffs), self.population)

    @cached_property
    def clock(self) -> Any:
        """cut, cutoff_day: a small table to join with."""
        days = [cutoff_day(one, self.zone) for one in self.cutoffs]
        return self.engine.memory(
            pa.table({"cut": pa.array(range(len(days)), pa.int32()), "cutoff_day": pa.array(days, pa.int32())})
        )

    @cached_property
    def days(self) -> Any:
        return self._visible("days")

    @cached_property
    def orders(self) -> Any:
        return self._visible("orders").drop("replaced", "ordered_at")

    @cached_property
    def items(self) -> Any:
        import ibis

        rows = self._seen("items")
        unknown = ibis.null("boolean")
        newest = {
            f"newest_{how}": unknown if self._recut is not None else rows[f"{how}_until"] >= rows.cutoff_day
            for how in ("seen", "bought")
        }
        return rows.mutate(age=rows.cutoff_day - rows.day, **newest).drop(*_WHEN, "seen_until", "bought_until")

    @cached_property
    def platforms(self) -> Any:
        return self._visible("platforms")

    @cached_property
    def catalogue(self) -> Any:
        """cut, item, category, brand: the newest attributes with `valid_from` before the cutoff."""
        items = self.ledger.log.tables.get("items")
        if items is None:
            return None
        known = (
            items.filter(items.valid_from.notnull()).join(self.ledger.item_ids, "item_id").cross_join(self._instants)
        )
        known = known.filter(known.valid_from < known.cutoff)
        newest = known.group_by(["cut", "item"]).aggregate(valid_from=known.valid_from.max())
        known = known.semi_join(newest, ["cut", "item", "valid_from"])
        return self.engine.cached(
            known.group_by(["cut", "item"]).aggregate(category=known.category.max(), brand=known.brand.max())
        )

    @cached_property
    def _instants(self) -> Any:
        cuts = pa.array(range(len(self.cutoffs)), pa.int32())
        return self.engine.memory(pa.table({"cut": cuts, "cutoff": pa.array([c.at for c in self.cutoffs], INSTANT)}))

    @property
    def chained(self) -> bool:
        """Whether every row of `items` knows if it is the newest of its item (the usual case)."""
        return self.ledger.seen.plain and self._recut is None

    def _visible(self, name: str) -> Any:
        rows = self._seen(name)
        return rows.mutate(age=rows.cutoff_day - rows.day).drop(*_WHEN)

    def _seen(self, name: str) -> Any:
        """Ledger rows visible at each cutoff; what a cutoff cuts is read from the events instead."""
        rows = self._timed(getattr(self.ledger, name))
        rows = rows.filter(rows.known_day < rows.cutoff_day)
        if not self.ledger.seen.plain:
            rows = rows.filter(rows.lost_day.isnull() | (rows.lost_day >= rows.cutoff_day))
        return rows if self._recut is None else self._recut.replace(rows, name)

    def _timed(self, rows: Any) -> Any:
        """Ledger rows beside each cutoff; a single cutoff is a constant, which filters best."""
        import ibis

        if len(self.cutoffs) > 1:
            return rows.cross_join(self.clock)
        day = cutoff_day(self.cutoffs[0], self.zone)
        return rows.mutate(cut=ibis.literal(0, "int32"), cutoff_day=ibis.literal(day, "int32"))

    @cached_property
    def _recut(self) -> Any:
        inside = [(cut, one) for cut, one in enumerate(self.cutoffs) if not is_midnight(one, self.zone)]
        return recut(self.ledger, inside) if inside else None

    @cached_property
    def people(self) -> Any:
        """cut, who: everybody with a sign of life within the population's window."""
        within = population_days(self.population)
        if self.population.active_by == "order":
            alive = self.orders.filter(self.orders.age <= within)
        else:
            alive = self.days.filter((self.days.age <= within) & (self.days.act_count > 0))
        return self.engine.cached(alive.select("cut", "who").distinct())


def population_days(population: PopulationSettings) -> int:
    """The population's window in whole days."""
    days = whole_days(Window.parse(population.within).micros)
    if days is None:
        raise UsageError(
            f"population.within = {population.within!r} is not a whole number of days",
            remedy="write it in days, e.g. 180d",
        )
    return days


def people_of(observed: Observed, key: Key) -> Any:
    """The rows of a key as (cut, who); customers that this history does not know are left out."""
    rows = {cutoff.micros: cut for cut, cutoff in enumerate(observed.cutoffs)}
    where = np.isin(key.cutoff, list(rows))
    cut = pa.array([rows[int(one)] for one in key.cutoff[where]], pa.int32())
    ids = key.customer_id.filter(pa.array(where))
    asked = observed.engine.memory(pa.table({"cut": cut, "customer_id": ids}))
    return asked.join(observed.customers, "customer_id").select("cut", "who").distinct()
