"""Money in other currencies than the shop's: converted at a declared rate, or not counted as money."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule
from holdfast.log.money import signed_amount

CONVERTED = "currencies"
UNKNOWN = "unknown_currency"


def convert(table: ir.Table, context: Context) -> ir.Table:
    """Prices and discounts at the rates of `[clean] rates`, rounded once to 1/10,000 of the shop's currency."""
    rates = {code.upper(): rate for code, rate in context.default.rates.items() if code.upper() != context.currency}
    if not rates or not context.currency:
        return table
    hit = table.currency.isin(sorted(rates)).fill_null(False)
    rate = ibis.cases(*[(table.currency == code, ibis.literal(rates[code])) for code in sorted(rates)])
    changed = {name: _times(table[name], rate, hit) for name in ("unit_price", "discount")}
    table = table.mutate(**changed, is_hit=hit)
    return _told(table, CONVERTED, currency=ibis.literal(context.currency))


def set_aside_money(table: ir.Table, context: Context) -> ir.Table:
    """Without a rate the order counts, but its money does not: a sum over currencies would be no number at all."""
    if not context.currency:
        return table
    hit = (table.currency != context.currency).fill_null(False)
    nothing = ibis.null("int64")
    changed = {name: ibis.ifelse(hit, nothing, table[name]) for name in ("unit_price", "discount")}
    return _told(table.mutate(**changed, is_hit=hit), UNKNOWN, currency=table.currency)


def _times(column: ir.IntegerValue, rate: ir.FloatingValue, hit: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.ifelse(hit, (column * rate).round().cast("int64"), column)


def _told(table: ir.Table, rule: str, currency: ir.StringValue) -> ir.Table:
    return table.mutate(
        changed_by=ibis.ifelse(table.is_hit, rule, table.changed_by),
        amount=ibis.ifelse(table.is_hit, signed_amount(table), table.amount),
        currency=ibis.ifelse(table.is_hit, currency, table.currency),
    ).drop("is_hit")


RULES.add(
    CONVERTED,
    Rule(
        CONVERTED,
        2,
        "changed",
        Text("Other currencies, converted", "其他货币，已折算"),
        Text(
            "{rows} rows were converted from other currencies at declared rates (changing money by {amount}).",
            "{rows}行按声明的汇率从其他货币折算（金额变化{amount}）。",
        ),
        convert,
    ),
)
RULES.add(
    UNKNOWN,
    Rule(
        UNKNOWN,
        4,
        "changed",
        Text("Other currencies without a rate", "没有汇率的其他货币"),
        Text(
            "{rows} rows are in currencies without a rate: the orders count, their money does not ({amount}). "
            "Declare it: [clean] rates.",
            "{rows}行的货币没有汇率：订单计入，金额不计（{amount}）。请在 [clean] rates 中声明。",
        ),
        set_aside_money,
    ),
)
