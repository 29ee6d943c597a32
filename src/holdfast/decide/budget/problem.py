"""The planning problem as arrays: arms by customers, gains, money in millionths, and lines over cells and arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.core.decide import Options
from holdfast.decide.budget.limits import MICRO, Lines

Floats = NDArray[np.float64]
Arms = NDArray[np.int16]
Rows = NDArray[np.int64]
#: Customers looked at together: small enough for a processor's cache.
BLOCK = 1 << 14


@dataclass(frozen=True)
class Problem:
    """`gain`, `cost` (millionths): arms x customers, gain -inf where an arm is closed; row 0 is `nothing`, all zero."""

    gain: Floats
    cost: Floats
    cell: NDArray[np.int64]
    lines: Lines

    @property
    def customers(self) -> int:
        return int(self.gain.shape[1])

    @property
    def arms(self) -> int:
        return int(self.gain.shape[0])

    @property
    def cells(self) -> int:
        return int(self.lines.count.shape[1])

    def take(self, rows: Rows | slice, limit: Floats) -> Problem:
        """Some of the customers under other limits."""
        return Problem(
            np.ascontiguousarray(self.gain[:, rows]), np.ascontiguousarray(self.cost[:, rows]), self.cell[rows],
            replace(self.lines, limit=limit, cell=self.cell[rows]),
        )  # fmt: skip

    def totals(self, choice: Arms) -> tuple[Floats, Floats]:
        """Customers and money by cell and arm under a choice."""
        place = self.cell * self.arms + choice if self.cells > 1 else choice.astype(np.int64)
        size, shape = self.cells * self.arms, (self.cells, self.arms)
        customers = np.bincount(place, minlength=size).astype(np.float64)
        spent = self.cost[choice, np.arange(self.customers)]
        money = np.bincount(place, spent, size).astype(np.float64)
        return customers.reshape(shape), money.reshape(shape)

    def usage(self, choice: Arms) -> Floats:
        return self.lines.usage(*self.totals(choice))

    def value(self, choice: Arms) -> float:
        """Planned gain."""
        return float(self.gain[choice, np.arange(self.customers)].sum())

    def weights(self, rows: Rows, arms: NDArray[np.int64]) -> Floats:
        """What one customer in an arm takes of each line: K x pairs."""
        cell, lines = self.cell[rows], self.lines
        return np.asarray(lines.count[:, cell, arms] + lines.money[:, cell, arms] * self.cost[arms, rows], np.float64)

    def priced(self, prices: Floats) -> tuple[float, Arms]:
        """At these prices of the lines: the sum of everybody's best value net of prices, and everybody's best arm.

        With the prices' worth of the limits this is the Lagrangian dual: no plan within the limits gains more.
        """
        of_one, of_money = self.price_tables(prices)
        choice = np.zeros(self.customers, np.int16)
        total = 0.0
        for start in range(0, self.customers, BLOCK):
            part = slice(start, min(start + BLOCK, self.customers))
            best = np.zeros(part.stop - start)
            for arm in range(1, self.arms):
                value = self._net(arm, part, of_one, of_money)
                better = value > best
                np.copyto(best, value, where=better)
                np.putmask(choice[part], better, arm)
            total += float(best.sum())
        return total, choice

    def losses(self, prices: Floats, choice: Arms) -> Floats:
        """How much net value each other arm would lose, arms x customers, against what was chosen; inf where closed."""
        of_one, of_money = self.price_tables(prices)
        found = np.empty(self.gain.shape)
        for start in range(0, self.customers, BLOCK):
            part = slice(start, min(start + BLOCK, self.customers))
            found[0, part] = 0.0
            for arm in range(1, self.arms):
                found[arm, part] = self._net(arm, part, of_one, of_money)
            chosen = np.take_along_axis(found[:, part], choice[None, part].astype(np.int64), axis=0)
            np.subtract(chosen, found[:, part], out=found[:, part])
        return found

    def price_tables(self, prices: Floats) -> tuple[Floats, Floats]:
        """Price of one customer, and of a millionth spent, by cell and arm."""
        return np.tensordot(prices, self.lines.count, 1), np.tensordot(prices, self.lines.money, 1)

    def _net(self, arm: int, part: slice, of_one: Floats, of_money: Floats) -> Floats:
        if self.cells == 1:
            value: Floats = self.cost[arm, part] * -of_money[0, arm]
            value += self.gain[arm, part]
            value -= of_one[0, arm]
            return value
        cell = self.cell[part]
        value = self.cost[arm, part] * of_money[cell, arm]
        value += of_one[cell, arm]
        return np.asarray(self.gain[arm, part] - value, np.float64)


def problem_of(options: Options, lines: Lines, order: Rows, closed: NDArray[np.bool_] | None = None) -> Problem:
    """Customers in this order; `closed` rows get nothing. Cost is rounded up to a millionth."""
    shape = options.gain.shape[::-1]
    gain, cost = np.empty(shape), np.empty(shape)
    for start in range(0, len(order), BLOCK):
        part = slice(start, min(start + BLOCK, len(order)))
        rows = order[part]
        may = options.eligible[rows] if closed is None else options.eligible[rows] & ~closed[rows, None]
        gain[:, part] = np.where(may, options.gain[rows], -np.inf).T
        cost[:, part] = np.where(may, np.ceil(options.cost[rows] * MICRO - 1e-3), 0.0).T
    gain[0] = 0.0
    cell = lines.cell[order]
    return Problem(gain, cost, cell, replace(lines, cell=cell))


def worthwhile(problem: Problem) -> tuple[Problem, Rows, Floats]:
    """Only what can belong to a best plan: where every line only forbids, an arm that gains nothing never does, nor
    does one that takes of a line with no room at all. Also the rows of the customers who have something left, and the
    price of each line without room: the most that its first unit could earn."""
    lines = problem.lines
    price = np.zeros(len(lines))
    if not lines.cap.all():
        return problem, np.arange(problem.customers), price
    gain = problem.gain.copy()
    gain[1:][gain[1:] <= 0] = -np.inf
    for k in np.flatnonzero(lines.limit <= 0):
        for arm in range(1, problem.arms):
            taken = lines.count[k, problem.cell, arm] + lines.money[k, problem.cell, arm] * problem.cost[arm]
            lost = taken > 0
            price[k] = max(price[k], (problem.gain[arm, lost] / taken[lost]).max(initial=0.0))
            gain[arm, lost] = -np.inf
    rows = np.flatnonzero((gain[1:] > 0).any(axis=0)) if problem.arms > 1 else np.zeros(0, np.int64)
    cell = problem.cell[rows]
    kept = Problem(gain.take(rows, 1), problem.cost.take(rows, 1), cell, replace(lines, cell=cell))
    return kept, rows, price
