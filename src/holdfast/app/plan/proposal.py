"""A plan before anybody has agreed to it: who gets what, what it should earn beside simpler policies, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.app.plan.fair import fair_limits, fairness
from holdfast.app.plan.options import Choices, choices
from holdfast.core.clock import Horizon
from holdfast.core.errors import ConfigError
from holdfast.core.registry import nearest
from holdfast.core.results import Undetermined
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.app.plan.contacts import Contacting
    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions, Treatment
    from holdfast.core.tables import FeatureTable
    from holdfast.decide.assign import Planned
    from holdfast.decide.budget import Bound, Limits
    from holdfast.decide.plan_settings import PlanSettings

_NEEDED = Text(
    "To see the change that is expected, {needed} customers are needed: {campaigns} such campaigns, by {day}.",
    "要看到预期的变化，需要{needed}位客户：约{campaigns}次这样的活动，到{day}为止。",
)
#: Shares of the budget at which the budget curve is drawn.
_CURVE = (0.25, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Proposal:
    """Decisions of everybody, and the facts that plan.json and the report tell."""

    decisions: Decisions
    facts: dict[str, Any]


def propose(
    question: Study, now: FeatureTable, customers: pa.Table, treatments: Sequence[Treatment], settings: PlanSettings,
    *, campaign: str, contacting: Contacting | None, held: NDArray[np.bool_] | None = None, language: Language = "en",
) -> Proposal:  # fmt: skip
    """Decide for the customers of `now` (rows of `customers` in the same order) under `[plan]`.

    `held`: who is known to be held out already, whatever the salt says.
    """
    from holdfast.decide.assign import holdout, plan
    from holdfast.decide.money import money_line

    question.progress.step("plan", 0, 3)
    known = choices(question, now, customers, treatments, contacting, language)
    question.progress.step("plan", 1, 3)
    out = holdout(now.key.customer_id, settings.holdout_share, settings.salt)
    out = out if held is None else out | held
    limits = limits_of(treatments, settings, customers, fair_limits(question, now.key.customer_id))
    p_churn = known.worth.p_churn
    planned = plan(
        known.options, limits, epsilon=settings.epsilon, holdout=out, salt=settings.salt, campaign=campaign,
        seed=question.shop.settings.seed, p_churn=p_churn, language=language,
    )  # fmt: skip
    question.progress.step("plan", 2, 3)
    facts = {
        **_head(question, settings, campaign, known, out, contacting),
        **_found(planned, known, treatments, settings, limits, question.log.currency),
        "money_line": [
            one.as_dict()
            for one in money_line(
                known.options, planned.decisions, p_churn=p_churn, spread=known.spread, means=known.means
            )
        ],
        "fairness": fairness(question, planned.decisions, known.options, treatments, language),
        "knows": _knows(planned, p_churn, question, settings),
    }
    facts["notes"] += [_plain(one) for one in planned.exploration.notes]
    question.progress.step("plan", 3, 3)
    return Proposal(planned.decisions, facts)


def limits_of(
    treatments: Sequence[Treatment], settings: PlanSettings, customers: pa.Table, fair: Mapping[str, Any]
) -> Limits:
    """What `[plan]`, the stocks of the treatments and `fair` groups allow; 0 stands for no limit.

    Raises `ConfigError` where a floor or a ceiling names no column of the customers.
    """
    from holdfast.decide.budget import Limits

    floors, ceilings = (bounds_of(given, customers) for given in (settings.floors, settings.ceilings))
    columns = {column: customers[column] for column, _ in (*floors, *ceilings)}
    groups = {**fair.get("groups", {}), **columns}
    return Limits.of(
        treatments, budget=settings.budget or None, contacts=settings.contacts or None,
        channel_capacity=dict(settings.channel_capacity), floors=floors, ceilings=ceilings,
        parity=fair.get("parity", {}), groups=groups or None,
    )  # fmt: skip


def bounds_of(given: Mapping[str, int], customers: pa.Table) -> dict[tuple[str, str], Bound]:
    """`{"segment=loyal": 100}` as the allocator takes it."""
    from holdfast.decide.budget import Bound

    found = {}
    for name, count in given.items():
        column, _, group = name.partition("=")
        if column not in customers.column_names or not group:
            raise ConfigError(
                f"{name!r} is no group of customers", where="holdfast.toml, [plan] floors and ceilings",
                remedy=f'write "column=group"; {nearest(column, sorted(customers.column_names))}',
            )  # fmt: skip
        found[column, group] = Bound(count=int(count))
    return found


def asked(settings: PlanSettings, budget: float | None, contacts: int | None) -> PlanSettings:
    """The settings with what the caller says instead."""
    given: dict[str, Any] = {"budget": budget, "contacts": contacts}
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def _head(
    question: Study, settings: PlanSettings, campaign: str, known: Choices, out: NDArray[np.bool_],
    contacting: Contacting | None,
) -> dict[str, Any]:  # fmt: skip
    notes = [] if contacting is None else [_plain(contacting.rules.stated)]
    return {
        "cutoff": str(question.asked.cutoff), "day": question.asked.cutoff.local_day(question.asked.zone).isoformat(),
        "campaign_id": campaign, "currency": question.log.currency,
        "follow_up": settings.follow_up, "epsilon": settings.epsilon, "holdout_share": settings.holdout_share,
        "budget": settings.budget or None, "measured": known.options.measured, "basis": _plain(known.basis),
        "customers": len(known.options), "held_out": int(out.sum()), "notes": notes,
        "guard": None if known.learned is None else known.learned.report,
    }  # fmt: skip


def _knows(planned: Planned, p_churn: NDArray[np.float64], question: Study, settings: PlanSettings) -> dict[str, Any]:
    """What this plan can show by when, and how many customers it takes to see the effect it expects."""
    from holdfast.decide.known import known_by
    from holdfast.decide.money import shall_know

    made, days = planned.decisions, Horizon.parse(settings.follow_up).days
    start = question.asked.cutoff.local_day(question.asked.zone)
    facts = shall_know(made, p_churn, start, days)
    treated = made.chosen > 0
    if "control" not in facts or not treated.any():
        return facts
    both = facts["treated"] + facts["control"]
    found = known_by(
        float(p_churn.mean()), float(np.nan_to_num(made.uplift[treated]).mean()), per_campaign=both,
        control_share=facts["control"] / both, every_days=days, follow_up_days=days, start=start,
    )  # fmt: skip
    if isinstance(found, Undetermined):
        return {**facts, "sample_size": found.as_dict()}
    said = {"needed": f"{found.customers:,}", "campaigns": found.campaigns, "day": found.day.isoformat()}
    words = {name: f"{facts['words'][name]} {getattr(_NEEDED, name).format(**said)}" for name in ("en", "zh")}
    return {**facts, "sample_size": {**said, "customers": found.customers}, "words": words}


def _found(
    planned: Planned, known: Choices, treatments: Sequence[Treatment], settings: PlanSettings, limits: Limits,
    currency: str,
) -> dict[str, Any]:  # fmt: skip
    from holdfast.decide.budget import curve

    made, allocation = planned.decisions, planned.allocation
    arms = [
        {
            "treatment_id": one.treatment_id, "title": one.title or one.treatment_id,
            "customers": int((made.chosen == arm).sum()), "cost": float(made.cost[made.chosen == arm].sum()),
            "expected_profit": float(made.expected_profit[made.chosen == arm].sum()),
        }
        for arm, one in enumerate(treatments)
    ]  # fmt: skip
    points = []
    if settings.budget:
        budgets = [share * settings.budget for share in _CURVE]
        points = [
            {"budget": one.budget, "gain": one.gain, "cost": one.cost}
            for one in curve(known.options, budgets, limits, holdout=made.holdout)
        ]
    return {
        "arms": arms, "gap": allocation.gap, "curve": points, "spends": float(made.cost.sum()),
        "shadow": [{"words": _plain(one)} for one in allocation.prices(currency)],
        "certificate": _plain(allocation.certificate(currency)),
    }  # fmt: skip


def _plain(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
