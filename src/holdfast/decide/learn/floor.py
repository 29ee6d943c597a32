"""What no learner may do: forget an arm, or bet more than was allowed.

The bound is that of conservative bandits (Wu et al. 2016; Kazerouni et al. 2017), taken over the total of a batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: How many sizes of the released part are tried.
STEPS = 40


def mixed(shares: Floats, eligible: Flags, epsilon: float) -> Floats:
    """Chances with `epsilon` of the whole spread over the eligible arms, so that each keeps at least epsilon / arms.

    >>> mixed(np.array([[0.0, 1.0, 0.0]]), np.array([[True, True, False]]), 0.1).round(3).tolist()
    [[0.05, 0.95, 0.0]]
    """
    if not 0 < epsilon <= 1:
        raise UsageError(f"epsilon is {epsilon}", remedy="a share above 0 and at most 1; without it nothing is learnt")
    open_to = eligible / eligible.sum(axis=1, keepdims=True)
    found = (1 - epsilon) * shares + epsilon * open_to
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def safe_arm(mean: Floats, error: Floats, z: float) -> int:
    """The arm to fall back on: the best uniform one that beats `nothing` by its lower bound, or `nothing`.

    `mean`, `error`: value of giving everybody each arm and its standard error.

    >>> safe_arm(np.array([1.0, 1.5, 3.0]), np.array([0.1, 0.1, 2.0]), 1.645)
    1
    """
    bound = mean - mean[0] - z * np.sqrt(error**2 + error[0] ** 2)
    bound[0] = 0.0
    return int(np.nan_to_num(bound, nan=-np.inf).argmax())


def promised(
    design: Floats, change: Floats, order: NDArray[np.int64], theta: Floats, spread: Floats, z: float
) -> tuple[NDArray[np.int64], Floats]:
    """Numbers of rows released, and the lower bound of the total gain when the first so many of `order` are.

    `design` n x d; `change` n x k, chances proposed less those of the fallback; `theta` k x d; `spread` k x d x d.
    The bound is one of a fixed policy only if `theta` comes from other rows than `change` and `order`.
    """
    gain = (change * (design @ theta.T)).sum(axis=1)
    sizes = np.unique(np.linspace(0, len(design), STEPS + 1).astype(np.int64))
    bounds = np.zeros(len(sizes))
    total = np.zeros((change.shape[1], design.shape[1]))
    for at in range(1, len(sizes)):
        rows = order[sizes[at - 1] : sizes[at]]
        total += change[rows].T @ design[rows]
        error = np.sqrt(max(float(np.einsum("ki,kij,kj->", total, spread, total)), 0.0))
        bounds[at] = gain[order[: sizes[at]]].sum() - z * error
    return sizes, bounds


def released(sizes: NDArray[np.int64], bounds: Floats, tolerance: float) -> int:
    """How many rows the learner may decide: as many as keep the bound at or above -`tolerance` (money per customer).

    >>> released(np.array([0, 50, 100]), np.array([0.0, 3.0, -30.0]), tolerance=0.1)
    50
    """
    kept = np.flatnonzero(bounds >= -tolerance * max(int(sizes[-1]), 1) - 1e-9)
    return int(sizes[kept[-1]])
