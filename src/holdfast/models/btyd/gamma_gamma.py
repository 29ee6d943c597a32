"""Gamma-Gamma: what an order of each customer is worth (Fader & Hardie 2013, "The Gamma-Gamma model of monetary value").

The value of an order is gamma with shape p at a rate nu ~ Gamma(q, gamma) of the customer's own, whatever their number of
orders. With x orders of mean z:

    L = Gamma(px + q) / (Gamma(px) Gamma(q)) gamma^q z^(px - 1) x^px / (gamma + x z)^(px + q)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from holdfast.core.errors import HoldfastError, TooLittleData, UsageError
from holdfast.core.text import Text
from holdfast.models.btyd.maximise import maximise
from holdfast.models.btyd.rows import Floats
from holdfast.models.pack import pack, unpack

LEAST_REPEATERS = 10
#: Beyond this correlation of frequency and value the model's assumption is said to be broken.
_CORRELATED = 0.15


@dataclass(frozen=True)
class GammaGammaFit:
    """p, q and gamma (money) with standard errors on the log scale, and how independent value is of frequency."""

    p: float
    q: float
    gamma: float
    covariance: Floats = field(repr=False)
    log_likelihood: float
    customers: int
    dropped: int
    correlation: float

    @property
    def parameters(self) -> dict[str, float]:
        return {"p": self.p, "q": self.q, "gamma": self.gamma}

    @property
    def standard_errors(self) -> dict[str, float | None]:
        """By the delta method; None where the likelihood is flat."""
        errors = np.sqrt(np.diag(self.covariance)) * np.array([self.p, self.q, self.gamma])
        return {n: float(e) if np.isfinite(e) else None for n, e in zip(self.parameters, errors, strict=True)}

    @property
    def population_value(self) -> float | None:
        """Mean order value over customers, p gamma / (q - 1); None where it is infinite (q <= 1)."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else None

    @property
    def independent(self) -> bool:
        """Whether frequency and value are nearly uncorrelated, as the model assumes."""
        return abs(self.correlation) <= _CORRELATED

    @property
    def note(self) -> Text:
        """What the check of that assumption found."""
        r = f"{self.correlation:+.2f}"
        if self.independent:
            return Text(
                f"Customers who order more often do not spend notably more or less an order (correlation {r}).",
                f"下单频率与单笔金额几乎不相关（相关系数{r}）。",
            )
        return Text(
            f"Customers who order more often spend differently an order (correlation {r}): their expected order value is biased.",
            f"下单频率与单笔金额相关（相关系数{r}），据此估计的单笔金额有偏差。",
        )

    def expected_value(self, frequency: Any, monetary_value: Any) -> Floats:
        """Expected value of a customer's next order, in currency: their own mean, shrunk to the population's.

        Customers without a repeat order get the population's mean. NaN where that mean is infinite.
        """
        x, z = _columns(frequency, monetary_value)
        seen = (x > 0) & (z > 0)
        x, z = np.where(seen, x, 0.0), np.where(seen, z, 0.0)
        heavy = self.p * x + self.q - 1
        return np.asarray(np.where(heavy > 0, self.p * (self.gamma + x * z) / np.where(heavy > 0, heavy, 1.0), np.nan))

    def to_bytes(self) -> bytes:
        covariance = [[float(v) if np.isfinite(v) else None for v in row] for row in self.covariance]
        return pack(
            "gamma_gamma", p=self.p, q=self.q, gamma=self.gamma, covariance=covariance,
            log_likelihood=self.log_likelihood, customers=self.customers, dropped=self.dropped,
            correlation=self.correlation,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> GammaGammaFit:
        saved = unpack(data)
        covariance = np.array([[np.nan if v is None else v for v in row] for row in saved["covariance"]])
        numbers = {name: float(saved[name]) for name in ("p", "q", "gamma", "log_likelihood", "correlation")}
        return cls(covariance=covariance, customers=int(saved["customers"]), dropped=int(saved["dropped"]), **numbers)


@dataclass(frozen=True)
class GammaGamma:
    """Maximum likelihood on customers with a repeat order.

    >>> z = np.array([10.0, 12, 30, 28, 9, 55, 14, 20, 22, 16])
    >>> GammaGamma().fit(np.full(10, 4.0), z).expected_value([0, 4], [0, 30]).round(1).tolist()
    [21.7, 30.0]
    """

    model_id: ClassVar[str] = "gamma_gamma"

    def fit(self, frequency: Any, monetary_value: Any) -> GammaGammaFit:
        """Learn from repeat orders and their mean value (currency); rows without one, or of no value, are left out.

        Raises TooLittleData for fewer than 10 repeaters or values that are all the same.
        """
        x, z = _columns(frequency, monetary_value)
        kept = (x > 0) & (z > 0)
        dropped = int(((x > 0) & ~kept).sum())
        x, z = x[kept], z[kept]
        if len(x) < LEAST_REPEATERS or np.ptp(z) <= 1e-9 * z.max(initial=0.0):
            raise TooLittleData(
                f"gamma_gamma has {len(x)} customers with repeat orders of differing value",
                remedy=f"it needs {LEAST_REPEATERS}",
            )
        scale = float(np.exp(np.log(z).mean()))
        starts = [np.log([p, q, q]) for p in (1.0, 5.0) for q in (2.0, 5.0, 20.0)]
        low, high = np.full(3, np.log(1e-3)), np.full(3, np.log(1e5))
        found = maximise(lambda theta: _total(theta, x, z / scale), starts, low, high)
        if not found.converged:
            raise HoldfastError("gamma_gamma did not converge", remedy="look at the order values: are they money?")
        found = replace(found.rescaled([1.0, 1.0, scale]), value=found.value - len(x) * np.log(scale))
        p, q, gamma = (float(one) for one in np.exp(found.theta))
        correlation = float(np.corrcoef(x, z)[0, 1]) if np.ptp(x) else 0.0
        return GammaGammaFit(p, q, gamma, found.covariance(), found.value, len(x), dropped, correlation)


def _total(theta: Floats, x: Floats, z: Floats) -> tuple[float, Floats]:
    from scipy.special import digamma, gammaln

    p, q, gamma = np.exp(theta)
    px, spent = p * x, gamma + x * z
    value = (
        gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma / spent) - np.log(z) + px * np.log(x * z / spent)
    )
    d_p = x * (digamma(px + q) - digamma(px) + np.log(x * z / spent))
    d_q = digamma(px + q) - digamma(q) + np.log(gamma / spent)
    d_gamma = q / gamma - (px + q) / spent
    return float(value.sum()), np.array([p * d_p.sum(), q * d_q.sum(), gamma * d_gamma.sum()])


def _columns(frequency: Any, monetary_value: Any) -> tuple[Floats, Floats]:
    x, z = (np.nan_to_num(np.atleast_1d(np.asarray(one, np.float64))) for one in (frequency, monetary_value))
    if x.shape != z.shape:
        raise UsageError(f"{len(x)} frequencies for {len(z)} values")
    if (x < 0).any() or (z < 0).any():
        raise UsageError("a negative frequency or order value", remedy="leave refunds out of monetary_value")
    if (z > 1e12).any():
        raise UsageError(f"an order value of {z.max():g}", remedy="give currency units")
    return x, z
