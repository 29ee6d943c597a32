"""When a customer counts as new, slowing, dormant, returned or lost; what profiles and segments are made from."""

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


@dataclass(frozen=True)
class ProfileSettings:
    """Section `[profile]`: what a customer's habits and tastes are read from."""

    window: str = setting("365d", "Tastes, habits, RFM, value tiers and AIPL look back so long.")
    interests: int = setting(3, "At most so many interests a customer.")
    interest_lift: float = setting(1.25, "An interest's share is surely above so many times the shop's own share.")
    interest_acts: int = setting(3, "Views, carts and orders that an interest rests on at least.")
    wish_weight: float = setting(2.0, "What a cart addition or a wish counts, in views.")
    order_weight: float = setting(3.0, "What an order counts, in views.")
    occasions: int = setting(5, "A preferred channel, hour or weekday needs so many occasions.")


@dataclass(frozen=True)
class SegmentSettings:
    """Section `[segments]`: which segments are published, and how they are learnt."""

    use: str = setting(
        "auto",
        "What the column `segment` holds: rules (segments.toml), rfm or learnt; auto takes the rules where there are any, "
        "then learnt, then rfm.",
        choices=("auto", "rules", "rfm", "learnt"),
    )
    most: int = setting(8, "At most so many learnt segments.")
    stable: float = setting(0.75, "A learnt segment is kept if resampling finds it again this well (Jaccard, 0 to 1).")
    resamples: int = setting(8, "How often the customers are drawn anew to see which segments come back.")
    rows: int = setting(2000, "How many customers segments are learnt from at most.")
    smallest: float = setting(0.03, "A learnt segment holds at least this share of the customers.")


SECTIONS.add("profile", ProfileSettings)
SECTIONS.add("segments", SegmentSettings)
