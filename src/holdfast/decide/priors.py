"""What each option would be worth if the stated effects were true: for a shop that has measured nothing yet.

A treatment is assumed to save the share `effect` of p_churn. Then, per customer,

    uplift = effect x p_churn
    gain   = uplift x margin of an order - cost - (p_order + uplift) x (incentive + discount x order value)

The prior's spread is as large as the effect itself: an assumed effect may as well be nothing, or double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.decide import Options, Treatment
from holdfast.core.errors import UsageError
from holdfast.decide.eligibility import Eligible

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """What an order of each customer brings: P(no order), value of an order, margin as a share of it."""

    p_churn: Floats
    order_value: Floats
    margin_rate: float

    def __post_init__(self) -> None:
        if len(self.p_churn) != len(self.order_value) or not 0 <= self.margin_rate <= 1:
            raise UsageError("a probability and an order value for each customer, and a margin between 0 and 1")


def spent(worth: Worth, one: Treatment, uplift: Floats) -> Floats:
    """Money that a treatment is expected to cost: its cost, and what is given with the orders that follow."""
    p_order = np.clip(1 - worth.p_churn + uplift, 0.0, 1.0)
    return np.asarray(one.cost + p_order * (one.incentive + one.discount * worth.order_value))


def assumed(
    customer_id: pa.Array, treatments: Sequence[Treatment], worth: Worth, allowed: Eligible | None = None
) -> Options:
    """Options by stated effects; `measured` is False.

    >>> worth = Worth(np.array([0.5]), np.array([100.0]), 0.3)
    >>> mail = Treatment("mail", "reminder", cost=0.5, effect=0.1)
    >>> assumed(pa.array(["a"]), [Treatment("nothing"), mail], worth).gain.round(2).tolist()
    [[0.0, 1.0]]
    """
    shape = (len(worth.p_churn), len(treatments))
    gain, cost, uplift = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for arm, one in enumerate(treatments):
        if one.acts:
            uplift[:, arm] = one.effect * worth.p_churn
            cost[:, arm] = spent(worth, one, uplift[:, arm])
            gain[:, arm] = uplift[:, arm] * worth.order_value * worth.margin_rate - cost[:, arm]
    names = tuple(one.treatment_id for one in treatments)
    if allowed is None:
        return Options(customer_id, names, gain, cost, uplift=uplift)
    return Options(
        customer_id, names, gain, cost, allowed.allowed, uplift, False, allowed.why_not, allowed.reasons
    )  # fmt: skip
