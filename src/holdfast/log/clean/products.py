"""Lines that are no products: postage, bank charges, manual corrections, vouchers."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, reject

NAME = "non_products"


def mark(table: ir.Table, context: Context) -> ir.Table:
    """Item ids that do not match the product pattern from their start, or that match the pattern of non-products."""
    wanted = context.condition(table, lambda one: one.product_pattern, lambda text: _other(table, text))
    unwanted = context.condition(table, lambda one: one.non_product_pattern, lambda text: _is(table, text))
    return reject(table, NAME, table.item_id.notnull() & (wanted | unwanted))


def _other(table: ir.Table, pattern: str) -> ir.BooleanValue:
    return ~table.item_id.re_search(f"^(?:{pattern})") if pattern else ibis.literal(False)


def _is(table: ir.Table, pattern: str) -> ir.BooleanValue:
    return table.item_id.re_search(f"^(?:{pattern})") if pattern else ibis.literal(False)


RULES.add(
    NAME,
    Rule(
        NAME,
        40,
        "rejected",
        Text("Lines that are no products", "非商品行"),
        Text(
            "{rows} lines have codes that are no products: postage, fees, corrections ({amount}).",
            "{rows}行的编码不是商品：邮费、手续费、更正等（{amount}）。",
        ),
        mark,
    ),
)
