"""What each budget would bring: gain, cost and the price of the next currency unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.decide import Options
from holdfast.decide.budget.allocation import Allocation, allocate
from holdfast.decide.budget.limits import Limits


@dataclass(frozen=True)
class Point:
    """One budget: what the best plan found gains and costs, whom it treats, its gap, and what one more unit earns."""

    budget: float
    gain: float
    cost: float
    treated: int
    gap: float
    next_unit: float


def curve(
    options: Options,
    budgets: Sequence[float],
    limits: Limits | None = None,
    *,
    holdout: NDArray[np.bool_] | None = None,
) -> list[Point]:
    """The budget curve, least budget first; a larger budget never gains less. Other limits hold throughout.

    >>> import pyarrow as pa
    >>> gain, cost = np.array([[0, 3.0], [0, 2.0]]), np.array([[0, 1.0], [0, 1.0]])
    >>> options = Options(pa.array(["a", "b"]), ("nothing", "mail"), gain, cost)
    >>> [(one.budget, one.gain) for one in curve(options, [2, 0, 1])]
    [(0.0, 0.0), (1.0, 3.0), (2.0, 5.0)]
    """
    found: list[Point] = []
    plan: Allocation | None = None
    for budget in sorted({float(one) for one in budgets}):
        plan = allocate(options, (limits or Limits()).with_budget(budget), holdout=holdout, than=plan)
        earns = plan.shadow["budget"]
        found.append(Point(budget, plan.gain, plan.cost, plan.treated, plan.gap, earns))
    return found
