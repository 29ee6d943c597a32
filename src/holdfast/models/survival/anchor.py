"""Curves that meet the published p_churn: bent through the hazard, so they stay curves.

Where another model or the ensemble won, survival at the horizon must still be its p_churn: each customer's hazard is
multiplied by one factor of its own, for all days, so that the curve passes through that point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Duration
from holdfast.core.errors import UsageError
from holdfast.models.survival.periods import RELEASE_DAYS

Floats = NDArray[np.float64]
#: A p_churn of 0 bends the days before the horizon as this one would.
_NEARLY_NEVER = 1e-9


def at_day(survival: Floats, day: float, days: tuple[int, ...] = RELEASE_DAYS) -> Floats:
    """Survival at any day: cumulative hazard straight between the days, from 0 at day 0, and on beyond the last.

    >>> at_day(np.array([[0.9, 0.8]]), 10.5, (7, 14)).round(4).tolist()
    [0.8485]
    """
    grown = np.hstack([np.zeros((len(survival), 1)), _cumulative(survival)])
    edges = np.array((0, *days), np.float64)
    last = int(np.clip(np.searchsorted(edges, day, side="left"), 1, len(edges) - 1))
    share = (day - edges[last - 1]) / (edges[last] - edges[last - 1])
    return np.asarray(np.exp(-(grown[:, last - 1] + share * (grown[:, last] - grown[:, last - 1]))))


def anchored(survival: Floats, horizon: Duration, p_churn: Floats, days: tuple[int, ...] = RELEASE_DAYS) -> Floats:
    """Rows x days, bent so that survival at the horizon is `p_churn`, falling from day to day, in [0, 1].

    A p_churn of 1 leaves no hazard before the horizon, and the curve's own after it; one of 0 leaves nobody from the
    horizon on. A curve without any hazard before the horizon gets the same hazard every day.

    >>> curves = anchored(np.array([[0.9, 0.8, 0.6]]), Duration.parse("14d"), np.array([0.64]), (7, 14, 30))
    >>> curves.round(3).tolist()
    [[0.81, 0.64, 0.36]]
    """
    said = np.asarray(p_churn, np.float64)
    if said.shape != (len(survival),) or not bool(np.all((said >= 0) & (said <= 1))):
        raise UsageError(f"p_churn must be {len(survival)} probabilities in [0, 1]")
    asked, edges = float(horizon.days), np.array(days, np.float64)
    grown = _cumulative(survival)
    own = -np.log(np.maximum(at_day(survival, asked, days), 1e-300))
    flat = own <= 1e-12
    grown = np.where(flat[:, None], edges / asked, grown)
    own = np.where(flat, 1.0, own)
    bent = np.exp(-grown * (-np.log(np.maximum(said, _NEARLY_NEVER)) / own)[:, None])
    sure = np.where(edges <= asked, 1.0, np.exp(-np.maximum(grown - own[:, None], 0.0)))
    bent = np.where((said == 1)[:, None], sure, bent)
    bent = np.where((said == 0)[:, None] & (edges >= asked), 0.0, bent)
    bent[:, edges == asked] = said[:, None]  # to the last digit
    before, after = edges < asked, edges > asked
    bent[:, before] = np.maximum(bent[:, before], said[:, None])
    bent[:, after] = np.minimum(bent[:, after], said[:, None])
    return np.asarray(np.clip(bent, 0.0, 1.0))


def median_days(survival: Floats, days: tuple[int, ...] = RELEASE_DAYS) -> Floats:
    """The first day by which the next order is as likely as not; NaN where that lies beyond the last day.

    The mean is not given: it is infinite when customers can leave for good.

    >>> median_days(np.array([[0.75, 0.25], [0.9, 0.8]]), (7, 14)).round(2).tolist()
    [9.58, nan]
    """
    grown = np.hstack([np.zeros((len(survival), 1)), _cumulative(survival)])
    edges = np.array((0, *days), np.float64)
    half = float(np.log(2.0))
    reached = grown >= half - 1e-12
    last = np.maximum(reached.argmax(axis=1), 1)
    row = np.arange(len(survival))
    below, above = grown[row, last - 1], grown[row, last]
    share = np.divide(half - below, above - below, out=np.ones(len(row)), where=above > below)
    found = edges[last - 1] + np.clip(share, 0.0, 1.0) * (edges[last] - edges[last - 1])
    return np.asarray(np.where(reached.any(axis=1), found, np.nan))


def _cumulative(survival: Floats) -> Floats:
    return -np.log(np.clip(np.asarray(survival, np.float64), 1e-300, 1.0))
