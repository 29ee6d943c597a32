"""When a customer counts as new, slowing, dormant, returned or lost."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class LifecycleSettings:
    """Section `[lifecycle]`: limits in multiples of the customer's own usual gap between orders.

    Someone who orders at an even rate stays silent for 1.5 usual gaps in 22% of all gaps, for 3 in 5%
    and for 6 in 0.2%: the limits are surprises of growing size, not laws.
    """

    new_within: str = setting("60d", "A customer is new for so long after the first order.")
    slowing_after: float = setting(1.5, "Silent for so many of the customer's own usual gaps: slowing.")
    dormant_after: float = setting(3.0, "Silent for so many usual gaps: dormant.")
    lost_after: float = setting(6.0, "Silent for so many usual gaps: lost.")
    lost_silence: str = setting("365d", "Silent for so long: lost, whatever the usual gap.")
    gap_strength: float = setting(2.0, "How many gaps of the shop's mean an own gap is shrunk with.")


SECTIONS.add("lifecycle", LifecycleSettings)
