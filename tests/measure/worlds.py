"""Trials whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Horizon
from holdfast.core.trials import OUTCOMES, Trial

MONEY = 10_000


def trial(
    arm: Any, orders: Any, *, revenue: Any = None, before: Any = None, propensities: Any = None, who: Any = None,
    campaign: Any = None, closed: Any = None, cohort: Any = None, arms: tuple[str, ...] = ("nothing", "mail"), **after: Any,
) -> Trial:  # fmt: skip
    """A trial from plain columns; money in currency units."""
    arm = np.asarray(arm, np.int64)
    n = len(arm)
    zeros = np.zeros(n)
    revenue = np.asarray(orders, float) if revenue is None else np.asarray(revenue, float)
    found = dict.fromkeys(OUTCOMES, zeros) | {
        "ordered": (np.asarray(orders) > 0).astype(float), "orders": np.asarray(orders, float),
        "revenue": revenue * MONEY, "margin": np.rint(0.4 * revenue * MONEY),
    }  # fmt: skip
    past = zeros if before is None else np.asarray(before, float)
    share = np.full((n, len(arms)), 1 / len(arms)) if propensities is None else np.asarray(propensities)
    names = [f"c{one:06d}" for one in (np.arange(n) if who is None else who)]
    groups = np.zeros(n, np.int64) if campaign is None else np.asarray(campaign, np.int64)
    campaigns = tuple(f"campaign-{one}" for one in range(int(groups.max(initial=0)) + 1))
    return Trial(
        pa.array(names, pa.string()), groups, campaigns, arm, arms, share, np.zeros(n, np.int64),
        np.zeros(n, np.int64) if cohort is None else np.asarray(cohort, np.int64), Horizon.parse("30d"),
        {"orders": past, "revenue": past * 10 * MONEY}, found | {k: np.asarray(v, float) for k, v in after.items()},
        np.full(n, 100.0) * (arm > 0), np.ones(n, bool) if closed is None else np.asarray(closed), np.zeros(n, bool),
    )  # fmt: skip
