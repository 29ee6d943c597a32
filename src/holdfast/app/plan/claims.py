"""What a plan asks of the ledger: one claim for every customer who is to be treated, most gain first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import from_micros
from holdfast.core.decide import NOTHING
from holdfast.core.money import to_money
from holdfast.core.schema import INSTANT
from holdfast.core.state import CLAIMS, SpendLimits

if TYPE_CHECKING:
    from holdfast.app.plan.book import Plan
    from holdfast.app.plan.contacts import Contacting
    from holdfast.app.shop import Shop
    from holdfast.core.decide import Treatment

#: A message that the rules push further away than this is not part of the plan any more.
WAIT = timedelta(days=2)


def treated(plan: Plan) -> pa.Table:
    """The decisions that do something, those with most expected profit first."""
    table = plan.decisions
    acts = pc.and_(pc.not_equal(table["treatment_id"], NOTHING), pc.invert(table["holdout"]))
    order = [("expected_profit", "descending"), ("customer_id", "ascending")]
    return table.filter(acts).sort_by(order)


def claims(plan: Plan, treatments: dict[str, Treatment], contacting: Contacting) -> pa.Table:
    """Claims in the order in which they shall be granted; those whom the rules forbid, or push too far, are left out."""
    rows = treated(plan)
    place = {one: i for i, one in enumerate(contacting.people.customer_id.to_pylist())}
    found: list[dict[str, Any]] = []
    for row in rows.to_pylist():
        treatment = treatments[row["treatment_id"]]
        due, at = contacting.due(treatment), place[row["customer_id"]]
        if due.code[at] or from_micros(int(due.at[at])) > contacting.now + WAIT:
            continue
        found.append(
            {
                "decision_id": plan.decision_id(row["customer_id"]), "customer_id": row["customer_id"],
                "treatment_id": treatment.treatment_id, "channel": treatment.channel, "purpose": treatment.purpose,
                "at": from_micros(int(due.at[at])), "cost": to_money(round(row["cost"], 4)),
                "transactional": contacting.rules.exempt(treatment.purpose),
            }
        )  # fmt: skip
    return pa.Table.from_pylist(found, schema=CLAIMS)


def limits(plan: Plan, shop: Shop, treatments: dict[str, Treatment], contacting: Contacting) -> SpendLimits:
    """What this plan's campaign may spend; all plans of one campaign share it."""
    from holdfast.decide.plan_settings import PlanSettings

    budget = plan.facts["budget"]
    capacity = shop.config.section(PlanSettings).channel_capacity
    stock = {name: one.stock for name, one in treatments.items() if one.stock is not None}
    money = None if budget is None else to_money(budget)
    return SpendLimits(plan.facts["campaign_id"], money, dict(capacity), stock, contacting.rules.caps)


def exposures(plan: Plan, paid: Collection[str], delivered: Mapping[str, datetime], decided_at: datetime) -> pa.Table:
    """Every decision but the holdout's as it goes into the log: arm, chances, cost where paid, delivery where known.

    A customer whom the ledger refused keeps the arm that was drawn, not delivered: effects are those of what was
    decided, whatever became of it.
    """
    table = plan.decisions.filter(pc.invert(plan.decisions["holdout"]))
    ids = [plan.decision_id(one) for one in table["customer_id"].to_pylist()]
    at = [delivered.get(one) for one in ids]
    n = table.num_rows
    return pa.table(
        {
            "decision_id": ids,
            "customer_id": table["customer_id"],
            "treatment_id": table["treatment_id"],
            "campaign_id": pa.array([plan.facts["campaign_id"]] * n, pa.string()),
            "arm": table["treatment_id"],
            "propensity": table["propensity"],
            "arm_propensities": table["arm_propensities"],
            "cost": np.where([one in paid for one in ids], table["cost"].to_numpy(), 0.0),
            "decided_at": pa.array([decided_at] * n, INSTANT),
            "delivered_at": pa.array([None if one is None else max(one, decided_at) for one in at], INSTANT),
        }
    )
