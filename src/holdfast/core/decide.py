"""The language of decisions: what may be done, what each option is worth and costs, and what was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.schema import RELEASE_DECISIONS

__all__ = ["KINDS", "NOTHING", "Decisions", "Options", "Treatment"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: The treatment that does nothing; always the first arm.
NOTHING = "nothing"
KINDS: tuple[str, ...] = (
    "nothing", "coupon", "free_shipping", "member_benefit", "reminder", "recommendation", "service_call",
)  # fmt: skip


@dataclass(frozen=True)
class Treatment:
    """What may be done for one customer. Money is in the shop's currency.

    `cost` is spent on everybody who is treated (postage, an agent's minutes); `incentive` only when the customer orders
    (a coupon, free shipping); `discount` is the share of the order's revenue given away, 0 to 1. `channel` is how it is
    sent (`mail`, `sms`, `phone`, ...; empty: nothing is sent), `purpose` the consent it needs. `eligible` is a rule of
    the segment language ("" = everybody). `valid_for` is how long the customer may use it. `stock`: at most so many in
    one plan. `effect` is the stated prior of its effect on P(order in the horizon), a share of p_churn saved, used
    only until an experiment has measured it.

    >>> Treatment("mail", "reminder", cost=0.02, channel="mail").acts
    True
    """

    treatment_id: str
    kind: str = "nothing"
    title: str = ""
    cost: float = 0.0
    incentive: float = 0.0
    discount: float = 0.0
    channel: str = ""
    purpose: str = "marketing"
    eligible: str = ""
    valid_for: str = "14d"
    stock: int | None = None
    effect: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"treatment {self.treatment_id!r} is of no known kind: {self.kind!r}", remedy=f"one of: {', '.join(KINDS)}")  # fmt: skip
        if (self.kind == NOTHING) != (self.treatment_id == NOTHING):
            raise UsageError("the treatment `nothing` is of the kind `nothing`, and no other is", where=self.treatment_id)  # fmt: skip
        if min(self.cost, self.incentive) < 0 or not 0 <= self.discount <= 1 or not -1 <= self.effect <= 1:
            raise UsageError(
                f"the money of treatment {self.treatment_id!r} makes no sense",
                remedy="cost and incentive at least 0, discount between 0 and 1, effect between -1 and 1",
            )

    @property
    def acts(self) -> bool:
        """Whether anything is done at all."""
        return self.kind != NOTHING


@dataclass(frozen=True)
class Options:
    """What could be done for each customer: customers x arms; arm 0 is `nothing`.

    `gain`: expected profit of the arm over doing nothing, net of its cost, in currency units (column 0 is 0).
    `cost`: expected money that the arm spends. `eligible`: whether the arm may be given (column 0 is all true).
    `uplift`: effect on P(order in the horizon), good is positive; NaN where only money was estimated.
    `measured`: the gains rest on an experiment, not on stated priors. `why_not`: for each arm, reason of ineligibility
    by code, -1 none; `reasons` says the codes in words.

    >>> found = Options(pa.array(["a"]), ("nothing", "mail"), np.array([[0.0, 2.0]]), np.array([[0.0, 0.1]]))
    >>> found.eligible.tolist()
    [[True, True]]
    """

    customer_id: pa.Array
    arms: tuple[str, ...]
    gain: Floats
    cost: Floats
    eligible: Flags = None  # type: ignore[assignment]
    uplift: Floats = None  # type: ignore[assignment]
    measured: bool = False
    why_not: NDArray[np.int16] | None = None
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.customer_id), len(self.arms))
        if self.eligible is None:
            object.__setattr__(self, "eligible", np.ones(shape, bool))
        if self.uplift is None:
            object.__setattr__(self, "uplift", np.full(shape, np.nan))
        for name in ("gain", "cost", "eligible", "uplift"):
            if getattr(self, name).shape != shape:
                raise UsageError(f"options.{name} has shape {getattr(self, name).shape}, not {shape}")
        if not self.arms or self.arms[0] != NOTHING:
            raise UsageError(f"the first arm is {self.arms[:1]}, not `nothing`")
        if len(self.customer_id) and (self.gain[:, 0].any() or self.cost[:, 0].any() or not self.eligible[:, 0].all()):
            raise UsageError("`nothing` gains nothing, costs nothing and is open to everybody")
        if not (np.isfinite(self.gain[self.eligible]).all() and np.isfinite(self.cost[self.eligible]).all()):
            raise UsageError("gains and costs of eligible arms must be finite numbers")

    def __len__(self) -> int:
        return len(self.customer_id)

    def take(self, rows: NDArray[np.int64]) -> Options:
        return Options(
            self.customer_id.take(pa.array(rows)), self.arms, self.gain[rows], self.cost[rows], self.eligible[rows],
            self.uplift[rows], self.measured, None if self.why_not is None else self.why_not[rows], self.reasons,
        )  # fmt: skip


@dataclass(frozen=True)
class Decisions:
    """What was chosen for each customer, `nothing` included, and with which chance.

    `chosen`: index of the arm; `propensities`: customers x arms, rows add to 1, 0 only where the arm was not eligible
    or the customer is in the holdout; that of the chosen arm is above 0. Money in currency units.
    """

    customer_id: pa.Array
    arms: tuple[str, ...]
    chosen: NDArray[np.int64]
    propensities: Floats
    uplift: Floats
    expected_profit: Floats
    cost: Floats
    holdout: Flags
    reason: pa.Array
    policy_id: str = ""

    def __post_init__(self) -> None:
        n = len(self.customer_id)
        for name in ("chosen", "uplift", "expected_profit", "cost", "holdout", "reason"):
            if len(getattr(self, name)) != n:
                raise UsageError(f"decisions.{name} has {len(getattr(self, name))} rows, not {n}")
        if self.propensities.shape != (n, len(self.arms)) or (
            n and abs(self.propensities.sum(axis=1) - 1).max() > 1e-9
        ):
            raise UsageError("the propensities of a decision must add to 1 over all arms")
        if n and not (self.propensity > 0).all():
            raise UsageError("something was chosen that could not be: its propensity is 0")

    def __len__(self) -> int:
        return len(self.customer_id)

    @cached_property
    def propensity(self) -> Floats:
        """Chance of what was chosen."""
        return self.propensities[np.arange(len(self)), self.chosen]

    def to_arrow(self) -> pa.Table:
        """As the release's `decisions` table."""
        n, k = self.propensities.shape
        arms = pa.StructArray.from_arrays(
            [pa.array(np.tile(np.array(self.arms, dtype=object), n), pa.string()), pa.array(self.propensities.ravel())],
            ["treatment_id", "propensity"],
        )
        listed = pa.ListArray.from_arrays(pa.array(np.arange(0, n * k + 1, k), pa.int32()), arms)
        return RELEASE_DECISIONS.conform(
            pa.table(
                {
                    "customer_id": self.customer_id,
                    "treatment_id": pa.array(list(self.arms), pa.string()).take(pa.array(self.chosen)),
                    "propensity": self.propensity,
                    "arm_propensities": listed,
                    "uplift": pa.array(self.uplift, from_pandas=True),
                    "expected_profit": self.expected_profit,
                    "cost": self.cost,
                    "holdout": self.holdout,
                    "reason": self.reason,
                }
            )
        )
