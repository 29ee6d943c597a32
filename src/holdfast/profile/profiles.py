"""One row a customer: grid, tier, stage, tastes, prices, habits, service and contacts, as of one cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.money import MONEY_SCALE
from holdfast.core.schema import RELEASE_PROFILES
from holdfast.core.tables import Key
from holdfast.profile.counts import Floats, matrix, placed
from holdfast.profile.interests import Interests, interests
from holdfast.profile.orders import Orders
from holdfast.profile.preferred import Preferred, has_times, preferred
from holdfast.profile.prices import Sensitivity, price_level, sensitivity
from holdfast.profile.rfm import Grid, aipl, cells, groups, tiers
from holdfast.profile.settings import ProfileSettings
from holdfast.snapshot.acts import Acts
from holdfast.snapshot.days import cutoff_day

_CHOICES: dict[str, list[Any] | None] = {"channel": None, "hour": list(range(24)), "weekday": list(range(7))}
_COUNTS = ("ticket_count", "refund_count", "delivery_failed_count", "message_count", "message_open_count")


@dataclass(frozen=True, eq=False)
class Profiles:
    """The table (columns of RELEASE_PROFILES; segments still null), and the fits behind it."""

    table: pa.Table
    grid: Grid
    interests: Interests
    prices: Sensitivity
    habits: dict[str, tuple[list[Any], Preferred]]


def profiles(
    acts: Acts, key: Key, orders: Orders, usual_gap: Floats, settings: ProfileSettings | None = None
) -> Profiles:
    """The profiles of the customers of `key` at the one cutoff of `acts`.

    `orders` are all order days known then (as `Orders.read`), `usual_gap` the shrunk gap of each row of `key` in days.
    """
    rules, ids = settings or ProfileSettings(), key.customer_id
    silence, count, revenue = recent_orders(
        ids, orders, cutoff_day(acts.cutoff, acts.ledger.zone), int(acts.window.days)
    )
    grid = Grid.fit(silence, count, revenue)
    scores = grid.scores(silence, count, revenue)
    liked = interests(ids, acts.tastes(), rules)
    deals, levels, service = acts.deals(), acts.price_levels(), acts.service()
    prices = sensitivity(placed(ids, deals, "order_count"), placed(ids, deals, "deal_count"))
    reach = acts.reach()
    stage = aipl(*(placed(ids, reach, f"{name}_count", 0.0) for name in ("reached", "look", "order_day")))
    habits = {by: _habit(acts, ids, by, rules) for by in _CHOICES}
    columns: dict[str, Any] = {
        **key.columns(),
        "rfm_cell": pa.array(cells(scores), pa.string()),
        "rfm_group": pa.array(groups(scores), pa.string()),
        "value_tier": pa.array(tiers(revenue), pa.string()),
        "aipl": stage,
        "interests": pa.array(liked.rows(rules.interests), RELEASE_PROFILES.schema.field("interests").type),
        "price_sensitivity": _known(prices.deal_share),
        "price_level": _known(price_level(placed(ids, levels, "log_level"), placed(ids, levels, "line_count"))),
        **_chosen(habits),
        "usual_gap_days": _known(usual_gap),
        **_service(ids, service, acts),
        "platforms": _platforms(ids, acts),
    }
    return Profiles(RELEASE_PROFILES.conform(pa.table(columns)), grid, liked, prices, habits)


def recent_orders(ids: pa.Array, orders: Orders, today: int, window: int) -> tuple[Floats, Floats, Floats]:
    """Days since the last order before day number `today`; order days and revenue (currency units) in the window."""
    known = Orders(orders.ids, *(column[orders.day < today] for column in (orders.code, orders.day, orders.revenue)))
    size = len(known.ids)
    inside = known.day >= today - window
    last = np.full(size + 1, np.nan)
    last[known.code[known.ends()]] = known.day[known.ends()]
    count = np.append(np.bincount(known.code[inside], minlength=size), 0).astype(np.float64)
    money = np.append(np.bincount(known.code[inside], known.revenue[inside], size), 0.0) / MONEY_SCALE
    place = pc.index_in(ids, value_set=pa.array(known.ids, pa.string())).fill_null(size)
    at = np.asarray(place.to_numpy(zero_copy_only=False), np.int64)
    return today - last[at], count[at], money[at]


def _habit(acts: Acts, ids: pa.Array, by: str, rules: ProfileSettings) -> tuple[list[Any], Preferred]:
    names, counts = matrix(ids, acts.habits(by), by, "occasions", _CHOICES[by])
    if by == "hour" and not has_times(counts):
        counts = np.zeros_like(counts)
    around = 1 if by == "hour" else 0
    return names, preferred(counts, around=around, least=rules.occasions, wheel=True)


def _chosen(habits: dict[str, tuple[list[Any], Preferred]]) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {}
    for by, (names, found) in habits.items():
        told = found.choice >= 0
        values = [names[one] if one >= 0 else None for one in found.choice.tolist()]
        columns[by] = pa.array(values, RELEASE_PROFILES.schema.field(by).type)
        columns[f"{by}_share"] = _known(np.where(told, found.share, np.nan))
    columns["occasion_count"] = pa.array(habits["weekday"][1].occasions.astype(np.int64))
    return columns


def _service(ids: pa.Array, service: pa.Table, acts: Acts) -> dict[str, pa.Array]:
    columns = {name: pa.array(placed(ids, service, name, 0.0).astype(np.int64)) for name in _COUNTS}
    stars, rated = placed(ids, service, "rating", 0.0), placed(ids, service, "rating_count", 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["rating"] = _known(np.where(rated > 0, stars / 1000 / rated, np.nan))
    columns["treated_count"] = pa.array(placed(ids, acts.treated(), "treated_count", 0.0).astype(np.int64))
    return columns


def _platforms(ids: pa.Array, acts: Acts) -> pa.Array:
    names, counts = matrix(ids, acts.platforms(), "platform", "line_count")
    if not names:
        return pa.nulls(len(ids), pa.list_(pa.string()))
    order = np.argsort(-counts, axis=1, kind="stable")
    used = (counts > 0).sum(axis=1)
    rows = [[names[j] for j in order[i, : used[i]]] or None for i in range(len(ids))]
    return pa.array(rows, pa.list_(pa.string()))


def _known(values: Any) -> pa.Array:
    return pa.array(np.asarray(values, np.float64), from_pandas=True)
