"""What a synthetic shop is told: sizes, habits, seasons, campaigns. Everything else follows from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.core.clock import Cutoff, zone
from holdfast.core.errors import UsageError


@dataclass(frozen=True)
class Arm:
    """One arm of every campaign, and what it does to the daily chance of an order while it works.

    A customer's effect in log-hazard is `effect + by_price x (price_sensitivity - 1/2) - by_annoyance x annoyance`;
    an arm whose three numbers are 0 does nothing at all, and a test must find just that.
    """

    treatment_id: str
    propensity: float
    cost: float = 0.0
    effect: float = 0.0
    by_price: float = 0.0
    by_annoyance: float = 0.0
    discount: float = 0.0

    @property
    def contacts(self) -> bool:
        """Does anything reach the customer?"""
        return self.treatment_id != "nothing"


ARMS = (
    Arm("nothing", 0.40),
    Arm("reminder", 0.25, cost=0.02, effect=0.45, by_annoyance=0.90),
    Arm("voucher", 0.20, cost=0.05, effect=0.55, by_price=1.20, discount=0.10),
    Arm("postcard", 0.15, cost=0.80),
)


@dataclass(frozen=True)
class World:
    """The frozen parameters of one synthetic shop; `holdfast.synth.world.make` brings it to life.

    >>> World(customers=100, days=365).last_day.isoformat()
    '2024-12-31'
    """

    customers: int = 5000
    days: int = 730
    seed: int = 1
    start: date = date(2024, 1, 2)
    zone: str = "Europe/Berlin"
    currency: str = "EUR"
    item_count: int = 400
    gap_days: float = 34.0  # median of the customers' own usual gap between orders
    engaged_days: float = 150.0  # median stay in the engaged state before a slumber
    slumber_days: float = 75.0  # median stay in slumber before waking
    leave_days: float = 900.0  # median of the customers' own mean time until they leave, while engaged
    season: float = 0.30  # amplitude of the year in log-hazard
    promotion: float = 0.60  # effect of a promotion on a customer of full price sensitivity, log-hazard
    browsing: float = 1.0  # scales visits without an order
    effect: float = 1.0  # scales every arm's effect; 0 plants the null
    arms: tuple[Arm, ...] = ARMS
    campaign_every: int = 42  # days between campaigns
    effect_days: int = 21  # how long a contact works; never longer than `campaign_every`
    holdout_share: float = 0.10
    target: str = "random"  # whom campaigns contact: anybody, or those at "risk" (`holdfast.synth.targeting`)
    target_days: float = 45.0  # under "risk": days of silence at which the chance of a contact is half-way up
    looker_share: float = 0.04  # accounts that browse and never order
    void_share: float = 0.010  # orders cancelled on the same local day: no orders at all
    cancel_share: float = 0.015  # orders cancelled on a later day
    refund_share: float = 0.030  # lines sent back
    review_share: float = 0.12  # mean chance that a delivered line is reviewed
    dirt: float = 0.0  # share of the raw file's rows to spoil; see `holdfast.synth.raw`

    def __post_init__(self) -> None:
        if self.customers < 1 or self.days < 2 or self.item_count < 16:
            raise UsageError(
                "a world needs at least 1 customer, 2 days and 16 items", remedy="holdfast demo --customers 500"
            )
        if self.effect_days > self.campaign_every:
            raise UsageError("a contact must stop working before the next campaign", remedy="lower effect_days")
        if abs(sum(arm.propensity for arm in self.arms) - 1) > 1e-9 or self.arms[0].contacts:
            raise UsageError("the arms' propensities must add to 1, and `nothing` comes first")
        if (
            self.target not in ("random", "risk")
            or self.target_days <= 0
            or (self.target == "risk" and len(self.arms) < 2)
        ):
            raise UsageError(
                f"no world can target {self.target!r}", remedy="target='random', or 'risk' with an arm that contacts"
            )
        zone(self.zone)

    @property
    def last_day(self) -> date:
        return self.start + timedelta(days=self.days - 1)

    @property
    def ends(self) -> Cutoff:
        """The first instant after the last day: nothing recorded from then on is in the shop's files."""
        return self.cutoff(self.days)

    def cutoff(self, day: int) -> Cutoff:
        """Local midnight at which day number `day` (0 is the first) begins.

        >>> print(World().cutoff(364))
        2024-12-30T23:00:00Z
        """
        return Cutoff.midnight(self.start + timedelta(days=day), self.zone)

    def day_of(self, cutoff: Cutoff) -> int:
        """The day number that begins at this cutoff; raises `UsageError` where it is no local midnight of the world.

        >>> World().day_of(World().cutoff(400))
        400
        """
        day = (cutoff.local_day(self.zone) - self.start).days
        if self.cutoff(day) != cutoff or not 0 <= day <= self.days:
            raise UsageError(
                f"{cutoff} is not a local midnight between {self.start} and {self.last_day}",
                remedy="write Cutoff.parse('2025-06-01', world.zone)",
            )
        return day
