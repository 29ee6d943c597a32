"""BG/BB: at each of n opportunities a customer orders or not, and may leave before it (Fader, Hardie & Shang 2010).

Alive, a customer orders at an opportunity with probability p ~ Beta(alpha, beta); before each they leave with probability
theta ~ Beta(gamma, delta). With x orders, the last at opportunity t_x of n:

    L = B(alpha+x, beta+n-x)/B(alpha, beta) B(gamma, delta+n)/B(gamma, delta)
        + sum over i = t_x..n-1 of B(alpha+x, beta+i-x)/B(alpha, beta) B(gamma+1, delta+i)/B(gamma, delta)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from holdfast.core.errors import UsageError
from holdfast.models.btyd.purchase import PURCHASE_MODELS, Parameter, PurchaseModel
from holdfast.models.btyd.rows import Floats, Rows
from holdfast.models.btyd.simulate import People


@PURCHASE_MODELS.register("bg_bb")
@dataclass(frozen=True)
class BgBb(PurchaseModel):
    """BG/BB, on a summary of opportunities: frequency orders, the last at opportunity t_x, of T opportunities.

    >>> one = BgBb().log_value((1.2, 0.75, 0.66, 2.78), Rows(*np.array([[1.0], [2.0], [6.0], [1.0]])))
    >>> one.round(4).tolist()
    [-3.5861]
    """

    model_id: ClassVar[str] = "bg_bb"
    names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")
    opportunities: ClassVar[bool] = True

    def log_likelihood(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats]:
        from scipy.special import digamma

        alpha, beta, gamma, delta = p
        terms, gone_after = self._terms(p, rows)
        value = _log_sum(terms)
        share = np.exp(terms - value[:, None])  # which opportunity was the last alive; the last column: still alive
        i, alive, x = gone_after, share[:, -1], rows.x[:, None]
        order = digamma(alpha + beta) - (share * digamma(alpha + beta + i)).sum(axis=1)
        leave = digamma(gamma + delta) - (share[:, :-1] * digamma(gamma + delta + i[:, :-1] + 1)).sum(axis=1)
        leave = leave - alive * digamma(gamma + delta + rows.T)
        d_alpha = digamma(alpha + rows.x) - digamma(alpha) + order
        d_beta = (share * digamma(beta + np.maximum(i - x, 0.0))).sum(axis=1) - digamma(beta) + order
        d_gamma = (1 - alive) / gamma + leave
        d_delta = (share * digamma(delta + i)).sum(axis=1) - digamma(delta) + leave
        return value, np.stack([alpha * d_alpha, beta * d_beta, gamma * d_gamma, delta * d_delta])

    def log_value(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        return _log_sum(self._terms(p, rows)[0])

    def _terms(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats]:
        """(log of each way to have lived: gone after opportunity i, or alive in the last column; i itself)."""
        from scipy.special import betaln

        alpha, beta, gamma, delta = p
        most = int((rows.T - rows.t_x).max(initial=0.0))
        i = np.minimum(rows.t_x[:, None] + np.arange(most + 1.0), rows.T[:, None])
        i[:, -1] = rows.T
        ordered = betaln(alpha + rows.x[:, None], beta + i - rows.x[:, None]) - betaln(alpha, beta)
        left = betaln(gamma + 1.0, delta + i) - betaln(gamma, delta)
        left[:, -1] = betaln(gamma, delta + rows.T) - betaln(gamma, delta)
        possible = np.arange(most + 1.0) < (rows.T - rows.t_x)[:, None]
        possible[:, -1] = True
        return np.where(possible, ordered + left, -np.inf), i

    def log_odds_alive(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        """Of being there at the next opportunity, n + 1."""
        from scipy.special import logit

        gamma, delta = p[2:]
        terms, _ = self._terms(p, rows)
        alive = np.exp(terms[:, -1] - _log_sum(terms))
        return np.asarray(logit(alive * (delta + rows.T) / (gamma + delta + rows.T)))

    def expected(self, p: Sequence[Parameter], rows: Rows, h: Floats | float) -> Floats:
        alpha, beta, gamma, delta = p
        terms, _ = self._terms(p, rows)
        stays, total = np.exp(terms[:, -1] - _log_sum(terms)), np.zeros(len(rows))
        for i in range(int(np.max(h, initial=0.0))):
            stays = stays * (delta + rows.T + i) / (gamma + delta + rows.T + i)
            total += np.where(i < np.floor(h), stays, 0.0)
        return np.asarray(total * (alpha + rows.x) / (alpha + beta + rows.T))

    def p_none_after_gap(self, p: Sequence[Parameter], rows: Rows, gap: float, h: float) -> Floats:
        raise UsageError("bg_bb knows no gap before the horizon", remedy="ask without a gap, or another model")

    def draw(self, p: Sequence[Parameter], rows: Rows, random: np.random.Generator) -> People:
        alpha, beta, gamma, delta = p
        terms, _ = self._terms(p, rows)
        n = len(rows)
        alive = random.random(n) < np.exp(terms[:, -1] - _log_sum(terms))
        rate = random.beta(alpha + rows.x, beta + rows.T - rows.x)
        leaving = np.maximum(random.beta(gamma, delta + rows.T), 1e-12)
        lasts = random.geometric(leaving).astype(np.float64) - 1.0  # opportunities passed before leaving
        return People(rate, 1, np.zeros(n, np.int64), np.zeros(n), np.where(alive, lasts, 0.0), ticks=True)

    def starts(self, rows: Rows) -> list[Floats]:
        return [
            np.array([a, b, c, d])
            for a, b in ((1.0, 1.0), (0.5, 2.0))
            for c, d in ((0.5, 3.0), (1.0, 1.0), (1.0, 10.0))
        ]

    def log_paths(self, n: float, t: Floats) -> Floats:
        """Log of C(t - 1, n - 1): where the orders before the last can lie."""
        from scipy.special import gammaln

        return np.asarray(gammaln(t) - gammaln(n) - gammaln(t - n + 1))


def _log_sum(terms: Floats) -> Floats:
    top = terms.max(axis=1)
    return np.asarray(top + np.log(np.exp(terms - top[:, None]).sum(axis=1)))
