"""Rows whose source changed them later: each version counts until the next one was recorded."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule

NAME = "versions"


def mark(table: ir.Table, context: Context) -> ir.Table:
    """An older version is retracted when the next one was recorded; nothing is asked where no import had versions."""
    if not context.has_versions:
        return table
    later = ibis.window(group_by=["source", "event_id"], order_by=["recorded_at", "loaded_at"])
    table = table.mutate(next_at=table.recorded_at.lead().over(later))
    old = table.next_at.notnull()
    return table.mutate(
        retracted_at=ibis.ifelse(old, table.next_at, table.retracted_at),
        retracted_by=ibis.ifelse(old, NAME, table.retracted_by),
    ).drop("next_at")


RULES.add(
    NAME,
    Rule(
        NAME,
        10,
        "retracted",
        Text("Older versions of changed rows", "已更改行的旧版本"),
        Text(
            "{rows} rows were changed later by their source; each counts until the change ({amount}).",
            "{rows}行后来被来源修改；修改之前仍然有效（{amount}）。",
        ),
        mark,
    ),
)
