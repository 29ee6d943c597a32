"""Order lines and their cancellations on the same local day void each other, one to one.

Matched on customer, item, quantity and local day, in either order within the day. The pairs are formed in the order in
which they became known, so that what is recorded later can never change an earlier pair: the k-th purchase meets the
k-th cancellation, and both stop counting when the later of the two was recorded. A cancellation on a later day stays an
event of its own and changes nothing before it.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, alive

NAME = "cancellations"
_LINE = ("source", "source_id", "item_id", "quantity", "local_day")


def mark(table: ir.Table, context: Context) -> ir.Table:
    """Join the pairs back by the identity of their rows."""
    voided = context.keep(pairs(table, context))
    if voided is None:
        return table
    by = ["source", "event_id"]
    joined = table.left_join(voided, by).drop("source_right", "event_id_right")
    hit = joined.voided_at.notnull()
    # A version that was recorded after the pair was voided never counts; one before counts until then.
    until = ibis.greatest(joined.voided_at, joined.recorded_at)
    return joined.mutate(
        retracted_at=ibis.ifelse(hit, ibis.least(until, joined.retracted_at.coalesce(until)), joined.retracted_at),
        retracted_by=ibis.ifelse(hit & joined.retracted_by.isnull(), NAME, joined.retracted_by),
    ).drop("voided_at")


def pairs(table: ir.Table, context: Context) -> ir.Table:
    """source, event_id and voided_at of every matched purchase and cancellation."""
    wanted = context.condition(table, lambda one: one.match_cancellations, lambda on: ibis.literal(on))
    lines = table.filter(
        alive(table) & wanted & table.event_type.isin(["purchase", "cancel"]) & table.item_id.notnull()
    )
    lines = lines.select(
        *_LINE, "event_type", "recorded_at", "loaded_at", "occurred_at", "source_file", "source_row", "event_id"
    )
    if context.has_versions:  # the first version decides; what it said later does not change who met whom
        first = ibis.window(group_by=["source", "event_id"], order_by=["recorded_at", "loaded_at"])
        lines = lines.mutate(age=ibis.row_number().over(first)).filter(lambda t: t.age == 0).drop("age")
    cancels = lines.filter(lines.event_type == "cancel")
    met = lines.filter(lines.event_type == "purchase").semi_join(cancels, list(_LINE))
    both = _numbered(met).inner_join(_numbered(cancels), [*_LINE, "place"], rname="{name}_cancel")
    at = ibis.greatest(both.recorded_at, both.recorded_at_cancel)
    bought = both.select("source", "event_id", voided_at=at)
    cancelled = both.select("source", event_id=both.event_id_cancel, voided_at=at)
    return ibis.union(bought, cancelled)


def _numbered(lines: ir.Table) -> ir.Table:
    known = ["recorded_at", "occurred_at", "source_file", "source_row", "event_id"]
    return lines.mutate(place=ibis.row_number().over(ibis.window(group_by=list(_LINE), order_by=known)))


RULES.add(
    NAME,
    Rule(
        NAME,
        70,
        "retracted",
        Text("Orders cancelled on the same day", "当日取消的订单"),
        Text(
            "{rows} order lines and cancellations of the same day void each other ({amount}).",
            "{rows}条当日的订单行与取消行相互抵消（{amount}）。",
        ),
        mark,
    ),
)
