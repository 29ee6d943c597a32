"""What happened after a cutoff: the only place, with folds, that may look past one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import DAY_MICROS, NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData
from holdfast.core.schema import INSTANT
from holdfast.core.tables import Key, Outcomes
from holdfast.snapshot.days import cutoff_day
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import COUNTED_ORDERS, OutcomeSettings


def outcomes(
    ledger: Ledger,
    people: Any,
    cutoffs: Sequence[Cutoff],
    ends: Cutoff,
    horizon: Horizon,
    gap: Gap = NO_GAP,
    settings: OutcomeSettings = COUNTED_ORDERS,
    known_at: Cutoff | None = None,
) -> Outcomes:
    """Orders in [cutoff + gap, cutoff + gap + horizon) of the people (cut, who) at each cutoff.

    `ends` is where the data ends; a cutoff whose window ends later is refused. `known_at`: as the shop knew it then.
    """
    _refuse_open(cutoffs, ends, horizon, gap)
    starts = [one.plus(gap) for one in cutoffs]
    asked = people.join(_clock(ledger, starts, horizon), "cut").join(ledger.customers, "who")
    later = _placed(ledger, asked, settings, known_at)
    inside = later.ordered_at < later.stops
    found = later.group_by(["cut", "who"]).aggregate(
        orders=later.count(where=inside),
        revenue=later.revenue.sum(where=inside).fill_null(0),
        next_at=later.ordered_at.min(),
    )
    rows = asked.left_join(found, ["cut", "who"])
    counts = {name: rows[name].fill_null(0) for name in ("orders", "revenue")}
    rows = rows.select("cut", "customer_id", "next_at", **counts).order_by(["cut", "customer_id"])
    return _outcomes(ledger.engine.arrow(rows), cutoffs, starts, ends, horizon)


def _clock(ledger: Ledger, starts: Sequence[Cutoff], horizon: Horizon) -> Any:
    stops = [one.plus(horizon) for one in starts]
    columns = {
        "cut": pa.array(range(len(starts)), pa.int32()),
        "starts": pa.array([one.at for one in starts], INSTANT),
        "stops": pa.array([one.at for one in stops], INSTANT),
        "stop_day": pa.array([cutoff_day(one, ledger.zone) for one in stops], pa.int32()),
    }
    return ledger.engine.memory(pa.table(columns))


def _placed(ledger: Ledger, asked: Any, settings: OutcomeSettings, known_at: Cutoff | None) -> Any:
    """The orders of each row of `asked` from its start on. One voided on its own day is not in the ledger."""
    rows = ledger.orders.filter(~ledger.orders.replaced)
    if known_at is not None:
        today = cutoff_day(known_at, ledger.zone)
        rows = rows.filter(rows.known_day < today)
        rows = rows.mutate(lost_day=(rows.lost_day < today).ifelse(rows.lost_day, None))
    rows = rows.join(asked.select("cut", "who", "starts", "stops", "stop_day"), "who")
    if settings.cancelled_orders == "drop":
        rows = rows.filter(rows.lost_day.isnull() | (rows.lost_day >= rows.stop_day))
    orders = rows.group_by(["cut", "who", "day", "order_id", "starts", "stops"]).aggregate(
        ordered_at=rows.ordered_at.min(), revenue=rows.revenue.sum()
    )
    return orders.filter(orders.ordered_at >= orders.starts)


def _refuse_open(cutoffs: Sequence[Cutoff], ends: Cutoff, horizon: Horizon, gap: Gap) -> None:
    for one in cutoffs:
        if one.plus(gap, horizon) > ends:
            raise TooLittleData(
                f"what happens within {horizon} of {one} is not known yet: the data ends at {ends}",
                remedy=f"ask for a cutoff at or before {ends.minus(gap, horizon)}",
            )


def _outcomes(
    table: pa.Table, cutoffs: Sequence[Cutoff], starts: Sequence[Cutoff], ends: Cutoff, horizon: Horizon
) -> Outcomes:
    cut = table["cut"].to_numpy()
    start = np.array([one.micros for one in starts], np.int64)[cut]
    next_at = table["next_at"].cast(pa.int64()).to_numpy(zero_copy_only=False)
    observed = ~np.isnan(next_at.astype(float))
    until = np.where(observed, np.nan_to_num(next_at.astype(float)), ends.micros)
    orders = table["orders"].to_numpy().astype(np.int64)
    return Outcomes(
        key=Key(table["customer_id"].combine_chunks(), np.array([one.micros for one in cutoffs], np.int64)[cut]),
        horizon=horizon,
        churned=orders == 0,
        orders=orders,
        revenue=table["revenue"].to_numpy().astype(np.int64),
        duration=(until - start) / DAY_MICROS,
        event_observed=observed,
    )
