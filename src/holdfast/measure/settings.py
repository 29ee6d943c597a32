"""Section `[measure]`: how long a follow-up is, when a number may be said, and what must not get worse."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class MeasureSettings:
    """Section `[measure]`."""

    follow_up: str = setting(
        "30d", "How long after its assignment a customer is counted; only closed follow-ups enter."
    )
    whole_follow_up: str = setting("180d", "The same for Holdfast as a whole: the holdout against everybody else.")
    level: float = setting(0.95, "Level of every interval; it holds at all looks together.")
    least_customers: int = setting(200, "Customers per arm below which no effect is said.")
    least_conversions: int = setting(30, "Customers who ordered, both arms together, below which no effect is said.")
    winsorise: float = setting(
        0.99,
        "Spend is capped at this quantile of what buyers spent in the same length before the assignment; 1: never.",
    )
    srm_alarm: float = setting(0.001, "Arms whose sizes are less likely than this by chance are called out.")
    most_unsubscribed: float = setting(0.01, "Guardrail: unsubscribing may rise by so much (share of customers).")
    most_complaints: float = setting(0.02, "Guardrail: complaints per customer may rise by so much.")
    most_returns: float = setting(0.05, "Guardrail: lines sent back per customer may rise by so much.")
    least_margin: float = setting(0.05, "Guardrail: margin per customer may fall by this share of the control's.")
    protected: tuple[str, ...] = setting(
        (),
        "Customer attributes that are protected: never features; plans and effects are compared between their groups.",
    )
    max_gap: float = setting(0.10, "Largest gap in treatment rate between protected groups that is no finding.")


SECTIONS.add("measure", MeasureSettings)
BY_DEFAULT = MeasureSettings()
