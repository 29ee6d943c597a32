"""All cleaning rules in order, over the stored events, and the counts of everything they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from holdfast.core.findings import Finding
from holdfast.engine.duck import Engine
from holdfast.log.clean.rule import CUSTOMER_RULES, EXAMPLES, MARKS, Context, Rule, ordered, with_marks
from holdfast.log.settings import CleanSettings

#: Raised with every change of what a rule does, so that a cached log is built anew.
VERSION = 1
_SHOWN = (
    "source_file",
    "source_row",
    "source_id",
    "event_type",
    "item_id",
    "order_id",
    "quantity",
    "unit_price",
    "amount",
)


@dataclass(frozen=True)
class Tally:
    """How many rows with the same marks and type, and their money as read and as it stands now."""

    verdict: str | None
    retracted_by: str | None
    changed_by: str | None
    noted_by: str | None
    event_type: str
    rows: int
    amount_read: int
    amount: int

    def has(self, rule: str) -> bool:
        return rule in (self.verdict, self.retracted_by, self.changed_by, self.noted_by)


@dataclass(frozen=True)
class Cleaned:
    """The marked rows (lazy), their tallies, and the finding of every rule that found something."""

    marked: ir.Table
    tallies: tuple[Tally, ...]
    findings: tuple[Finding, ...]


def in_force(settings: CleanSettings, wishes: Mapping[str, Any]) -> CleanSettings:
    """A source's own settings: what the config changed wins over what its preset wishes, that over the default.

    >>> in_force(CleanSettings(zero_prices="keep"), {"zero_prices": "reject", "product_pattern": "[0-9]"}).product_pattern
    '[0-9]'
    """
    plain = CleanSettings()
    unset = {one.name for one in fields(CleanSettings) if getattr(settings, one.name) == getattr(plain, one.name)}
    return replace(settings, **{name: value for name, value in wishes.items() if name in unset})


def clean(engine: Engine, events: ir.Table, context: Context) -> Cleaned:
    """Apply every rule and count. Nothing is deleted: the caller keeps the rows without a verdict."""
    known = replace(context, keep=lambda table: _kept(engine, table))
    marked = engine.view(with_marks(events))
    for rule in ordered():
        after = rule.mark(marked, known)
        marked = marked if after is marked else engine.view(after)
    touched = engine.cached(marked.filter(_touched(marked)).select(*MARKS, "amount_read", *_SHOWN))
    plain = marked.filter(~_touched(marked))
    tallies = [*_tallies(engine, touched), *_tallies(engine, plain)]
    return Cleaned(marked, tuple(tallies), tuple(_findings(engine, touched, tallies)))


def flag_customers(engine: Engine, events: ir.Table, context: Context) -> tuple[ir.Table, tuple[Finding, ...]]:
    """Customers that stand out in the cleaned log, as customer_id, rule, value; and a finding of each rule."""
    parts: list[ir.Table] = []
    findings: list[Finding] = []
    for rule in sorted((rule for _, rule in CUSTOMER_RULES.items()), key=lambda rule: rule.order):
        flagged, found = rule(events, context)
        parts.append(flagged)
        findings += found
    whole = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return engine.cached(whole.order_by(["rule", "customer_id"])), tuple(findings)


def _kept(engine: Engine, table: ir.Table) -> ir.Table | None:
    cached = engine.cached(table)
    return cached if engine.scalar(cached.count()) else None


def _touched(marked: ir.Table) -> ir.BooleanValue:
    return ibis.or_(*[marked[mark].notnull() for mark in MARKS])


def _tallies(engine: Engine, table: ir.Table) -> list[Tally]:
    by = [*MARKS, "event_type"]
    counted = table.group_by(by).aggregate(
        rows=table.count(), amount_read=table.amount_read.sum(), amount=table.amount.sum()
    )
    found = engine.arrow(counted.order_by(by)).to_pylist()
    return [Tally(**{**one, "amount_read": int(one["amount_read"]), "amount": int(one["amount"])}) for one in found]


def _findings(engine: Engine, touched: ir.Table, tallies: list[Tally]) -> list[Finding]:
    found = []
    for rule in ordered():
        ours = [one for one in tallies if one.has(rule.name)]
        if ours:
            amount = sum(_worth(rule, one) for one in ours)
            found.append(rule.finding(sum(one.rows for one in ours), amount, _examples(engine, touched, rule)))
    return found


def _worth(rule: Rule, tally: Tally) -> int:
    """Money a finding is about: the rows', or, where values were changed, what the change made of it."""
    return tally.amount - tally.amount_read if tally.changed_by == rule.name else tally.amount


def _examples(engine: Engine, touched: ir.Table, rule: Rule) -> list[dict[str, Any]]:
    ours = touched.filter(ibis.or_(*[touched[mark] == rule.name for mark in MARKS]))
    return list(engine.arrow(ours.select(*_SHOWN).order_by(["source_file", "source_row"]).limit(EXAMPLES)).to_pylist())
