"""The budget: one treatment for each customer so that the plan gains most within its limits, with a certificate.

A multiple-choice knapsack with several linear limits, by its Lagrangian dual (`dual`), repair and improvement
(`repair`) and branch and bound over the customers that are hard to tell (`exact`).
"""

from holdfast.decide.budget.allocation import Allocation, allocate
from holdfast.decide.budget.curve import Point, curve
from holdfast.decide.budget.limits import Bound, Limits

__all__ = ["Allocation", "Bound", "Limits", "Point", "allocate", "curve"]
