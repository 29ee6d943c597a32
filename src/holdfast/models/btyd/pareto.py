"""Pareto/NBD: Poisson orders, exponential lifetimes (Schmittlein, Morrison & Colombo 1987; Fader & Hardie 2005 note).

lambda ~ Gamma(r, alpha) orders a unit of time, and a lifetime at rate mu ~ Gamma(s, beta) that passes whatever is ordered:

    L = Gamma(r + x)/Gamma(r) alpha^r beta^s [ (alpha + T)^-(r+x) (beta + T)^-s + s I(t_x, T) ]
    I(lo, hi) = integral from lo to hi of (alpha + y)^-(r+x) (beta + y)^-(s+1) dy

The usual form of I is a difference of two hypergeometric functions that cancel where t_x is near T or x is large, and
whose derivatives in the parameters are not at hand. `reach` integrates it instead: the integrand is positive, so
nothing cancels, and the same nodes give the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from holdfast.models.btyd.purchase import PURCHASE_MODELS, Parameter, PurchaseModel
from holdfast.models.btyd.rows import Floats, Rows
from holdfast.models.btyd.simulate import People

_NODES = 24
#: An integrand smaller than its start by exp(-40) is left out.
_DEEP = 40.0
_CHUNK = 2048


class Reach(NamedTuple):
    """Log of I for each row, and its slopes in R, alpha, s and beta."""

    log: Floats
    slopes: Floats


@PURCHASE_MODELS.register("pareto_nbd")
@dataclass(frozen=True)
class ParetoNbd(PurchaseModel):
    """Pareto/NBD; a customer may leave at any time, also before the first repeat order.

    >>> one = ParetoNbd().log_value((0.55, 10.6, 0.6, 11.7), Rows(*np.array([[2.0], [20.0], [38.0], [1.0]])))
    >>> one.round(4).tolist()
    [-9.1583]
    """

    model_id: ClassVar[str] = "pareto_nbd"
    part: ClassVar[int] = 1_500
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    times: ClassVar[frozenset[str]] = frozenset({"alpha", "beta"})
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = {
        "rate": (("alpha", -1.0),),
        "dropout": (("beta", -1.0),),
    }

    def log_likelihood(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats]:
        from scipy.special import digamma

        r, alpha, s, beta = p
        value, alive, gone = self._parts(p, rows, slopes=True)
        dead = 1.0 - alive
        R = r + rows.x
        d_r = (digamma(r + rows.xs) - digamma(r))[rows.at] + np.log(alpha)
        d_r = d_r - alive * np.log(alpha + rows.T) + dead * gone.slopes[0]
        d_alpha = r / alpha - alive * R / (alpha + rows.T) + dead * gone.slopes[1]
        d_s = np.log(beta) - alive * np.log(beta + rows.T) + dead * (1 / s + gone.slopes[2])
        d_beta = s / beta - alive * s / (beta + rows.T) + dead * gone.slopes[3]
        return value, np.stack([r * d_r, alpha * d_alpha, s * d_s, beta * d_beta])

    def log_value(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        return self._parts(p, rows)[0]

    def log_odds_alive(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        r, alpha, s, beta = p
        gone = _reach(r + rows.x, alpha, s, beta, rows.t_x, rows.T).log
        return np.asarray(_alive(p, rows) - np.log(s) - gone)

    def _parts(self, p: Sequence[Parameter], rows: Rows, *, slopes: bool = False) -> tuple[Floats, Floats, Reach]:
        """(log-likelihood, P(alive), the integral over the time of leaving)."""
        from scipy.special import gammaln

        r, alpha, s, beta = p
        start = (gammaln(r + rows.xs) - gammaln(r))[rows.at] + r * np.log(alpha) + s * np.log(beta)
        odds = _alive(p, rows)
        gone = _reach(r + rows.x, alpha, s, beta, rows.t_x, rows.T, slopes=slopes)
        both = np.logaddexp(odds, np.log(s) + gone.log)
        return start + both, np.exp(odds - both), gone

    def expected(self, p: Sequence[Parameter], rows: Rows, h: Floats | float) -> Floats:
        r, alpha, s, beta = p
        alive = self._parts(p, rows)[1]
        passed = np.log1p(h / (beta + rows.T))
        slow = np.abs(s - 1.0) < 1e-8  # the limit of (1 - exp(-(s - 1) passed)) / (s - 1)
        lasting = np.where(slow, passed, -np.expm1(-(s - 1.0) * passed) / np.where(slow, 1.0, s - 1.0))
        return np.asarray(alive * (r + rows.x) * (beta + rows.T) / (alpha + rows.T) * lasting)

    def p_none_after_gap(self, p: Sequence[Parameter], rows: Rows, gap: float, h: float) -> Floats:
        """Alive now: gone before the gap ends; or in the horizon, silent until then; or silent all through it."""
        r, alpha, s, beta = p
        alive = self._parts(p, rows)[1]
        R, A, B = r + rows.x, alpha + rows.T, beta + rows.T
        within = _reach(R, A - gap, s, B, np.full(len(rows), gap), np.full(len(rows), gap + h)).log
        leaves = np.exp(within + np.log(s) + s * np.log(B) + R * np.log(A))
        stays = np.exp(-s * np.log1p((gap + h) / B) - R * np.log1p(h / A))
        early = -np.expm1(-s * np.log1p(gap / B))
        return np.asarray(1.0 - alive + alive * np.minimum(early + leaves + stays, 1.0))

    def draw(self, p: Sequence[Parameter], rows: Rows, random: np.random.Generator) -> People:
        r, alpha, s, beta = p
        n = len(rows)
        alive = random.random(n) < self._parts(p, rows)[1]
        rate = random.gamma(r + rows.x, 1.0 / (alpha + rows.T))
        leaving = random.gamma(s, 1.0 / (beta + rows.T), n)
        lasts = random.exponential(1.0, n) / np.maximum(leaving, 1e-300)
        return People(rate, 1, np.zeros(n, np.int64), np.zeros(n), np.where(alive, lasts, 0.0))

    def starts(self, rows: Rows) -> list[Floats]:
        mean = max(float(rows.weight @ rows.x / (rows.weight @ rows.T)), 1e-6)
        return [
            np.array([r, r / (mean * more), s, beta])
            for r in (0.3, 1.0, 3.0)
            for more in (1.0, 3.0)
            for s, beta in ((0.5, 0.3), (0.5, 2.0), (2.0, 5.0))
        ]

    def without_dropout(self) -> PurchaseModel:
        from holdfast.models.btyd.erlang import Nbd

        return Nbd()


def _alive(p: Sequence[Parameter], rows: Rows) -> Floats:
    """Log of (alpha + T)^-(r+x) (beta + T)^-s."""
    r, alpha, s, beta = p
    return np.asarray(-(r + rows.x) * np.log(alpha + rows.T) - s * np.log(beta + rows.T))


def _reach(
    R: Floats, alpha: Parameter, s: Parameter, beta: Parameter, lo: Floats, hi: Floats, *, slopes: bool = False
) -> Reach:
    """`reach` in parts that stay in the cache."""
    log, found = np.empty(len(R)), np.empty((4, len(R)) if slopes else (4, 0))
    for start in range(0, len(R), _CHUNK):
        at = slice(start, start + _CHUNK)
        a, c, b = (np.asarray(one[at] if isinstance(one, np.ndarray) else one) for one in (alpha, s, beta))
        part = reach(R[at], a, c, b, lo[at], hi[at], slopes=slopes)
        log[at] = part.log
        if slopes:
            found[:, at] = part.slopes
    return Reach(log, found)


def reach(
    R: Floats, alpha: Floats, s: Floats, beta: Floats, lo: Floats, hi: Floats, *, slopes: bool = False
) -> Reach:  # fmt: skip
    """Log of the integral from lo to hi of (alpha + y)^-R (beta + y)^-(s+1) dy, by Gauss-Legendre.

    With c = min(alpha, beta) and z = log(c + y) the log of the integrand is concave in z and analytic in a wide strip,
    so that few nodes give ten digits; where it falls steeply, the far end is cut off.

    >>> ends = np.array([0.0]), np.array([1.0])
    >>> float(np.exp(reach(np.array([2.0]), np.array(1.0), np.array(1.0), np.array(1.0), *ends).log[0])).__round__(9)
    0.291666667
    """
    base = np.minimum(alpha, beta)
    left = base + lo
    more_a, more_b = alpha - base, beta - base  # one of them is 0
    length = _cut(R, s, left, more_a, more_b, np.log1p((hi - lo) / left))
    nodes, log_weights = _rule()
    at = left[:, None] * np.exp(length[:, None] * nodes)  # base + y
    in_a, in_b = at + _column(more_a), at + _column(more_b)
    log_a, log_b = np.log(in_a), np.log(in_b)
    terms = np.log(at) - R[:, None] * log_a - _column(s + 1.0) * log_b + log_weights
    top = terms.max(axis=1)
    share = np.exp(terms - top[:, None])
    total = share.sum(axis=1)
    with np.errstate(divide="ignore"):
        log = top + np.log(total) + np.log(length)
    if not slopes:
        return Reach(log, np.zeros((4, 0)))
    share /= total[:, None]
    mean_a, mean_b = ((share / one).sum(axis=1) for one in (in_a, in_b))
    return Reach(
        log, np.stack([-(share * log_a).sum(axis=1), -R * mean_a, -(share * log_b).sum(axis=1), -(s + 1.0) * mean_b])
    )


def _cut(R: Floats, s: Floats, left: Floats, more_a: Floats, more_b: Floats, length: Floats) -> Floats:
    """The length (in z) after which the integrand has fallen by exp(-40), if that is shorter.

    Newton's method on a concave function from the right of its root never steps past it.
    """

    def log_and_slope(z: Floats) -> tuple[Floats, Floats]:
        at = left * np.exp(z)
        in_a, in_b = at + more_a, at + more_b
        return z - R * np.log(in_a) - (s + 1.0) * np.log(in_b), 1.0 - R * at / in_a - (s + 1.0) * at / in_b

    start, slope = log_and_slope(np.zeros_like(length))
    steep = np.minimum(length, np.where(slope < 0, _DEEP / np.maximum(-slope, 1e-12), np.inf))
    for _ in range(4):
        value, slope = log_and_slope(steep)
        over = start - _DEEP - value  # how far it lies below what is needed
        if not (over > 1.0).any():
            break
        steep = np.where(over > 0, steep + over / np.minimum(slope, -1e-12), steep)
    return steep


def _column(values: Floats) -> Floats:
    return values[:, None] if values.ndim else values


@cache
def _rule() -> tuple[Floats, Floats]:
    """Gauss-Legendre on [0, 1]: nodes and logs of weights."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, np.log(weights / 2)
