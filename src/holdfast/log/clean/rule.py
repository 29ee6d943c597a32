"""What a cleaning rule is, and the marks it may set.

Marks are columns of the working table: `verdict` (the row is set aside or merged, by this rule), `retracted_at` and
`retracted_by` (from then on the row no longer counts), `changed_by` (a value was converted or filled) and `noted_by`
(kept as it is, but worth telling). A rule that looks only at the row itself, or at what was recorded no later than
what it retracts, keeps the leak law by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from holdfast.core.findings import Disposition, Finding
from holdfast.core.money import to_units
from holdfast.core.registry import Registry
from holdfast.core.text import Text
from holdfast.log.money import signed_amount
from holdfast.log.settings import CleanSettings

MARKS = ("verdict", "retracted_by", "changed_by", "noted_by")
#: Where a finding shows a row: how many of each rule.
EXAMPLES = 3


@dataclass(frozen=True)
class Context:
    """All that a rule may know beside the rows: the settings in force for each source, and the shop's money."""

    settings: Mapping[str, CleanSettings]
    default: CleanSettings
    currency: str = ""
    has_versions: bool = False
    now: datetime | None = None
    #: Lets a pipeline compute a small table once that several readers need; None where it is empty.
    keep: Callable[[ir.Table], ir.Table | None] = field(default=lambda table: table)

    @classmethod
    def of(cls, settings: CleanSettings, currency: str = "") -> Context:
        """The same settings for every source."""
        return cls({}, settings, currency, has_versions=True)

    def condition(self, table: ir.Table, of: Callable[[CleanSettings], Any], test: Callable[[Any], Any]) -> Any:
        """`test(value)` with each source's own value of a setting; one plain test where all sources agree."""
        values = {source: of(one) for source, one in self.settings.items()} or {"": of(self.default)}
        if len(set(map(repr, values.values()))) == 1:
            return test(next(iter(values.values())))
        branches = [(table.source == source, test(value)) for source, value in sorted(values.items())]
        return ibis.cases(*branches, else_=test(of(self.default)))


Mark = Callable[[ir.Table, Context], ir.Table]


@dataclass(frozen=True)
class Rule:
    """One cleaning rule. `sentence` may use {rows} and {amount}.

    Called, it is a pure function: (table, context) -> (table, findings).
    """

    name: str
    order: int
    disposition: Disposition
    title: Text
    sentence: Text
    mark: Mark

    def __call__(self, table: ir.Table, context: Context) -> tuple[ir.Table, tuple[Finding, ...]]:
        marked = self.mark(with_marks(table), context)
        ours = marked.filter(ibis.or_(*[marked[mark] == self.name for mark in MARKS]))
        return marked, self.findings(rows_of(ours))

    def findings(self, rows: list[dict[str, Any]]) -> tuple[Finding, ...]:
        """The finding over its rows, where there are any (rows as `rows_of` gives them)."""
        if not rows:
            return ()
        return (self.finding(len(rows), sum(one["amount"] for one in rows), rows[:EXAMPLES]),)

    def finding(self, rows: int, amount: int, examples: list[dict[str, Any]]) -> Finding:
        shown = {"rows": f"{rows:,}", "amount": f"{to_units(amount):,.2f}"}
        said = Text(self.sentence.render("en", **shown), self.sentence.render("zh", **shown))
        return Finding(self.name, self.disposition, rows, amount, said, tuple(_example(one) for one in examples))


@dataclass(frozen=True)
class CustomerRule:
    """A rule that flags customers, over the cleaned log. `flag` gives customer_id and the value that stood out."""

    name: str
    order: int
    title: Text
    sentence: Text
    flag: Callable[[ir.Table, Context], ir.Table | None]

    def __call__(self, events: ir.Table, context: Context) -> tuple[ir.Table, tuple[Finding, ...]]:
        """(cleaned events, context) -> (customer_id, rule, value of flagged customers, findings)."""
        flagged = self.flag(events, context)
        if flagged is None:
            flagged = events.limit(0).select("customer_id", value=ibis.null("float64"))
        flagged = flagged.select("customer_id", rule=ibis.literal(self.name), value="value")
        top = flagged.order_by([ibis.desc("value"), "customer_id"]).limit(EXAMPLES).to_pyarrow().to_pylist()
        if not top:
            return flagged, ()
        theirs = events.semi_join(flagged, "customer_id").filter(ibis._.retracted_at.isnull())
        money = signed_amount(theirs).sum().coalesce(0)
        counted = theirs.aggregate(rows=theirs.count(), amount=money).to_pyarrow().to_pylist()[0]
        shown = {
            "customers": f"{int(flagged.count().to_pyarrow().as_py()):,}",
            "rows": f"{int(counted['rows']):,}",
            "amount": f"{to_units(int(counted['amount'])):,.2f}",
        }
        said = Text(self.sentence.render("en", **shown), self.sentence.render("zh", **shown))
        found = Finding(self.name, "flagged", int(counted["rows"]), int(counted["amount"]), said, tuple(top))
        return flagged, (found,)


#: Rules on events, by name; `ordered()` gives them in the order in which they are applied.
RULES: Registry[Rule] = Registry("cleaning rule", "holdfast.log.clean")
CUSTOMER_RULES: Registry[CustomerRule] = Registry("customer rule", "holdfast.log.clean")


def ordered() -> list[Rule]:
    """All rules on events, first to last."""
    return sorted((rule for _, rule in RULES.items()), key=lambda rule: rule.order)


def with_marks(table: ir.Table) -> ir.Table:
    """The table with empty marks and the amount of each row as read, where it has none yet."""
    missing = {mark: ibis.null("string") for mark in MARKS if mark not in table.columns}
    if "retracted_at" not in table.columns:
        missing["retracted_at"] = ibis.null("timestamp('UTC', 6)")
    if "amount" not in table.columns:
        missing |= {"amount": signed_amount(table), "amount_read": signed_amount(table)}
    return table.mutate(**missing) if missing else table


def alive(table: ir.Table) -> ir.BooleanValue:
    """Rows that no rule has set aside so far."""
    return table.verdict.isnull()


def reject(table: ir.Table, rule: str, condition: ir.BooleanValue) -> ir.Table:
    """Set aside the living rows that meet the condition; unknown is not met."""
    return table.mutate(verdict=ibis.ifelse(alive(table) & condition.fill_null(False), rule, table.verdict))


def rows_of(table: ir.Table) -> list[dict[str, Any]]:
    """Rows in file order, as far as a finding needs them."""
    shown = ("source_file", "source_row", "source_id", "event_type", "item_id", "order_id", "quantity", "unit_price")
    where = [one for one in ("source_file", "source_row", "event_id") if one in table.columns]
    chosen = table.select(*[one for one in (*shown, "event_id", "amount") if one in table.columns])
    return list(chosen.order_by(where).to_pyarrow().to_pylist())


def _example(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if value is not None and name not in ("amount", "event_id")}
    if "unit_price" in shown:
        shown["unit_price"] = to_units(shown["unit_price"])
    return shown
