"""Prices of the limits: the Lagrangian dual, solved by cutting planes in a moving box.

The dual is convex and piecewise linear. Each look at the customers gives its value and a slope, hence a plane beneath
it (Kelley 1960); the lowest point of all planes within a box around the best prices so far is looked at next (Marsten,
Hogan & Blankenship 1975, "The Boxstep method for large-scale optimization"). Prices are first found on a few customers,
then on more, at last on all: a sample has nearly the same prices, so few looks at everybody are needed. Every dual
value is a bound, whether or not the search has come to its end.

The weights of the planes at the end mix the plans found under way into one that keeps the limits but for fractions
(Dantzig & Wolfe 1960): where thousands of customers are exactly alike, prices alone cannot split them, the mix can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.decide.budget.problem import Arms, Problem

Floats = NDArray[np.float64]
SAMPLES = (4_000, 60_000)
CUTS = 300
WIDER = 12


@dataclass(frozen=True)
class Prices:
    """`price` of each line per unit, `bound` on the gain of any plan, and the plans to mix with their weights."""

    price: Floats
    bound: float
    plans: tuple[Floats, ...]
    weights: Floats
    looks: int


def prices_of(problem: Problem) -> Prices:
    """Prices of all lines, found on samples first. Customers must stand in an order that tells nothing about them."""
    lines = problem.lines
    if not len(lines) or not problem.customers:
        return _free(problem)
    total, choice = problem.priced(np.zeros(len(lines)))
    if lines.kept(problem.usage(choice)):
        return Prices(np.zeros(len(lines)), total, (np.zeros(len(lines)),), np.ones(1), 1)
    unit = _units(problem)
    scale = total / problem.customers or 1.0
    box = _Box(np.zeros(len(lines)), np.full(len(lines), 0.5))
    last: _Search | None = None
    for size, within in _levels(problem.customers):
        part = problem if size == problem.customers else problem.take(slice(size), lines.limit * size / problem.customers)  # fmt: skip
        last = _Search(part, unit * size / problem.customers, scale, box)
        last.run(within)
        box = _Box(last.best, np.maximum(8 / np.sqrt(size) * last.best, 3e-4))
    assert last is not None  # noqa: S101  (there is always a last level)
    return last.prices()


def _free(problem: Problem) -> Prices:
    none = np.zeros(len(problem.lines))
    return Prices(none, problem.priced(none)[0] if problem.customers else 0.0, (none,), np.ones(1), 1)


def _levels(customers: int) -> Iterator[tuple[int, float]]:
    """How many customers to look at, and how near (share of the value) to come."""
    for size in SAMPLES:
        if size * 3 < customers:
            yield size, 3e-5
    yield customers, 1e-7 if customers < SAMPLES[1] else 2e-6


def _units(problem: Problem) -> Floats:
    """Of each line the amount that prices are quoted for: its limit, so that a price is at most the whole gain."""
    lines = problem.lines
    everybody = problem.lines.usage(*_all_treated(problem))
    return np.where(np.abs(lines.limit) > 0, np.abs(lines.limit), np.maximum(np.abs(everybody), 1.0))


def _all_treated(problem: Problem) -> tuple[Floats, Floats]:
    open_ = np.isfinite(problem.gain[1:]).any(axis=0)
    choice = np.where(open_, 1 + np.isfinite(problem.gain[1:]).argmax(axis=0), 0).astype(np.int16)
    return problem.totals(choice)


@dataclass(frozen=True)
class _Box:
    centre: Floats
    radius: Floats


class _Search:
    """Cutting planes over one problem; prices in shares of the mean value a customer."""

    def __init__(self, problem: Problem, unit: Floats, scale: float, box: _Box) -> None:
        self.problem, self.scale = problem, scale
        self.unit, self.size = unit, problem.customers
        self.radius = box.radius.copy()
        self.at: list[Floats] = []
        self.value: list[float] = []
        self.slope: list[Floats] = []
        self.mix = np.ones(1)
        self.best, self.low = box.centre, np.inf
        self.look(box.centre)

    def real(self, prices: Floats) -> Floats:
        return prices * self.scale * self.size / self.unit

    def look(self, prices: Floats) -> float:
        lines = self.problem.lines
        total, choice = self.problem.priced(self.real(prices))
        room = (lines.limit - self.problem.usage(choice)) / self.unit
        value = total / self.scale / self.size + float(prices @ (lines.limit / self.unit))
        self.at.append(prices)
        self.value.append(value)
        self.slope.append(room)
        if value < self.low:
            self.low, self.best = value, prices
        return value

    def run(self, within: float) -> None:
        """Look until the planes promise less than `within` (share of the value) below the best, in any box."""
        widened = 0
        while len(self.at) < CUTS:
            found = self.lowest()
            if found is None:
                return
            prices, promised, at_wall = found
            before = self.low
            if before - promised <= within * max(abs(before), 1e-9):
                if not at_wall or widened >= WIDER:
                    return
                self.radius, widened = self.radius * 4.0, widened + 1  # near enough in this box: ask a larger one
                continue
            value = self.look(prices)
            if before - value > 0.3 * (before - promised):
                self.radius = self.radius * (3.0 if at_wall else 1.0)
            elif value > before:
                self.radius = np.maximum(self.radius * 0.6, 1e-9)

    def lowest(self) -> tuple[Floats, float, bool] | None:
        """The lowest point of all planes in the box; whether the box itself holds it up."""
        from scipy.optimize import linprog

        slope = np.array(self.slope)
        flat = np.array(self.value) - np.einsum("ij,ij->i", slope, np.array(self.at))
        left, right = np.maximum(self.best - self.radius, 0.0), self.best + self.radius
        # shifted to the box's corner, and by the best value, so that the solver's tolerances are small against both
        shift = flat + slope @ left - self.low
        rows = np.column_stack([slope, -np.ones(len(slope))])
        bounds = [*((0.0, float(wide)) for wide in right - left), (None, None)]
        cost = np.zeros(len(left) + 1)
        cost[-1] = 1.0
        found = linprog(cost, rows, -shift, bounds=bounds, method="highs")
        if found.status != 0:
            return None
        self.mix = np.maximum(-found.ineqlin.marginals, 0.0)
        step, edge = found.x[:-1], 1e-9 * (right - left)
        wall = bool(((step >= right - left - edge) | ((step <= edge) & (left > 0))).any())
        return left + step, self.low + float(found.x[-1]), wall

    def prices(self) -> Prices:
        used = np.flatnonzero(self.mix > 1e-9)
        if len(used) == 0:
            used, self.mix = np.array([int(np.argmin(self.value))]), np.ones(len(self.at))
        weights = self.mix[used] / self.mix[used].sum()
        bound = self.low * self.scale * self.size
        plans = tuple(self.real(self.at[one]) for one in used)
        return Prices(self.real(self.best), bound, plans, weights, len(self.at))


def mixed_plan(problem: Problem, prices: Prices) -> Arms:
    """The plans of the cutting planes, mixed by their weights along the customers as evenly as can be."""
    choice = problem.priced(prices.plans[0])[1]
    place = (np.arange(problem.customers) * 0.6180339887498949) % 1.0  # Weyl's sequence: even at every length
    reached = np.cumsum(prices.weights)
    for k, plan in enumerate(prices.plans[1:], start=1):
        turn = (place >= reached[k - 1]) & (place < (reached[k] if k < len(reached) - 1 else 2.0))
        choice[turn] = problem.priced(plan)[1][turn]
    return choice
