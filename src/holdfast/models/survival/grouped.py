"""The likelihood of person-period rows: complementary log-log, so that scores are logs of cumulative hazards.

With f the log of a bin's cumulative hazard and u = seen x exp(f), an order came with probability 1 - exp(-u) and did
not with exp(-u) (Prentice & Gloeckler 1978). It holds for tied and whole-day durations, where a density would not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.models.survival.periods import Periods

Floats = NDArray[np.float64]
#: Logs of cumulative hazards stay inside: exp(-16) of a chance in a bin, or certainty.
_LIMIT = 16.0
#: The prior of a bin's hazard counts as so many orders at the pace of all bins together.
PRIOR_ORDERS = 0.5


def slopes(f: Floats, happened: NDArray[np.bool_], seen: Floats) -> tuple[Floats, Floats]:
    """First derivative and expected second derivative of the negative log-likelihood of each row in f.

    >>> down, bend = slopes(np.array([0.0]), np.array([False]), np.array([0.5]))
    >>> down.tolist(), bend.round(4).tolist()
    ([0.5], [0.3854])
    """
    u = seen * np.exp(np.clip(f, -_LIMIT, _LIMIT))
    ratio = u / np.expm1(np.clip(u, 1e-12, 500.0))  # u / (e^u - 1), near 1 where orders are rare
    return np.where(happened, -ratio, u), np.maximum(u * ratio, 1e-12)


def loss(f: Floats, happened: NDArray[np.bool_], seen: Floats) -> Floats:
    """Negative log-likelihood of each row."""
    u = seen * np.exp(np.clip(f, -_LIMIT, _LIMIT))
    return np.where(happened, -np.log(-np.expm1(-np.maximum(u, 1e-300))), u)


def base_hazards(rows: Periods, weights: Floats, edges: tuple[float, ...]) -> tuple[Floats, int]:
    """Log of the cumulative hazard of each bin over everybody, and how many bins were seen at all.

    Each bin is drawn a little (`PRIOR_ORDERS`) to the pace of all bins, so that a bin without an order has a small
    hazard and not none. A bin that no slice is old enough to show goes on at the pace of the one before it.
    """
    width = np.diff(np.array(edges))
    bins = len(width)
    exposed = np.bincount(rows.bin, weights * rows.seen, bins)
    orders = np.bincount(rows.bin, weights * rows.happened, bins)
    pace = (orders.sum() + PRIOR_ORDERS) / max(float((exposed * width).sum()), 1.0)
    f = np.log(np.clip((orders + PRIOR_ORDERS) / (exposed + PRIOR_ORDERS / (pace * width)), 1e-7, 1.0))
    for _ in range(60):
        down, bend = slopes(f[rows.bin], rows.happened, rows.seen)
        prior = PRIOR_ORDERS * np.exp(f) / (pace * width)
        slope = np.bincount(rows.bin, weights * down, bins) - PRIOR_ORDERS + prior
        step = np.clip(slope / (np.bincount(rows.bin, weights * bend, bins) + prior), -1.0, 1.0)
        f = np.clip(f - step, -_LIMIT, 4.0)
        if float(np.abs(step).max()) < 1e-10:
            break
    seen = int(np.max(np.flatnonzero(exposed > 0), initial=-1)) + 1
    for at in range(max(seen, 1), bins):
        f[at] = f[at - 1] + np.log(width[at] / width[at - 1])
    return np.round(f, 10), seen
