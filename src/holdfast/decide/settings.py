"""What contacting a customer costs and is assumed to achieve."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class CostSettings:
    """Section `[costs]`. Nothing here is measured until a holdout test has measured it."""

    contact_cost: float = setting(1.0, "Cost of one contact, in the shop's currency.")
    incentive: float = setting(10.0, "Cost of the incentive when it is used, in the shop's currency.")
    contact_effect: float = setting(0.03, "Assumed share of the value at risk that a contact saves.")
    incentive_effect: float = setting(0.06, "Assumed share that a contact with the incentive saves.")
    margin_rate: float = setting(0.30, "Margin as a share of revenue.")
    watch_from: float = setting(0.5, "p_churn from which a customer is watched, though no contact pays.")


SECTIONS.add("costs", CostSettings)
