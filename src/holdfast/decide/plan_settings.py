"""What a plan may spend and how it keeps learning."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class PlanSettings:
    """Section `[plan]`. Money in the shop's currency; 0 means no limit where a limit is meant."""

    budget: float = setting(
        0.0, "Money that one plan may spend; 0: no limit. `holdfast plan make --budget` overrides it."
    )
    contacts: int = setting(0, "At most so many customers are contacted by one plan; 0: no limit.")
    channel_capacity: dict[str, int] = setting({}, "At most so many contacts on a channel, such as { phone = 200 }.")  # noqa: RUF009 - `setting` makes a field
    floors: dict[str, int] = setting(  # noqa: RUF009 - `setting` makes a field
        {},
        'At least so many customers of a group are treated: { "segment=loyal" = 100 }, by any column of the release.',
    )
    ceilings: dict[str, int] = setting(  # noqa: RUF009 - `setting` makes a field
        {}, 'At most so many customers of a group are treated: { "lifecycle=new" = 200 }.'
    )
    holdout_share: float = setting(
        0.05, "Share of customers who are never treated, so that the effect can be measured."
    )
    epsilon: float = setting(
        0.02, "Chance, shared by all arms, with which a customer gets another arm than the chosen one."
    )
    salt: str = setting("holdfast", "Decides who is held out; changing it draws a new holdout. Keep it.")
    follow_up: str = setting("30d", "How long the orders of a customer are counted after a decision.")
    campaigns: int = setting(12, "The newest so many campaigns are learnt from.")
    valued: str = setting(
        "usual",
        "How orders that followed a decision are valued: at the customer's own `usual` order, or as `paid` (far noisier).",
        choices=("usual", "paid"),
    )
    valued_at_most: float = setting(0.95, "Usual orders above this quantile of all customers count as that quantile.")
    least_arm: int = setting(200, "Customers an arm needs in earlier campaigns before anything is said to be measured.")


SECTIONS.add("plan", PlanSettings)
