"""Orders that somebody placed to try the shop."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, reject
from holdfast.log.money import SIGNS

NAME = "test_orders"


def mark(table: ir.Table, context: Context) -> ir.Table:
    """Sales whose customer, order or item id looks like a test."""
    sale = table.event_type.isin(list(SIGNS))
    found = context.condition(table, lambda one: one.test_pattern, lambda text: _tests(table, text))
    return reject(table, NAME, ibis.ifelse(sale, found, False))


def _tests(table: ir.Table, pattern: str) -> ir.BooleanValue:
    if not pattern:
        return ibis.literal(False)
    columns = (table.source_id, table.order_id, table.item_id)
    return ibis.or_(*[column.re_search(pattern).fill_null(False) for column in columns])


RULES.add(
    NAME,
    Rule(
        NAME,
        50,
        "rejected",
        Text("Test orders", "测试订单"),
        Text("{rows} lines belong to test orders ({amount}).", "{rows}行属于测试订单（{amount}）。"),
        mark,
    ),
)
