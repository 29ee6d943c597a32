"""How much a customer buys on deals, and at what price level; both shrunk, from what was known before the cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_WEAKEST, _STRONGEST = 2.0, 200.0


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """`deal_share`: share of orders on a deal, shrunk to the shop's `usual`; `high`/`low` flag who is surely off it."""

    deal_share: Floats
    usual: float
    strength: float
    high: NDArray[np.bool_]
    low: NDArray[np.bool_]


def sensitivity(orders: Floats, deals: Floats) -> Sensitivity:
    """Beta-binomial shrinkage by moments; NaN for who never ordered, and for everybody where the shop knows no deals.

    >>> found = sensitivity(np.array([10.0, 10, 10, 0]), np.array([9.0, 1, 2, 0]))
    >>> bool(found.deal_share[0] > 0.5 > found.deal_share[1]), bool(np.isnan(found.deal_share[3]))
    (True, True)
    """
    n, k = np.nan_to_num(orders), np.nan_to_num(deals)
    bought = n > 0
    usual = float(k.sum() / n.sum()) if bought.any() else 0.0
    if not 0 < usual < 1:
        nothing, nobody = np.full(len(n), np.nan), np.zeros(len(n), bool)
        return Sensitivity(nothing, usual, np.inf, nobody, nobody)
    strength = _strength(n[bought], k[bought], usual)
    share = np.where(bought, (k + strength * usual) / (n + strength), np.nan)
    spread = np.sqrt(share * (1 - share) / (n + strength + 1))
    high = np.nan_to_num(share - 1.2816 * spread) > usual
    low = bought & (np.nan_to_num(share + 1.2816 * spread, nan=1.0) < usual)
    return Sensitivity(share, usual, strength, high & bought, low)


def _strength(n: Floats, k: Floats, usual: float) -> float:
    """How many of the shop's orders an own share is shrunk with: the more alike customers are, the more."""
    several = n >= 2
    if several.sum() < 2:
        return 10.0
    m, x = n[several], k[several]
    spread = (x - m * usual) ** 2 / (m * usual * (1 - usual))
    rho = float(((spread - 1) * (m - 1)).sum() / ((m - 1) ** 2).sum())
    return float(np.clip(1 / max(rho, 1e-6) - 1, _WEAKEST, _STRONGEST))


def price_level(log_level: Floats, lines: Floats, strength: float = 5.0) -> Floats:
    """Prices paid against the usual of the same categories (1 is usual), shrunk by `strength` lines of the usual.

    >>> price_level(np.array([np.log(2.0)]), np.array([5.0])).round(3).tolist()
    [1.414]
    """
    n = np.nan_to_num(lines)
    return np.asarray(np.where(n > 0, np.exp(np.nan_to_num(log_level) * n / (n + strength)), np.nan))
