"""Customers that spend far more than the rest: wholesalers, resellers, tills. Flagged, never dropped."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.money import MONEY_SCALE
from holdfast.core.text import Text
from holdfast.log.clean.rule import CUSTOMER_RULES, Context, CustomerRule
from holdfast.log.money import line_amount

NAME = "outlier_customers"


def flag(events: ir.Table, context: Context) -> ir.Table | None:
    """Spend so many quartile ranges above the upper quartile, on a log scale (Tukey's fence). Value: the spend."""
    spread = context.default.outlier_spread
    if spread <= 0:
        return None
    bought = events.filter(events.event_type == "purchase", events.retracted_at.isnull())
    spend = bought.group_by("customer_id").aggregate(money=line_amount(bought).sum())
    spend = spend.filter(spend.money > 0).mutate(size=ibis._.money.log10())
    fence = spend.aggregate(low=spend["size"].quantile(0.25), high=spend["size"].quantile(0.75))
    both = spend.cross_join(fence)
    far = both.filter(both["size"] > both.high + spread * (both.high - both.low))
    return far.select("customer_id", value=far.money / float(MONEY_SCALE))


CUSTOMER_RULES.add(
    NAME,
    CustomerRule(
        NAME,
        20,
        Text("Spends far more than the rest", "消费远高于其他客户"),
        Text(
            "{customers} customers spend far more than the rest ({rows} rows, {amount}); flagged, not dropped.",
            "{customers}位客户的消费远高于其他客户（{rows}行，{amount}）；仅标记，不删除。",
        ),
        flag,
    ),
)
