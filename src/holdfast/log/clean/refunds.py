"""Refunds and cancellations that void nothing stay events of their own: facts about a customer, and money given back."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, alive

NAME = "refunds"


def mark(table: ir.Table, context: Context) -> ir.Table:
    """They act from their own recorded_at on and change nothing before it."""
    own = alive(table) & table.retracted_by.isnull() & table.event_type.isin(["refund", "cancel"])
    return table.mutate(noted_by=ibis.ifelse(own, NAME, table.noted_by))


RULES.add(
    NAME,
    Rule(
        NAME,
        80,
        "kept",
        Text("Refunds and later cancellations", "退款与事后取消"),
        Text(
            "{rows} refunds and cancellations of an earlier day stay events of their own ({amount}).",
            "{rows}条退款及对更早日期订单的取消作为独立事件保留（{amount}）。",
        ),
        mark,
    ),
)
