"""Who to look at now: the best of those who may be alerted, within what the team can do, without flicker.

Two thresholds hold the list still. A new alert needs the score of the last place on an empty list (and at least
`raise_from`); one that is open stays until its score falls below `clear_share` of that. One alert per customer: an open
one keeps its day, an ended one is followed by silence for a while (cool-down). Ties are broken by customer_id, so the
order of rows changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT, RELEASE_ALERTS
from holdfast.warn.settings import AlertSettings

Floats = NDArray[np.float64]
#: Alerts of earlier checks, the newest of each customer: still `open`, or nothing new before `quiet_until`.
EARLIER = pa.schema(
    [("customer_id", pa.string()), ("raised_at", INSTANT), ("open", pa.bool_()), ("quiet_until", INSTANT)]
)
#: A candidate is an alert before its day is known, with the score it is ranked by (money that a contact should save).
CANDIDATES = pa.schema(
    [("score", pa.float64()), *((one.name, one.type) for one in RELEASE_ALERTS.schema if one.name != "raised_at")]
)


@dataclass(frozen=True)
class Raised:
    """The list at one check, and what became of the open alerts that are not on it.

    `alerts`: RELEASE_ALERTS, best first; `fresh`: which of them are new; `raise_at` and `clear_at`: the two thresholds
    in force (money); `ended`: customer_id of alerts that end now, `waiting`: of those that are snoozed.
    """

    alerts: pa.Table
    score: Floats
    fresh: NDArray[np.bool_]
    raise_at: float
    clear_at: float
    ended: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def raise_alerts(
    candidates: pa.Table, at: Cutoff, settings: AlertSettings | None = None, earlier: pa.Table | None = None
) -> pa.Table:
    """The call list at one check: RELEASE_ALERTS, best first, never more than the capacity.

    >>> who = pa.table({"customer_id": ["a", "b"], "score": [1.0, 2.0], "value_at_risk": [30.0, 60.0]})
    >>> raise_alerts(who, Cutoff.parse("2024-05-01"), AlertSettings(capacity=1))["customer_id"].to_pylist()
    ['b']
    """
    return check(candidates, at, settings, earlier).alerts


def check(
    candidates: pa.Table, at: Cutoff, settings: AlertSettings | None = None, earlier: pa.Table | None = None
) -> Raised:
    """One check. `candidates`: one row per customer who may be alerted, columns of CANDIDATES (missing ones are null).

    `earlier`: EARLIER, what former checks and people said. Raises `UsageError` for a customer who comes twice.
    """
    settings = settings or AlertSettings()
    rows = _conformed(candidates)
    order = np.lexsort((np.asarray(rows["customer_id"].to_pylist(), dtype=str), -rows["score"].to_numpy()))
    rows = rows.take(pa.array(order))
    score = rows["score"].to_numpy().astype(np.float64)
    known = _earlier(rows["customer_id"], earlier, at, settings)
    free = ~known.quiet & (score > 0)
    best = score[free & (score >= settings.raise_from)]
    raise_at = settings.raise_from
    if len(best) >= settings.capacity > 0:
        raise_at = max(raise_at, float(best[settings.capacity - 1]))
    clear_at = settings.clear_share * raise_at
    kept = np.flatnonzero(free & known.open & (score >= clear_at))[: settings.capacity]
    new = np.flatnonzero(free & ~known.open & (score >= raise_at))[: settings.capacity - len(kept)]
    listed = np.sort(np.concatenate([kept, new]))
    fresh = np.isin(listed, new)
    raised_at = np.where(fresh, at.micros, known.raised_at[listed])
    told = rows.take(pa.array(listed)).append_column("raised_at", pa.array(raised_at).cast(pa.timestamp("us", "UTC")))
    names = set(told["customer_id"].to_pylist())
    return Raised(
        RELEASE_ALERTS.conform(told.drop_columns(["score"])), score[listed], fresh, float(raise_at), float(clear_at),
        tuple(one for one in known.open_ids if one not in names), known.waiting_ids,
    )  # fmt: skip


def as_earlier(raised: Raised) -> pa.Table:
    """A list as the next check sees it: everything on it is open."""
    n = raised.alerts.num_rows
    return pa.table(
        [
            raised.alerts["customer_id"],
            raised.alerts["raised_at"],
            pa.array([True] * n, pa.bool_()),
            pa.nulls(n, INSTANT),
        ],
        schema=EARLIER,
    )


@dataclass(frozen=True)
class _Known:
    """What earlier checks said of each candidate, and of others."""

    open: NDArray[np.bool_]
    quiet: NDArray[np.bool_]
    raised_at: NDArray[np.int64]
    open_ids: tuple[str, ...]
    waiting_ids: tuple[str, ...]


def _earlier(ids: Any, earlier: pa.Table | None, at: Cutoff, settings: AlertSettings) -> _Known:
    table = EARLIER.empty_table() if earlier is None else earlier.select(EARLIER.names).cast(EARLIER)
    who = table["customer_id"].combine_chunks()
    if len(pc.unique(who)) < len(who):
        raise UsageError("an earlier alert comes twice", remedy="give the newest alert of each customer")
    raised, until = _micros(table["raised_at"]), _micros(table["quiet_until"])
    is_open = np.asarray(table["open"].to_numpy(zero_copy_only=False), bool)
    expires = np.maximum(raised, until) + Window.parse(settings.open_for).micros  # sleep does not count
    expired = is_open & (expires <= at.micros)
    ends = np.where(expired, expires + Window.parse(settings.cool_down).micros, until)
    is_open &= ~expired
    quiet = ends > at.micros
    place = pc.fill_null(pc.index_in(ids, value_set=who), -1).to_numpy().astype(np.int64)
    there = place >= 0
    safe = np.maximum(place, 0)

    def of(values: NDArray[Any]) -> NDArray[Any]:
        return values[safe] if len(values) else np.zeros(len(place), values.dtype)

    names = np.asarray(who.to_pylist(), dtype=object)
    return _Known(
        there & of(is_open), there & of(quiet), of(raised),
        tuple(names[(is_open | expired) & ~quiet | expired]), tuple(names[is_open & quiet]),
    )  # fmt: skip


def _micros(column: Any) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), 0).to_numpy(), np.int64)


def _conformed(candidates: pa.Table) -> pa.Table:
    columns = {}
    for one in CANDIDATES:
        has = one.name in candidates.column_names
        columns[one.name] = candidates[one.name].cast(one.type) if has else pa.nulls(candidates.num_rows, one.type)
    table = pa.table(columns)
    if len(pc.unique(table["customer_id"])) < table.num_rows:
        raise UsageError("a customer comes twice among those who may be alerted", remedy="give one row per customer")
    if not np.isfinite(table["score"].to_numpy().astype(np.float64)).all():
        raise UsageError("a score that is no number", remedy="leave customers without a score out")
    return table
