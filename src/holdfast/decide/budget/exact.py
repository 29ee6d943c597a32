"""The core by branch and bound: the customers whose arm is hardest to tell, all others held (Pisinger 1995, "A minimal
algorithm for the multiple-choice knapsack problem"). With few customers the core is everybody and the plan is the best."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from holdfast.decide.budget.problem import Arms, Problem

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
#: Pairs of customer and arm that branch and bound is asked to decide at once.
CORE = 1_500


def core_rows(problem: Problem, choice: Arms, prices: Floats, pairs: int = CORE) -> Rows:
    """The customers with the nearest second choice, as many as make about so many pairs."""
    most = max(1, pairs // max(problem.arms - 1, 1))
    if problem.customers <= most:
        return np.arange(problem.customers)
    loss = problem.losses(prices, choice)
    loss[choice, np.arange(problem.customers)] = np.inf
    nearest = loss.min(axis=0)
    return np.sort(np.argpartition(nearest, most)[:most])


def solved(problem: Problem, choice: Arms, rows: Rows, within: float, nodes: int) -> tuple[Arms, float] | None:
    """The best arms of these customers while all others keep theirs, and a bound on that; None where none was found.

    `within` is the absolute gap at which the search may stop, `nodes` the most nodes it may open (not seconds: the same
    input gives the same plan on any machine).
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, vstack

    part = problem.take(rows, problem.lines.limit)
    own = part.usage(choice[rows])
    room = problem.lines.limit - (problem.usage(choice) - own)
    arm, column = np.nonzero(np.isfinite(part.gain[1:]))
    arm = arm + 1
    gain = part.gain[arm, column]
    if len(arm) == 0:
        return None
    weights = part.weights(column, arm)
    one = csr_array((np.ones(len(arm)), (column, np.arange(len(arm)))), (len(rows), len(arm)))
    size = np.maximum(np.abs(weights).max(axis=1), 1e-12)
    with _silence():
        found = milp(
            -gain,
            constraints=LinearConstraint(
                vstack([one, csr_array(weights / size[:, None])]),
                -np.inf,
                np.concatenate([np.ones(len(rows)), room / size]),
            ),
            integrality=np.ones(len(arm)),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": within / max(float(np.abs(gain).sum()), 1e-12), "node_limit": nodes},
        )
    if found.x is None:
        return None
    taken = found.x > 0.5
    better = choice.copy()
    better[rows] = 0
    better[rows[column[taken]]] = arm[taken]
    bound = -float(found.mip_dual_bound) if found.mip_dual_bound is not None else np.inf
    return better, bound


@contextmanager
def _silence() -> Iterator[None]:
    """HiGHS 1.12 prints a line of its own now and then, asked or not (ERGO-Code/HiGHS issue 2783); standard output is for
    answers, so it is turned aside for the while, buffers of the C library included."""
    try:
        sys.stdout.flush()
        kept = os.dup(1)
    except (OSError, ValueError, AttributeError):  # no standard output to keep clean
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        with suppress(OSError, TypeError, AttributeError):  # no C library that can be asked: what it holds stays held
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
