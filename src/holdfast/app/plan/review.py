"""Looking a plan over: who gets what and why, and who is left alone on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.app.plan.book import Book, Plan
from holdfast.core.decide import NOTHING
from holdfast.core.errors import UsageError
from holdfast.core.registry import nearest
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from holdfast.app.shop import Shop

HEAD = (
    Text("customer", "客户"), Text("what", "措施"), Text("why", "原因"), Text("expected profit", "预期利润"),
    Text("cost", "成本"), Text("chance of this", "被选中的概率"), Text("chance of no order", "不下单概率"),
    Text("value at risk", "风险价值"), Text("held out", "对照组"),
)  # fmt: skip
#: What of a customer's release row stands beside a decision.
_BESIDE = ("p_churn", "value_at_risk", "risk_band")


def review(
    shop: Shop, plan_id: str | None, *, customer: str | None, csv: Path | None, count: int, language: Language
) -> dict[str, Any]:
    """Facts of one plan for a person: the best `count` customers to treat, why others are left alone, or one customer."""
    plan = Book(shop).get(plan_id)
    rows = _beside(plan, shop)
    if csv is not None:
        _write(csv, rows, language)
    facts: dict[str, Any] = {
        "plan_id": plan.plan_id, "status": plan.status, "campaign_id": plan.facts["campaign_id"],
        "currency": plan.facts["currency"], "money_line": plan.facts["money_line"], "left_alone": left_alone(rows),
        "arms": plan.facts["arms"],
    }  # fmt: skip
    if customer is not None:
        return {**facts, "customer": _one(rows, customer, plan)}
    acts = pc.and_(pc.not_equal(rows["treatment_id"], NOTHING), pc.invert(rows["holdout"]))
    first = rows.filter(acts).sort_by([("expected_profit", "descending"), ("customer_id", "ascending")])
    return {**facts, "customers": first.slice(0, count).to_pylist(), "csv": None if csv is None else str(csv)}


def left_alone(rows: pa.Table) -> list[dict[str, Any]]:
    """Why customers are left alone: reasons with how many, most frequent first."""
    alone = rows.filter(pc.or_(pc.equal(rows["treatment_id"], NOTHING), rows["holdout"]))
    counted = [(one["values"], one["counts"]) for one in alone["reason"].combine_chunks().value_counts().to_pylist()]
    return [{"reason": reason, "customers": n} for reason, n in sorted(counted, key=lambda one: (-one[1], str(one[0])))]


def _beside(plan: Plan, shop: Shop) -> pa.Table:
    """Decisions with what the release they were made from says of each customer."""
    customers = shop.releases.get(plan.facts["release_id"]).customers
    where = pc.index_in(plan.decisions["customer_id"], value_set=customers["customer_id"].combine_chunks())
    table = plan.decisions
    for name in _BESIDE:
        table = table.append_column(name, customers[name].combine_chunks().take(where.combine_chunks()))
    return table


def _one(rows: pa.Table, customer: str, plan: Plan) -> dict[str, Any]:
    found = rows.filter(pc.equal(rows["customer_id"], customer))
    if not found.num_rows:
        known = rows["customer_id"].slice(0, 1000).to_pylist()
        raise UsageError(
            f"plan {plan.plan_id} decides nothing about {customer!r}", remedy=nearest(customer, known[:20])
        )
    return dict(found.to_pylist()[0])


def _write(path: Path, rows: pa.Table, language: Language) -> None:
    from holdfast.app.lists import write

    cells = (
        (
            one["customer_id"], one["treatment_id"], one["reason"], round(one["expected_profit"], 4), round(one["cost"], 4),
            round(one["propensity"], 4), None if one["p_churn"] is None else round(one["p_churn"], 4),
            None if one["value_at_risk"] is None else round(one["value_at_risk"], 2), one["holdout"],
        )
        for one in rows.to_pylist()
    )  # fmt: skip
    write(path, HEAD, cells, language)
