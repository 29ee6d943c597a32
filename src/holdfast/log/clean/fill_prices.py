"""A missing price filled with the item's last known one. Off by default, counted, and undone by turning it off."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, alive
from holdfast.log.money import SIGNS, signed_amount

NAME = "fill_prices"


def mark(table: ir.Table, context: Context) -> ir.Table:
    """The price of the newest row of the item that was recorded no later, so that no price comes from the future."""
    if not any(one.fill_prices for one in (*context.settings.values(), context.default)):
        return table
    wanted = context.condition(table, lambda one: one.fill_prices, lambda on: ibis.literal(on))
    sale = table.event_type.isin(list(SIGNS)) & table.item_id.notnull()
    gap = alive(table) & sale & wanted & table.unit_price.isnull() & table.changed_by.isnull()
    told = alive(table) & sale & table.unit_price.notnull()
    # Priced rows are numbered as they became known; a gap carries the number, and with it the price, of the last one.
    known = ibis.window(
        group_by="item_id",
        order_by=["recorded_at", "occurred_at", ibis.asc("is_gap"), "source_file", "source_row", "event_id"],
        preceding=None,
        following=0,
    )
    table = table.mutate(is_gap=gap, price_told=ibis.ifelse(told, table.unit_price, ibis.null("int64")))
    table = table.mutate(price_run=table.price_told.count().over(known))
    run = ibis.window(group_by=["item_id", "price_run"])
    table = table.mutate(last_price=table.price_told.max().over(run))
    hit = table.is_gap & table.last_price.notnull()
    table = table.mutate(
        unit_price=ibis.ifelse(hit, table.last_price, table.unit_price),
        changed_by=ibis.ifelse(hit, NAME, table.changed_by),
        is_hit=hit,
    )
    amount = ibis.ifelse(table.is_hit, signed_amount(table), table.amount)
    return table.mutate(amount=amount).drop("is_gap", "price_told", "price_run", "last_price", "is_hit")


RULES.add(
    NAME,
    Rule(
        NAME,
        90,
        "filled",
        Text("Prices filled", "补全的价格"),
        Text(
            "{rows} lines without a price got the item's last known one (adding {amount}).",
            "{rows}行缺少价格，用该商品最近已知的价格补全（增加{amount}）。",
        ),
        mark,
    ),
)
