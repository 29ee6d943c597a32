"""From rows read to purchases that stand: the sequential steps, each with what it took and what was left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.core.findings import Finding
from holdfast.core.money import to_units
from holdfast.core.text import Language, Text
from holdfast.log.clean.pipeline import Tally
from holdfast.log.clean.rule import Rule, ordered
from holdfast.log.sources.reasons import reason_of

#: Reasons that the store adds to those of the sources, in words.
REASONS: dict[str, Text] = {
    "event_id_reused": Text("Another row of the file has the same event id", "文件中另一行使用了同一事件编号"),
}
READ = Text("Rows read", "读入的行")
SALES = Text("Purchases only; other events stay beside them", "仅购买；其他事件另行保留")


@dataclass(frozen=True)
class Step:
    """One step: rows and money (1/10,000) it took away, and what is left after it."""

    step: str
    title: Text
    rows_removed: int
    rows: int
    amount_removed: int
    amount: int

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        return {
            "step": self.step,
            "title": self.title.render(language),
            "rows_removed": self.rows_removed,
            "rows": self.rows,
            "amount_removed": to_units(self.amount_removed),
            "amount": to_units(self.amount),
        }


def step_list(
    aside: Sequence[tuple[str, int, int]], tallies: Sequence[Tally], findings: Sequence[Finding]
) -> list[Step]:
    """The steps in order: read, what import set aside, rules, purchases only, same-day cancellations, fills.

    The first and the last row of the list are counted again elsewhere: see the proofs in `quality`.
    """
    rows = sum(one.rows for one in tallies) + sum(one[1] for one in aside)
    amount = sum(one.amount_read for one in tallies) + sum(one[2] for one in aside)
    steps = [Step("read", READ, 0, rows, 0, amount)]
    for reason, gone, money in aside:
        _next(steps, reason, REASONS.get(reason) or reason_of(reason).title, gone, money)
    order = {rule.name: rule.order for rule in ordered()}
    found = {finding.rule for finding in findings}
    left = list(tallies)
    for rule in ordered():
        if rule.name == "cancellations":
            others = [one for one in left if one.event_type != "purchase"]
            left = [one for one in left if one.event_type == "purchase"]
            _next(steps, "purchases", SALES, *_sum(others, order, rule.order))
        if rule.name not in found or rule.disposition in ("kept", "flagged"):
            continue
        left = _apply(steps, rule, left, order)
    return steps


def _apply(steps: list[Step], rule: Rule, left: list[Tally], order: dict[str, int]) -> list[Tally]:
    if rule.disposition in ("filled", "changed"):
        changed = [one for one in left if one.changed_by == rule.name]
        _next(steps, rule.name, rule.title, 0, sum(one.amount_read - one.amount for one in changed))
        return left
    gone = [one for one in left if _first(one, order) == rule.name]
    _next(steps, rule.name, rule.title, *_sum(gone, order, rule.order))
    return [one for one in left if one not in gone]


def _first(tally: Tally, order: dict[str, int]) -> str | None:
    """The rule that took these rows: the earlier of the two, where one set them aside and one retracted them."""
    took = [name for name in (tally.verdict, tally.retracted_by) if name is not None]
    return min(took, key=order.__getitem__) if took else None


def _sum(tallies: Sequence[Tally], order: dict[str, int], now: int) -> tuple[int, int]:
    """Rows and money as they stand when the rule of order `now` runs: what a later rule changes is still unchanged."""
    money = sum(one.amount if order.get(one.changed_by or "", 0) <= now else one.amount_read for one in tallies)
    return sum(one.rows for one in tallies), money


def _next(steps: list[Step], name: str, title: Text, rows: int, amount: int) -> None:
    before = steps[-1]
    steps.append(Step(name, title, rows, before.rows - rows, amount, before.amount - amount))
