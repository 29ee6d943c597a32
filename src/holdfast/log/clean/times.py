"""Rows from a time that cannot be: after they were imported, before the shop opened, or a clock that stood at zero."""

from __future__ import annotations

from datetime import UTC, date, datetime

import ibis
import ibis.expr.types as ir

from holdfast.core.errors import ConfigError
from holdfast.core.text import Text
from holdfast.log.clean.rule import RULES, Context, Rule, reject
from holdfast.log.content import instant

NAME = "impossible_times"
#: Clocks that were never set write 1970, spreadsheets write 1899, 1900 or 1904; no web shop is older than this.
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)


def mark(table: ir.Table, context: Context) -> ir.Table:
    """Later than the import itself by more than a day (a zone mistaken makes less), before 1990, or before the shop."""
    known_by = table.loaded_at if context.now is None else ibis.least(table.loaded_at, instant(context.now))
    future = table.occurred_at > known_by + ibis.interval(days=1)
    early = context.condition(table, lambda one: one.shop_start, lambda day: _before(table, day))
    return reject(table, NAME, future | (table.occurred_at < instant(_OLDEST)) | early)


def _before(table: ir.Table, day: str) -> ir.BooleanValue:
    if not day:
        return ibis.literal(False)
    try:
        return table.local_day < ibis.literal(date.fromisoformat(day))
    except ValueError as error:
        raise ConfigError(f"shop_start = {day!r} is not a day", where="[clean]", remedy="write 2010-12-01") from error


RULES.add(
    NAME,
    Rule(
        NAME,
        30,
        "rejected",
        Text("Impossible times", "不可能的时间"),
        Text(
            "{rows} rows lie in the future of their import, before 1990 or before the shop opened ({amount}).",
            "{rows}行的时间晚于导入时间、早于1990年或早于开店日期（{amount}）。",
        ),
        mark,
    ),
)
