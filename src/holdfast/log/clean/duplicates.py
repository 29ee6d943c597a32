"""Rows that repeat another row of their file, column for column, count once."""

from __future__ import annotations

import ibis.expr.types as ir

from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, reject

NAME = "exact_duplicates"


def mark(table: ir.Table, context: Context) -> ir.Table:
    """The store numbered identical rows of a file; all but the first are merged into it."""
    wanted = context.condition(table, lambda one: one.merge_duplicates, lambda on: (table["repeat"] > 0) & on)
    return reject(table, NAME, wanted)


RULES.add(
    NAME,
    Rule(
        NAME,
        20,
        "merged",
        Text("Exact duplicates", "完全重复的行"),
        Text(
            "{rows} rows repeat another row of their file exactly and count once ({amount}).",
            "{rows}行与同一文件中的另一行完全相同，只计一次（{amount}）。",
        ),
        mark,
    ),
)
