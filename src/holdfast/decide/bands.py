"""Risk bands by a cost rule: a band says what would pay, not how frightening a probability looks.

A contact saves a share of the value at risk; what it saves counts at the margin. Per customer:

    contact = contact_effect * margin_rate * value_at_risk - contact_cost
    offer   = incentive_effect * margin_rate * value_at_risk - contact_cost - incentive * P(order with the offer)

`critical`: the offer pays, and pays more than a plain contact. `high`: a plain contact pays.
`watch`: neither pays, but the customer is more likely to stay away than `watch_from`. `low`: the rest.
The effects are assumptions until a holdout test has measured them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.core.errors import UsageError
from holdfast.core.text import Text
from holdfast.decide.settings import CostSettings

BANDS: tuple[str, ...] = ("low", "watch", "high", "critical")


def gains(
    p_churn: ArrayLike, value_at_risk: ArrayLike, settings: CostSettings | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Expected profit per customer of a plain contact and of a contact with the incentive, in currency units."""
    costs = settings or CostSettings()
    p, value = np.asarray(p_churn, np.float64), np.asarray(value_at_risk, np.float64)
    if p.shape != value.shape:
        raise UsageError(f"{p.shape} probabilities but {value.shape} values at risk")
    saved = costs.margin_rate * value
    contact = costs.contact_effect * saved - costs.contact_cost
    orders = 1 - p * (1 - costs.incentive_effect)
    offer = costs.incentive_effect * saved - costs.contact_cost - costs.incentive * orders
    return contact, offer


def risk_bands(p_churn: ArrayLike, value_at_risk: ArrayLike, settings: CostSettings | None = None) -> list[str]:
    """`low`, `watch`, `high` or `critical` for each customer. Values at risk are in currency units.

    >>> risk_bands([0.2, 0.9, 0.8, 0.8], [0.0, 5.0, 150.0, 900.0])
    ['low', 'watch', 'high', 'critical']
    """
    costs = settings or CostSettings()
    contact, offer = gains(p_churn, value_at_risk, costs)
    bands = np.where(np.asarray(p_churn, np.float64) >= costs.watch_from, "watch", "low")
    bands = np.where(contact > 0, "high", bands)
    bands = np.where((offer > 0) & (offer >= contact), "critical", bands)
    return [str(band) for band in bands]


def band_meanings(settings: CostSettings | None = None, currency: str = "") -> dict[str, Text]:
    """What each band means, in a sentence.

    >>> band_meanings(currency="GBP")["high"].en
    'A plain contact (GBP 1) should pay for itself.'
    """
    costs = settings or CostSettings()
    contact, gift = (f"{currency} {amount:g}".strip() for amount in (costs.contact_cost, costs.incentive))
    return {
        "critical": Text(
            f"A contact with an incentive ({gift}) should earn more than a plain contact.",
            f"带优惠（{gift}）的联系，预计比普通联系更划算。",
        ),
        "high": Text(
            f"A plain contact ({contact}) should pay for itself.", f"一次普通联系（{contact}）预计能收回成本。"
        ),
        "watch": Text(
            f"Chance of no order at least {costs.watch_from:.0%}, but no contact pays.",
            f"不下单概率至少{costs.watch_from:.0%}，但联系并不划算。",
        ),
        "low": Text("No contact pays, and none is needed now.", "目前无需联系，联系也不划算。"),
    }


def explain_bands(settings: CostSettings | None = None, currency: str = "") -> Text:
    """The rule behind the bands with the figures in force: assumed, not measured."""
    costs = settings or CostSettings()
    contact, gift = (f"{currency} {amount:g}".strip() for amount in (costs.contact_cost, costs.incentive))
    return Text(
        f"Assumed, not measured: a contact costs {contact} and saves {costs.contact_effect:.0%} of the value at risk; "
        f"with an incentive of {gift} it saves {costs.incentive_effect:.0%}; the margin is {costs.margin_rate:.0%}. "
        "Change these under [costs] in holdfast.toml, or measure them with a holdout.",
        f"以下为假设，并非实测：一次联系花费{contact}，可挽回风险价值的{costs.contact_effect:.0%}；"
        f"附带{gift}的优惠时可挽回{costs.incentive_effect:.0%}；毛利率为{costs.margin_rate:.0%}。"
        "可在 holdfast.toml 的 [costs] 中修改，或用对照组实测。",
    )


def describe_bands(settings: CostSettings | None = None, currency: str = "") -> dict[str, Any]:
    """The same as plain data for `Story.bands`: {"rule": {en, zh}, "meanings": {band: {en, zh}}, "assumed": True}."""
    rule = explain_bands(settings, currency)
    return {
        "rule": {"en": rule.en, "zh": rule.zh},
        "meanings": {b: {"en": t.en, "zh": t.zh} for b, t in band_meanings(settings, currency).items()},
        "assumed": True,
    }
