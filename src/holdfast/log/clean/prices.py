"""Sales of nothing, or for nothing: quantity or price zero or negative."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, reject
from holdfast.log.money import SIGNS

NAME = "prices_and_quantities"
_MANY = 1e12


def mark(table: ir.Table, context: Context) -> ir.Table:
    """A price that is not known is no zero price: such a line stays. The event type carries the sign, not the number."""
    sale = table.event_type.isin(list(SIGNS))
    no_quantity = (table.quantity <= 0) | ~(table.quantity < _MANY)  # not a number is greater than every number
    free = context.condition(table, lambda one: one.zero_prices, lambda what: _free(table, what))
    no_price = (table.unit_price < 0) | free
    return reject(table, NAME, sale & (no_quantity.fill_null(False) | no_price.fill_null(False)))


def _free(table: ir.Table, what: str) -> ir.BooleanValue:
    return table.unit_price == 0 if what == "reject" else ibis.literal(False)


RULES.add(
    NAME,
    Rule(
        NAME,
        60,
        "rejected",
        Text("Prices and quantities of zero or less", "价格或数量为零或负"),
        Text(
            "{rows} lines have a price or quantity of zero or less ({amount}).",
            "{rows}行的价格或数量为零或负（{amount}）。",
        ),
        mark,
    ),
)
