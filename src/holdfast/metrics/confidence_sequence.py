"""Intervals that hold however often one looks: confidence sequences by the normal mixture.

An estimate whose standard error is s, computed from n customers, is bounded at every n at once by +- m(n) s with

    m(n) = sqrt((1 + n r) / (n r) x (log(1 + n r) + 2 log(1 / alpha))),    n r = n / planned x k,

where k = -2 log(alpha) + log(1 - 2 log(alpha)) makes the sequence about as narrow as it can be at the planned n.
The variance is the empirical one, so the guarantee is asymptotic: it needs the central limit theorem from the first
look on, and looks before that are refused (`measure.always_valid`). Robbins (1970), Annals of Mathematical Statistics 41;
Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory", Annals of Statistics 52.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

__all__ = ["multiplier", "ratio_p_value"]


def multiplier(n: Any, planned: float, alpha: float = 0.05) -> NDArray[np.float64]:
    """Standard errors on each side of the estimate, at n customers; `planned`: the n it is tuned to.

    Raises `UsageError` where `planned` or `alpha` makes no sense. The price of looking at will, at the planned n:

    >>> multiplier(1000, planned=1000).round(1).item()
    3.0
    """
    if not planned > 0 or not 0 < alpha < 1:
        raise UsageError(f"a confidence sequence needs planned > 0 and 0 < alpha < 1, not {planned}, {alpha}")
    best = -2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))
    nr = np.asarray(n, np.float64) / planned * best
    return np.asarray(np.sqrt((1 + nr) / nr * (np.log1p(nr) + 2 * np.log(1 / alpha))))


def ratio_p_value(counts: NDArray[Any], shares: NDArray[np.float64], strength: float = 100.0) -> float:
    """Always-valid p-value of "customers fall into arms with these shares": 1 / Bayes factor, at most 1.

    Against a Dirichlet prior around the shares, worth `strength` customers. Lindon & Malek (2022), "Anytime-valid
    inference for multinomial count data", NeurIPS. The smallest of the p-values of all looks is a p-value as well.

    >>> ratio_p_value(np.array([500, 500]), np.array([0.5, 0.5])) > 0.5
    True
    >>> ratio_p_value(np.array([600, 400]), np.array([0.5, 0.5])) < 0.001
    True
    """
    from scipy.special import gammaln

    seen, prior = np.asarray(counts, np.float64), strength * np.asarray(shares, np.float64)
    if (seen[prior <= 0] > 0).any():
        return 0.0
    seen, prior = seen[prior > 0], prior[prior > 0]
    log_bayes = (
        gammaln(prior.sum()) - gammaln(prior.sum() + seen.sum()) + (gammaln(prior + seen) - gammaln(prior)).sum()
        - (seen * np.log(prior / prior.sum())).sum()
    )  # fmt: skip
    return float(np.exp(min(0.0, -log_bayes)))
