"""What earlier campaigns taught: who was decided about when, knowing what, with which chance, and what they earned after.

A row is one customer in one campaign: features as of the local midnight before the decision, the arm and its logged
chance, and the margin over the follow-up. Only campaigns whose follow-up has closed enter, and only decisions that
logged their chance: without it nobody can tell an effect from a habit of choosing good customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.decide import NOTHING, Treatment
from holdfast.core.money import MONEY_SCALE
from holdfast.core.results import Undetermined
from holdfast.core.schema import INSTANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.study import Study

Floats = NDArray[np.float64]
#: What the learners of effects may look at: few columns, each of which says something about need, habit or patience.
COLUMNS: tuple[str, ...] = (
    "days_since_last_order", "overdue_ratio", "gap_days_shrunken", "order_count", "order_count_90d", "revenue_180d",
    "basket_value", "discount_share", "coupon_share", "act_count_30d", "message_count_90d", "message_open_share_180d",
    "unsubscribe_count", "rating", "refund_share", "ticket_count_90d",
)  # fmt: skip
#: Orders of the shop that an own usual order is shrunk with.
_SHRINK = 2.0


@dataclass(frozen=True)
class Experience:
    """Logged decisions with what followed.

    `X`: rows x COLUMNS (NaN filled by `fill`); `arm`: index into `arms` ("nothing" first); `propensity`: rows x arms,
    exact for the arm that was drawn; `profit`: margin of the follow-up, net of discounts, before the cost of a contact;
    `paid`: the same at what was really paid, whatever `profit` values orders at; `ordered`: whether anything was ordered.
    """

    X: Floats
    fill: Floats
    customer_id: pa.Array
    arms: tuple[str, ...]
    arm: NDArray[np.int64]
    propensity: Floats
    profit: Floats
    paid: Floats
    ordered: NDArray[np.bool_]
    campaigns: tuple[str, ...]
    first: str
    last: str

    def __len__(self) -> int:
        return len(self.arm)


def experience(question: Study, treatments: Sequence[Treatment]) -> Experience | Undetermined:
    """Everything that closed campaigns of this shop taught, as of the cutoff; or why there is nothing to learn from."""
    from holdfast.decide.plan_settings import PlanSettings

    settings = question.shop.config.section(PlanSettings)
    rows = _decided(question, Horizon.parse(settings.follow_up), settings.campaigns)
    if not rows.num_rows:
        return Undetermined("no campaign with logged chances has closed yet")
    return _learnt(question, rows, treatments, settings)


def _decided(question: Study, follow_up: Horizon, newest: int) -> pa.Table:
    """Decisions of the newest closed campaigns: customer_id, arm, propensity, campaign, cutoff (microseconds)."""
    kept = question.log.tables.get("exposures")
    if kept is None:
        return pa.table({"customer_id": []})
    table = question.engine.arrow(kept.select("customer_id", "treatment_id", "campaign_id", "propensity", "decided_at"))
    limit = question.asked.cutoff.minus(follow_up)
    known = pc.and_(pc.less(table["decided_at"], pa.scalar(limit.at, INSTANT)), pc.greater(table["propensity"], 0.0))
    table = table.filter(pc.fill_null(known, False))
    if not table.num_rows:
        return table
    days, place = np.unique(_local_days(table["decided_at"], question.asked.zone), return_inverse=True)
    cutoffs = np.array([Cutoff.midnight(day.astype(object), question.asked.zone).micros for day in days])[place]
    open_ones = cutoffs + follow_up.micros > question.asked.cutoff.micros
    table = table.append_column("cutoff", pa.array(cutoffs)).filter(pa.array(~open_ones))
    chosen = np.unique(table["cutoff"].to_numpy())[-newest:]
    return table.filter(pc.is_in(table["cutoff"], value_set=pa.array(chosen)))


def _local_days(instants: pa.ChunkedArray, zone: str) -> NDArray[np.datetime64]:
    from holdfast.core.clock import zone as known

    known(zone)  # refuses a zone that does not exist, with the remedy
    return np.asarray(pc.local_timestamp(instants.cast(pa.timestamp("us", tz=zone))).to_numpy(), "datetime64[D]")


def _learnt(
    question: Study, rows: pa.Table, treatments: Sequence[Treatment], settings: Any
) -> Experience | Undetermined:
    from holdfast.features.build import build
    from holdfast.snapshot.settings import OutcomeSettings
    from holdfast.snapshot.treated_settings import TreatedSettings

    cutoffs = tuple(Cutoff.from_micros(int(one)) for one in np.unique(rows["cutoff"].to_numpy()))
    snapshot = question.snapshot(cutoffs)
    question.progress.step("earlier campaigns", 0, 2)
    features = build(snapshot.observed, COLUMNS)
    outcomes = snapshot.outcomes(
        Horizon.parse(settings.follow_up),
        settings=question.shop.config.section(OutcomeSettings),
        known_at=question.ends,
    )
    question.progress.step("earlier campaigns", 1, 2)
    here = _matched(features.key.customer_id, features.key.cutoff, rows)
    found = here >= 0
    if not found.any():
        return Undetermined("nobody of the population was decided about by a closed campaign")
    rows = rows.take(pa.array(here[found]))
    named = rows["treatment_id"].combine_chunks()
    quiet = pc.is_in(named, value_set=pa.array(question.shop.config.section(TreatedSettings).nothing))
    named = pc.if_else(quiet, NOTHING, named)
    arms, arm = _arms(named, settings.least_arm)
    if isinstance(arms, Undetermined):
        return arms
    kept = arm >= 0
    X = np.column_stack([features.column(name).astype(np.float64) for name in COLUMNS])[found][kept]
    fill = (
        np.nan_to_num(np.nanmedian(np.where(np.isfinite(X), X, np.nan), axis=0)) if len(X) else np.zeros(len(COLUMNS))
    )
    names = {one.treatment_id: one for one in treatments}
    X = filled(X, fill)
    paid, orders = outcomes.revenue[found][kept] / MONEY_SCALE, outcomes.orders[found][kept]
    net = paid if settings.valued == "paid" else orders * usual_value(X, paid, orders, settings.valued_at_most)
    told = [names.get(arms[i]) for i in arm[kept]]
    profit = _margin(question, net, told)
    question.progress.step("earlier campaigns", 2, 2)
    days = [one.local_day(question.asked.zone).isoformat() for one in cutoffs]
    return Experience(
        X=X, fill=fill, customer_id=features.key.take(found).take(np.flatnonzero(kept)).customer_id,
        arms=arms, arm=arm[kept],
        propensity=_chances(arm[kept], rows["propensity"].to_numpy()[kept], len(arms)), profit=profit,
        paid=_margin(question, paid, told), ordered=orders > 0,
        campaigns=tuple(sorted({str(one) for one in rows["campaign_id"].to_pylist()})), first=days[0], last=days[-1],
    )  # fmt: skip


def filled(X: Floats, fill: Floats) -> Floats:
    """Missing values as the middle of what was seen."""
    return np.where(np.isfinite(X), X, fill)


def _matched(ids: pa.Array, cutoffs: NDArray[np.int64], rows: pa.Table) -> NDArray[np.int64]:
    """Which decision belongs to each feature row; -1 for none. The last decision of a day counts."""
    names = pa.chunked_array([ids, rows["customer_id"].combine_chunks()]).unique()
    mine = np.asarray(pc.index_in(ids, value_set=names).to_numpy(zero_copy_only=False), np.int64)
    theirs = np.asarray(pc.index_in(rows["customer_id"].combine_chunks(), value_set=names).to_numpy(), np.int64)
    days = np.unique(cutoffs)
    at = rows["cutoff"].to_numpy()
    keys = theirs * (len(days) + 1) + np.searchsorted(days, at)
    order = np.lexsort((rows["decided_at"].cast(pa.int64()).to_numpy(), keys))
    wanted = mine * (len(days) + 1) + np.searchsorted(days, cutoffs)
    place = np.searchsorted(keys[order], wanted, side="right") - 1
    hit = (place >= 0) & (keys[order][np.maximum(place, 0)] == wanted)
    return np.where(hit, order[np.maximum(place, 0)], -1)


def _arms(named: pa.Array, least: int) -> tuple[Any, NDArray[np.int64]]:
    """The arms that have been tried often enough, `nothing` first, and each row's arm (-1: too rare)."""
    counts = {one["values"]: one["counts"] for one in named.value_counts().to_pylist()}
    tried = sorted(name for name, count in counts.items() if name != NOTHING and count >= least)
    if counts.get(NOTHING, 0) < least or not tried:
        return Undetermined(
            f"an effect needs at least {least} customers who were left alone and as many who were treated by chance"
        ), np.empty(0, np.int64)
    arms = (NOTHING, *tried)
    place = pc.index_in(named, value_set=pa.array(arms)).fill_null(-1)
    return arms, np.asarray(place.to_numpy(zero_copy_only=False), np.int64)


def _chances(arm: NDArray[np.int64], own: Floats, arms: int) -> Floats:
    """Rows x arms. Logs keep the chance of what was drawn; the others share what is left, and no estimate reads them."""
    p = np.repeat(((1 - own) / max(arms - 1, 1))[:, None], arms, axis=1)
    p[np.arange(len(arm)), arm] = own
    return np.maximum(p, 1e-6)


def usual_value(X: Floats, paid: Floats, orders: NDArray[np.int64], most: float) -> Floats:
    """What an order of each customer usually brings: the own mean before the decision, shrunk to the shop's.

    A customer's own baskets swing far more than any treatment moves them, so an effect on orders is found with a
    fraction of the customers that an effect on money needs. Values above the quantile `most` count as that quantile: a
    few who buy in bulk would drown everybody else. What it cannot see is a treatment that changes baskets.
    """
    count, own = (X[:, COLUMNS.index(name)] for name in ("order_count", "basket_value"))
    shop = paid.sum() / max(int(orders.sum()), 1)
    usual = (count * own + _SHRINK * shop) / (count + _SHRINK)
    return np.asarray(np.minimum(usual, np.quantile(usual, most)) if len(usual) else usual)


def _margin(question: Study, net: Floats, treated: Sequence[Treatment | None]) -> Floats:
    """Margin on the price before a treatment's discount, less the discount and what was given with the order.

    Revenue is net of discounts: a treatment's discount d was d / (1 - d) of it, on every order of the follow-up.
    """
    from holdfast.decide.settings import CostSettings

    rate = question.shop.config.section(CostSettings).margin_rate
    off = np.array([0.0 if one is None else min(one.discount, 0.99) for one in treated])
    gift = np.array([0.0 if one is None else one.incentive for one in treated])
    given = net * off / (1 - off)
    return np.asarray(rate * (net + given) - given - gift * (net > 0))
