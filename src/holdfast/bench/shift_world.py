"""Slices of a synthetic shop straight from what it lived through: the path that benches and tests of `shift` share.

The same rows that import, cleaning and ledger would give (cleaning gives the world back to the order, see
tests/synth), with the dozen features of orders and messages that small models read, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes, Slices
from holdfast.core.text import Text
from holdfast.synth.catalogue import TREE
from holdfast.synth.life import simulate
from holdfast.synth.people import People, draw
from holdfast.synth.rows import ids
from holdfast.synth.tempo import tempo
from holdfast.synth.truth import Truth
from holdfast.synth.world import Made, World

Floats = NDArray[np.float64]
_COLUMNS = (
    ("days_since_last_order", "days", "cadence"), ("overdue_ratio", "ratio", "cadence"), ("T", "days", "cadence"),
    ("order_count", "orders", "frequency"), ("order_count_90d", "orders", "frequency"),
    ("order_count_180d", "orders", "frequency"), ("revenue", "currency", "money"), ("revenue_180d", "currency", "money"),
    ("order_value_mean", "currency", "money"), ("message_count_30d", "messages", "service"),
    ("message_count_180d", "messages", "service"), ("days_since_last_message", "days", "service"),
)  # fmt: skip
WITHIN = 180


@dataclass(frozen=True)
class OrderDays:
    """One entry per customer and day with an order, by day: customer number, day of the world, revenue (currency)."""

    who: NDArray[np.int64]
    day: NDArray[np.int64]
    revenue: Floats

    @classmethod
    def of(cls, made: Made) -> OrderDays:
        """Every order day of a world; an order voided on its own day is none."""
        events = made.tables["events"]
        sold = events.filter(pc.equal(events["event_type"], "purchase"))
        local = pc.local_timestamp(sold["occurred_at"].cast(pa.timestamp("us", tz=made.world.zone)))
        day = pc.cast(local, pa.date32()).to_numpy().astype(np.int64) - np.datetime64(made.world.start).astype(np.int64)
        who = pc.index_in(sold["customer_id"], value_set=made.hidden.customer_id).to_numpy().astype(np.int64)
        paid = (
            sold["quantity"].to_numpy() * sold["unit_price"].to_numpy() - pc.fill_null(sold["discount"], 0).to_numpy()
        )
        span = int(day.max()) + 2
        money = np.bincount(who * span + day, paid / 10_000, minlength=len(made.hidden.people) * span)
        return cls._days(made, np.asarray(money, np.float64), span)

    @classmethod
    def of_lines(cls, lines: pa.Table) -> tuple[OrderDays, pa.Array]:
        """Order days of a table of order lines (`synth.sampler.COLUMNS`), days since 1970; and the customers' names."""
        names = lines["customer_id"].unique().sort()
        who = pc.index_in(lines["customer_id"], value_set=names).to_numpy().astype(np.int64)
        day = lines["local_day"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
        paid = lines["quantity"].to_numpy() * lines["unit_price"].to_numpy().astype(np.float64)
        span = int(day.max()) + 1
        cells, which = np.unique(who * span + day, return_inverse=True)
        money = np.asarray(np.bincount(which, paid), np.float64)
        order = np.argsort(cells % span, kind="stable")
        return cls(cells[order] // span, cells[order] % span, money[order]), names

    @classmethod
    def lived(cls, made: Made) -> OrderDays:
        """The same of a world without tables: every customer spends around a level of their own."""
        span, n = made.world.days + 1, len(made.hidden.people)
        random = np.random.default_rng([made.world.seed, 29])
        level = np.repeat(random.lognormal(3.0, 0.6, n), span)
        return cls._days(made, level * random.lognormal(0.0, 0.3, n * span), span)

    @classmethod
    def _days(cls, made: Made, money: Floats, span: int) -> OrderDays:
        life = made.hidden.life
        real = ~life.order_void & (life.order_day < span)
        cells = np.unique(life.order_who[real].astype(np.int64) * span + life.order_day[real])
        cells = cells[np.argsort(cells % span, kind="stable")]
        return cls(cells // span, cells % span, np.asarray(money[cells], np.float64))


def lived(world: World, *, pace: Floats | None = None, change: Callable[[People], People] | None = None) -> Made:
    """A world that was lived but not written down: no tables, a fifth of the time.

    `pace` multiplies everybody's chance of an order, by day (behaviour changes); `change` makes other people of those
    drawn (other customers come).
    """
    people = draw(world, len(TREE), np.random.default_rng([world.seed, 1]))
    people = people if change is None else change(people)
    days = tempo(world)
    if pace is not None:
        days = replace(days, pace=days.pace * np.append(pace, np.full(len(days.pace) - len(pace), pace[-1])))
    life = simulate(world, people, days, np.random.default_rng([world.seed, 2]))
    return Made(world, {}, Truth(world, people, days, life, ids("c", np.arange(len(people)), 6)))


def slices_at(
    made: Made, days: Sequence[int], horizon_days: int = 30, orders: OrderDays | None = None, within: int = WITHIN
) -> Slices:
    """Features and outcomes of everybody with an order in the 180 days before each cutoff (a day of the world)."""
    return slices_from(
        orders or OrderDays.of(made), made.hidden.customer_id, days, made.world.cutoff, horizon_days, within,
        lambda day: _messages(made, day),
    )  # fmt: skip


def slices_of_lines(lines: pa.Table, days: Sequence[int], horizon_days: int = 30) -> Slices:
    """The same from a table of order lines, at midnights of a shop in UTC (days since 1970); it knows no messages."""
    orders, names = OrderDays.of_lines(lines)

    def cutoff_of(day: int) -> Cutoff:
        return Cutoff.midnight(date(1970, 1, 1) + timedelta(days=day), "UTC")

    return slices_from(orders, names, days, cutoff_of, horizon_days, WITHIN, None)


def slices_from(
    orders: OrderDays, names: pa.Array, days: Sequence[int], cutoff_of: Callable[[int], Cutoff], horizon_days: int,
    within: int, more: Callable[[int], Sequence[Floats]] | None,
) -> Slices:  # fmt: skip
    """Slices of numbered customers; `more` gives further columns (the last three of `_COLUMNS`) on a day."""
    parts = [_slice(orders, len(names), day, horizon_days, within, more(day) if more else ()) for day in days]
    key = Key(
        pa.concat_arrays([names.take(pa.array(one[0])) for one in parts]),
        np.concatenate([np.full(len(one[0]), cutoff_of(day).micros) for one, day in zip(parts, days, strict=True)]),
    )
    values = np.concatenate([one[1] for one in parts]).astype(np.float32)
    columns = tuple(
        FeatureColumn(n, u, "", "none", f, Text(f"{n} {{value}}", f"{n} {{value}}"))
        for n, u, f in _COLUMNS[: values.shape[1]]
    )
    counts, money, wait = (np.concatenate([one[i] for one in parts]) for i in (2, 3, 4))
    known = np.concatenate([np.full(len(one[0]), _ends(orders) - day) for one, day in zip(parts, days, strict=True)])
    outcomes = Outcomes(
        key, Horizon(timedelta(days=horizon_days)), counts == 0, counts.astype(np.int64),
        np.round(money * 10_000).astype(np.int64), np.where(np.isfinite(wait), wait, known), np.isfinite(wait),
    )  # fmt: skip
    return Slices(FeatureTable(key, columns, values), outcomes)


def _ends(orders: OrderDays) -> int:
    return int(orders.day.max()) + 1 if len(orders.day) else 0


def _slice(
    orders: OrderDays, n: int, day: int, horizon: int, within: int, more: Sequence[Floats]
) -> tuple[NDArray[np.int64], Floats, Floats, Floats, Floats]:
    """who, features, orders and revenue in the horizon, days to the next order (NaN where none is known)."""
    now, last = int(np.searchsorted(orders.day, day)), int(np.searchsorted(orders.day, day + horizon))
    who, age, paid = orders.who[:now], day - orders.day[:now], orders.revenue[:now]
    silence, length = np.full(n, np.inf), np.zeros(n)
    silence[who] = age  # by day: the newest stays
    length[who[::-1]] = age[::-1]
    count, money = np.bincount(who, minlength=n), np.bincount(who, paid, minlength=n)
    recent = {w: np.bincount(who[age <= w], minlength=n) for w in (90, 180)}
    spent = np.bincount(who[age <= 180], paid[age <= 180], minlength=n)
    mine = np.flatnonzero(silence <= within)
    gap = np.where(count > 1, (length - np.where(np.isfinite(silence), silence, 0)) / np.maximum(count - 1, 1), np.nan)
    columns = [
        silence,
        silence / gap,
        length,
        count,
        recent[90],
        recent[180],
        money,
        spent,
        money / np.maximum(count, 1),
    ]
    later = np.bincount(orders.who[now:last], minlength=n).astype(np.float64)
    gained = np.bincount(orders.who[now:last], orders.revenue[now:last], minlength=n).astype(np.float64)
    wait = np.full(n, np.nan)
    wait[orders.who[now:][::-1]] = orders.day[now:][::-1] - day
    table = np.column_stack([*columns, *more])[mine].astype(np.float64)
    return mine.astype(np.int64), table, later[mine], gained[mine], wait[mine]


def _messages(made: Made, day: int) -> tuple[Floats, Floats, Floats]:
    """Messages of the last 30 and 180 days, and days since the last; NaN where there was none."""
    life, n = made.hidden.life, len(made.hidden.people)
    sent = np.flatnonzero((life.contact_arm > 0) & (life.contact_day < day))
    who, age = life.contact_who[sent], day - life.contact_day[sent]
    last = np.full(n, np.nan)
    last[who] = age
    counts = [np.bincount(who[age <= days], minlength=n).astype(np.float64) for days in (30, 180)]
    return counts[0], counts[1], last
