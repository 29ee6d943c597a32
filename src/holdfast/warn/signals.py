"""Signals of one customer: numbers over time that say that something changed, each with the sentence that names it.

Pure functions over core tables (events, prices, order days); every one looks only at rows that happened and were
recorded strictly before the cutoff. A signal is raised by its own rule; the sentences of an alert name those raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff
from holdfast.core.schema import INSTANT
from holdfast.core.text import Language, Text
from holdfast.warn.rhythm import WITHIN, Rhythms

Floats = NDArray[np.float64]
#: Signs of life short of an order, counted in days on which there was one.
LIVELY = ("visit", "view", "list_view", "search", "cart_add", "wishlist")
#: What a signal may need from the events.
WATCHED = (*LIVELY, "ticket", "review", "delivery_failed")
#: A drop is named when fewer lively days than this would come by chance once in twenty times.
CHANCE = 0.05
#: Odds of staying away that have doubled, by at least so much probability, are a jump.
ODDS, LEAST_JUMP = 2.0, 0.10
LOW_RATING = 2.0

SENTENCES: dict[str, Text] = {
    "cadence_break": Text(
        "usually orders again within {usual:.0f} days, silent for {silence:.0f}",
        "通常{usual:.0f}天内会再次下单，已沉默{silence:.0f}天",
    ),
    "hazard_jump": Text(
        "chance of no order rose from {before:.0%} to {now:.0%} since the last check",
        "自上次检查以来，不下单的概率从{before:.0%}升至{now:.0%}",
    ),
    "engagement_drop": Text(
        "came by on {now:.0f} days in the last 30, usually on {usual:.1f}",
        "最近30天来访{now:.0f}天，平时为{usual:.1f}天",
    ),
    "complaint": Text("{now:.0f} complaints or low ratings in the last 30 days", "最近30天有{now:.0f}次投诉或低分评价"),
    "failed_delivery": Text("{now:.0f} failed deliveries in the last 30 days", "最近30天有{now:.0f}次配送失败"),
    "price_rise": Text("what this customer buys has become {now:.0%} dearer", "该客户常购商品涨价{now:.0%}"),
}
#: Said of everybody on a list: what it is ranked by.
SHORTFALL = Text(
    "expected to spend {missing} less than the usual {usual} within {days:.0f} days",
    "预计{days:.0f}天内的消费比平时的{usual}少{missing}",
)


@dataclass(frozen=True)
class Signal:
    """One signal of many customers: `value` (NaN: not known), whether it is `raised`, and what its sentence says.

    `said`: arrays by the placeholder of the sentence.
    """

    name: str
    value: Floats
    raised: NDArray[np.bool_]
    said: Mapping[str, Floats] = field(default_factory=dict)

    def sentence(self, row: int, language: Language = "en") -> str:
        """What is said of one customer."""
        return SENTENCES[self.name].render(language, **{name: float(of[row]) for name, of in self.said.items()})


def cadence_break(found: Rhythms, rows: NDArray[np.int64]) -> Signal:
    """Silence against the shrunk personal rhythm: `value` is P(next gap < silence), raised from the 80% quantile on."""
    level = found.level[rows]
    return Signal(
        "cadence_break", level, level >= WITHIN, {"usual": found.q80[rows], "silence": found.silence[rows]}
    )  # fmt: skip


def hazard_jump(now: Floats, before: Floats) -> Signal:
    """p_churn now against the previous check: `value` in log-odds; NaN where there was none before."""
    p, q = (np.clip(one, 1e-6, 1 - 1e-6) for one in (now, before))
    value = np.log(p / (1 - p)) - np.log(q / (1 - q))
    with np.errstate(invalid="ignore"):
        raised = (value >= np.log(ODDS)) & (now - before >= LEAST_JUMP)
    return Signal("hazard_jump", value, raised, {"now": now, "before": before})


def engagement_drop(
    events: pa.Table, customer_id: pa.Array, cutoff: Cutoff, *, window_days: int = 30, usual_days: int = 90
) -> Signal:
    """Days with a sign of life in the window against the own level in the `usual_days` before it.

    `value`: share of the usual that is left; raised where so few days would come by chance in under 5% (Poisson).
    """
    seen = _known(events, cutoff, LIVELY, window_days + usual_days)
    day = (cutoff.micros - _micros(seen["occurred_at"])) // DAY_MICROS
    who = _rows(seen, customer_id)
    pairs = np.unique(np.column_stack([who[who >= 0], day[who >= 0]]), axis=0)
    recent = pairs[:, 1] < window_days
    now = np.bincount(pairs[recent, 0], minlength=len(customer_id)).astype(np.float64)
    usual = np.bincount(pairs[~recent, 0], minlength=len(customer_id)).astype(np.float64) * (window_days / usual_days)
    value = np.where(usual > 0, now / np.maximum(usual, 1e-9), np.nan)
    from scipy.stats import poisson

    raised = (usual > 0) & (now < usual) & (poisson.cdf(now, np.maximum(usual, 1e-9)) < CHANCE)
    return Signal("engagement_drop", value, np.asarray(raised, bool), {"now": now, "usual": usual})


def complaint(events: pa.Table, customer_id: pa.Array, cutoff: Cutoff, *, window_days: int = 30) -> Signal:
    """Tickets and ratings of two stars or less in the window."""
    seen = _known(events, cutoff, ("ticket", "review"), window_days)
    low = pc.or_(
        pc.equal(seen["event_type"], "ticket"),
        pc.fill_null(pc.less_equal(seen["rating"], LOW_RATING), False),
    )
    return _counted("complaint", seen.filter(low), customer_id)


def failed_delivery(events: pa.Table, customer_id: pa.Array, cutoff: Cutoff, *, window_days: int = 30) -> Signal:
    """Deliveries that failed in the window."""
    return _counted("failed_delivery", _known(events, cutoff, ("delivery_failed",), window_days), customer_id)


def price_rise(
    bought: pa.Table, prices: pa.Table, customer_id: pa.Array, cutoff: Cutoff, *, window_days: int = 30,
    least: float = 0.05,
) -> Signal:  # fmt: skip
    """How much dearer what a customer buys has become within the window, by what was spent on each item.

    `bought`: customer_id, item_id, spent (any unit) before the cutoff; `prices`: item_id, price, valid_from. Items whose
    price was not known at both ends count as unchanged; NaN where nothing was bought.
    """
    item = bought["item_id"].cast(pa.string()).combine_chunks()
    names = pc.unique(item)
    change = _price_change(prices, names, cutoff, window_days)
    at = pc.index_in(item, value_set=names).to_numpy(zero_copy_only=False)
    who = _rows(bought, customer_id)
    kept = (who >= 0) & ~np.isnan(np.asarray(at, np.float64))
    spent = bought["spent"].cast(pa.float64()).to_numpy()[kept]
    dearer = np.bincount(who[kept], spent * change[np.asarray(at[kept], np.int64)], minlength=len(customer_id))
    whole = np.bincount(who[kept], spent, minlength=len(customer_id))
    value = np.where(whole > 0, dearer / np.maximum(whole, 1e-9), np.nan)
    return Signal("price_rise", value, np.nan_to_num(value) >= least, {"now": value})


def reasons(
    signals: Sequence[Signal], rows: Sequence[int], language: Language = "en", *,
    first: Sequence[str] = (), otherwise: Sequence[Sequence[str]] = (),
) -> list[str]:  # fmt: skip
    """One sentence for each customer, naming every signal that was raised.

    `first`: what is said before it; `otherwise`: the forecast's own reasons, told where no signal was raised.
    """
    found = []
    for place, row in enumerate(rows):
        parts = [one.sentence(row, language) for one in signals if one.raised[row]]
        if not parts and otherwise:
            parts = list(otherwise[place])
        found.append(("；" if language == "zh" else "; ").join([*first[place : place + 1], *parts]))
    return found


def over_time(customer_id: pa.Array, at: Mapping[Cutoff, Sequence[Signal]]) -> pa.Table:
    """Signals at several checks as rows: customer_id, cutoff, signal, value, raised."""
    parts = [
        pa.table(
            {
                "customer_id": customer_id,
                "cutoff": pa.array([cutoff.at] * len(customer_id), INSTANT),
                "signal": pa.array([one.name] * len(customer_id)),
                "value": pa.array(one.value, from_pandas=True),
                "raised": one.raised,
            }
        )
        for cutoff in sorted(at)
        for one in at[cutoff]
    ]
    return pa.concat_tables(parts)


def _known(events: pa.Table, cutoff: Cutoff, types: Sequence[str], days: int) -> pa.Table:
    """Rows of these types in the days before the cutoff, recorded before it."""
    at = pa.scalar(cutoff.at, INSTANT)
    since = pa.scalar(cutoff.micros - days * DAY_MICROS, pa.int64()).cast(pa.timestamp("us")).cast(INSTANT)
    known = pc.and_(pc.less(events["occurred_at"], at), pc.greater_equal(events["occurred_at"], since))
    if "recorded_at" in events.column_names:
        known = pc.and_(known, pc.less(events["recorded_at"], at))
    return events.filter(pc.and_(known, pc.is_in(events["event_type"], value_set=pa.array(types))))


def _counted(name: str, rows: pa.Table, customer_id: pa.Array) -> Signal:
    who = _rows(rows, customer_id)
    count = np.bincount(who[who >= 0], minlength=len(customer_id)).astype(np.float64)
    return Signal(name, count, count > 0, {"now": count})


def _rows(table: pa.Table, customer_id: pa.Array) -> NDArray[np.int64]:
    found = pc.index_in(table["customer_id"].cast(pa.string()), value_set=customer_id.cast(pa.string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(), np.int64)


def _micros(column: Any) -> NDArray[np.int64]:
    return np.asarray(column.cast(INSTANT).cast(pa.int64()).to_numpy(), np.int64)


def _price_change(prices: pa.Table, item: pa.Array, cutoff: Cutoff, days: int) -> Floats:
    """Relative change of each item's price over the days before the cutoff; 0 where it is not known at both ends."""
    if not prices.num_rows or not len(item):
        return np.zeros(len(item))
    place = pc.fill_null(pc.index_in(prices["item_id"].cast(pa.string()), value_set=item), -1).to_numpy()
    since, price = _micros(prices["valid_from"]), prices["price"].cast(pa.float64()).to_numpy()
    order = np.lexsort((price, since))

    def at(limit: int) -> Floats:
        found = np.full(len(item), np.nan)
        kept = order[(since[order] < limit) & (place[order] >= 0)]
        found[place[kept]] = price[kept]  # the newest comes last and stays
        return found

    now, then = at(cutoff.micros), at(cutoff.micros - days * DAY_MICROS)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = now / then - 1.0
    return np.where(np.isfinite(change), change, 0.0)
