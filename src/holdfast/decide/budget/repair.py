"""From prices to a plan: moves that mend what is over its limit at the least loss, then moves that use what is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.decide.budget.problem import Arms, Problem

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
TRIES = 60
AT_ONCE = 20_000


def repaired(problem: Problem, choice: Arms, prices: Floats) -> Arms:
    """The choice with every limit kept where single moves can do it; the caller checks whether they did."""
    choice = choice.copy()
    limit, used = problem.lines.limit, problem.usage(choice)
    for _ in range(TRIES):
        over = np.flatnonzero(used > limit + 1e-9)
        share = (used[over] - limit[over]) / np.maximum(np.abs(limit[over]), 1.0)
        for line in over[np.argsort(-share, kind="stable")].tolist():
            moved, used = _mend(problem, choice, prices, line, used)
            if moved:  # where one line is stuck, relief of another may free it
                break
        else:
            return choice
    return choice


def _mend(problem: Problem, choice: Arms, prices: Floats, line: int, used: Floats) -> tuple[bool, Floats]:
    """Moves that relieve one line, dearest relief last, until it is kept; none makes another line worse."""
    rows, arms = _pairs(problem, choice, prices, AT_ONCE, line)
    if len(rows) == 0:
        return False, used
    lines, before = problem.lines, choice.copy()
    moved: set[int] = set()
    change = problem.weights(rows, arms) - problem.weights(rows, before[rows].astype(np.int64))
    ceiling = np.maximum(lines.limit + 1e-9, used)
    for place, (row, arm) in enumerate(zip(rows.tolist(), arms.tolist(), strict=True)):
        if row in moved:
            continue
        after = used + change[:, place]
        others = after <= ceiling
        others[line] = True
        if after[line] < used[line] and others.all():
            choice[row] = arm
            moved.add(row)
            used = after
            ceiling = np.maximum(lines.limit + 1e-9, used)
            if used[line] <= lines.limit[line] + 1e-9:
                break
    return bool(moved), problem.usage(choice)


def improved(problem: Problem, choice: Arms, prices: Floats, rounds: int = 6) -> Arms:
    """Moves that gain and fit into what is left of every limit, best by net value first, until none is left."""
    choice = choice.copy()
    limit = problem.lines.limit + 1e-9
    for _ in range(rounds):
        used = problem.usage(choice)
        rows, arms = _pairs(problem, choice, prices, 4_000, None)
        if len(rows) == 0:
            return choice
        now = choice[rows].astype(np.int64)
        change = problem.weights(rows, arms) - problem.weights(rows, now)
        fits = np.flatnonzero((used[:, None] + change <= limit[:, None]).all(axis=0))
        moved: set[int] = set()
        for place in fits.tolist():
            row = int(rows[place])
            after = used + change[:, place]
            if row not in moved and (after <= limit).all():
                choice[row] = arms[place]
                moved.add(row)
                used = after
        if not moved:
            return choice
    return choice


def _pairs(problem: Problem, choice: Arms, prices: Floats, most: int, line: int | None) -> tuple[Rows, Rows]:
    """Customers and other arms worth trying, the least loss of net value first: those that relieve a line (by what the
    relief costs), or where none is named those that gain."""
    loss = problem.losses(prices, choice)
    if line is None:
        now = problem.gain[choice, np.arange(problem.customers)]
        wanted = problem.gain > now + 1e-12
    else:
        relief = _relief(problem, choice, line)
        wanted = (relief > 1e-12) & np.isfinite(loss)
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = loss / relief
    flat = np.flatnonzero(wanted)
    score = loss.ravel()[flat]
    if len(flat) > most:
        near = np.argpartition(score, most)[:most]
        flat, score = flat[near], score[near]
    order = np.lexsort((flat, score))
    found = flat[order]
    return found % problem.customers, found // problem.customers


def _relief(problem: Problem, choice: Arms, line: int) -> Floats:
    """How much of one line each other arm would give back, arms x customers."""
    count, money = problem.lines.count[line], problem.lines.money[line]
    cell = np.zeros(1, np.int64) if problem.cells == 1 else problem.cell
    taken = count[cell].T if count.any() else np.zeros((problem.arms, 1))
    if money.any():
        taken = taken + money[cell].T * problem.cost
    taken = np.broadcast_to(taken, problem.gain.shape)
    return np.asarray(taken[choice, np.arange(problem.customers)] - taken, np.float64)
