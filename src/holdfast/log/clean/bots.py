"""Customers that behave like machines. They are flagged, never dropped: a person may look at them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import CUSTOMER_RULES, Context, CustomerRule

NAME = "bots"


def flag(events: ir.Table, context: Context) -> ir.Table | None:
    """More events in one local day, or more views for each order, than a person makes. Value: the events or views."""
    settings = context.default
    parts = []
    if settings.bot_events_per_day:
        days = events.group_by(["customer_id", "local_day"]).aggregate(value=events.count())
        busy = days.filter(days.value > settings.bot_events_per_day)
        parts.append(busy.group_by("customer_id").aggregate(value=busy.value.max()))
    if settings.bot_views_per_order:
        seen = events.group_by("customer_id").aggregate(
            value=events.count(where=events.event_type.isin(["view", "list_view"])),
            orders=events.count(where=events.event_type == "purchase"),
        )
        parts.append(seen.filter(seen.value > settings.bot_views_per_order * (seen.orders + 1)).drop("orders"))
    if not parts:
        return None
    both = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return both.group_by("customer_id").aggregate(value=both.value.max().cast("float64"))


CUSTOMER_RULES.add(
    NAME,
    CustomerRule(
        NAME,
        10,
        Text("Behaves like a machine", "行为像机器"),
        Text(
            "{customers} customers act more often than people do ({rows} rows, {amount}); flagged, not dropped.",
            "{customers}位客户的操作频率超出常人（{rows}行，{amount}）；仅标记，不删除。",
        ),
        flag,
    ),
)
