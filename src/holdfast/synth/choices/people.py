"""Customers of a world of choices: ten correlated features of mixed kinds, each a function of a level in [0, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Features in the order of the columns of `x`.
FEATURES: tuple[str, ...] = (
    "overdue_ratio", "order_count", "spend", "visit_count_30d", "discount_share",
    "open_share", "ticket_count", "member", "platform", "age_days",
)  # fmt: skip
#: How many values a feature takes; 0: continuous.
LEVELS: tuple[int, ...] = (0, 12, 0, 10, 0, 0, 3, 2, 3, 0)
_FACTORS = 3


def levels(n: int, random: np.random.Generator) -> Floats:
    """n x 10 levels in [0, 1]: uniform margins, correlated through three factors, coarse where the feature is.

    The correlation belongs to the kind of world, not to the draw: it is the same in all of them.
    """
    from scipy.special import ndtr

    fixed = np.random.default_rng(20_111)
    loads = fixed.normal(0.0, 1.0, (len(LEVELS), _FACTORS))
    loads *= (fixed.uniform(0.3, 0.8, len(LEVELS)) / np.linalg.norm(loads, axis=1))[:, None]
    own = np.sqrt(1 - (loads**2).sum(axis=1))
    z = random.normal(size=(n, _FACTORS)) @ loads.T + own * random.normal(size=(n, len(LEVELS)))
    u: Floats = np.asarray(ndtr(z), np.float64)
    for at, count in enumerate(LEVELS):
        if count:
            u[:, at] = (np.minimum(np.floor(u[:, at] * count), count - 1) + 0.5) / count
    u[:, 4] = np.where(u[:, 4] < 0.3, 0.15, u[:, 4])  # three in ten never bought at a discount
    return u


def features(u: Floats) -> Floats:
    """What a model may see: counts, money, shares, flags and a platform code. Every level can be told from it."""
    count = [np.floor(u[:, at] * (levels or 1)) for at, levels in enumerate(LEVELS)]
    bought_cheap = np.clip((u[:, 4] - 0.3) / 0.7, 0.0, None) ** 1.5
    platform = np.array([2.0, 0.0, 1.0])[count[8].astype(np.int64)]  # a code says nothing about order
    return np.column_stack(
        [
            -1.2 * np.log1p(-u[:, 0]), 1 + count[1] ** 1.4, 20 * u[:, 2] / (1.02 - u[:, 2]), count[3], bought_cheap,
            u[:, 5], count[6], count[7], platform, 30 + 1200 * u[:, 9] ** 1.3,
        ]
    )  # fmt: skip
