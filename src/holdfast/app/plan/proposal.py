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
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.plan.contacts import Contacting
    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions, Treatment
    from holdfast.core.tables import FeatureTable
    from holdfast.decide.assign import Planned
    from holdfast.decide.budget import Limits
    from holdfast.decide.plan_settings import PlanSettings

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
    from holdfast.decide.money import money_line, shall_know

    question.progress.step("plan", 0, 3)
    known = choices(question, now, customers, treatments, contacting, language)
    question.progress.step("plan", 1, 3)
    out = holdout(now.key.customer_id, settings.holdout_share, settings.salt)
    out = out if held is None else out | held
    limits = limits_of(treatments, settings, **fair_limits(question, now.key.customer_id))
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
        "knows": shall_know(
            planned.decisions,
            p_churn,
            question.asked.cutoff.local_day(question.asked.zone),
            Horizon.parse(settings.follow_up).days,
        ),
    }
    question.progress.step("plan", 3, 3)
    return Proposal(planned.decisions, facts)


def limits_of(treatments: Sequence[Treatment], settings: PlanSettings, **fair: Any) -> Limits:
    """What `[plan]`, the stocks of the treatments and `fair` groups allow; 0 stands for no limit."""
    from holdfast.decide.budget import Limits

    return Limits.of(
        treatments, budget=settings.budget or None, contacts=settings.contacts or None,
        channel_capacity=dict(settings.channel_capacity), **fair,
    )  # fmt: skip


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
