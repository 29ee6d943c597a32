"""Erlang-k gaps between orders, and a customer who may leave after each order: one likelihood, six models.

While alive, a customer orders at rate lambda ~ Gamma(r, alpha), with Erlang-k gaps (k = 1: exponential, so orders are
Poisson). After an order they leave with probability p ~ Beta(a, b). The models differ in k and in when one may leave:

    nbd         k = 1, never                         Ehrenberg 1959
    bg_nbd      k = 1, after a repeat order          Fader, Hardie & Lee 2005
    mbg_nbd     k = 1, after any order               Batislam, Denizel & Filiztekin 2007
    cnbd_k, bg_cnbd_k, mbg_cnbd_k   the same with k chosen by likelihood    Chatfield & Goodhardt 1973; Platzer & Reutterer 2016

A gap is k stages, each passed at rate k lambda; with lambda' = k lambda ~ Gamma(r, alpha / k) =: Gamma(r, A), R = r + kx and
u = T - t_x the likelihood is

    Gamma(R)/Gamma(r) A^r (A + t_x)^-R [ S(m) ((A + t_x)/(A + T))^R sum_{j<k} (R)_j / j! (u / (A + T))^j + S(m) a/(b + m - 1) ]

where S(m) = B(a, b + m)/B(a, b) is the chance to have stayed after the m orders that one could leave after. Mean gaps are
1 / lambda for every k, so that parameters of different k compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from holdfast.models.btyd.purchase import PURCHASE_MODELS, Parameter, PurchaseModel
from holdfast.models.btyd.rows import Floats, Rows
from holdfast.models.btyd.series import expected_orders, p_order_after_gap
from holdfast.models.btyd.simulate import People
from holdfast.models.btyd.summary import PurchaseSummary

MOST_STAGES = 12


@dataclass(frozen=True)
class _Erlang(PurchaseModel):
    """k stages to an order. `first`: one may leave from the first order on (1), from the first repeat (0), never (None)."""

    first: ClassVar[int | None] = None
    names: ClassVar[tuple[str, ...]] = ("r", "alpha")
    times: ClassVar[frozenset[str]] = frozenset({"alpha"})
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = {"rate": (("alpha", -1.0),)}

    @property
    def stages(self) -> int:
        return 1

    def log_likelihood(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats]:
        from scipy.special import digamma

        k, (r, alpha) = self.stages, p[:2]
        A, R = alpha / k, (r + k * rows.xs)[rows.at]
        last, end = A + rows.t_x, A + rows.T
        value, alive, (reached, slope_R, slope_v) = self._parts(p, rows)
        d_r = (digamma(r + k * rows.xs) - digamma(r))[rows.at] - np.log1p(rows.t_x / A) + alive * (slope_R - reached)
        behind = r * rows.t_x / (A * last) - k * rows.x / last
        ahead = R * (rows.T - rows.t_x) / (last * end) - slope_v / end
        slopes = [r * d_r, A * (behind + alive * ahead)]
        if self.first is not None:
            slopes += self._leaving_slopes(p, rows, 1.0 - alive)
        return value, np.stack(slopes)

    def log_value(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        return self._parts(p, rows)[0]

    def log_odds_alive(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        from scipy.special import logit

        return np.asarray(logit(self._parts(p, rows)[1]))

    def _parts(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats, tuple[Floats, Floats, Floats]]:
        """(log-likelihood, P(alive), (log of (A + T)/(A + t_x), slopes of the stage sum's log in R and in log v))."""
        from scipy.special import gammaln

        k, (r, alpha) = self.stages, p[:2]
        A, R = alpha / k, (r + k * rows.xs)[rows.at]
        last = A + rows.t_x
        reached = np.log1p((rows.T - rows.t_x) / last)
        log_sum, slope_R, slope_v = _stage_sum(k, R, (rows.T - rows.t_x) / (A + rows.T))
        value = (gammaln(r + k * rows.xs) - gammaln(r))[rows.at] - r * np.log1p(rows.t_x / A)
        value -= k * rows.x * np.log(last)
        odds = log_sum - R * reached
        if self.first is None:
            return value + odds, np.ones(len(rows)), (reached, slope_R, slope_v)
        stayed, left = self._leaving(p, rows)
        both = np.logaddexp(odds, left[rows.at])
        return value + stayed[rows.at] + both, np.exp(odds - both), (reached, slope_R, slope_v)

    def _leaving(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats]:
        """Log of S(m), and of a / (b + m - 1) where one can have left, for each distinct x."""
        from scipy.special import gammaln

        a, b = p[2:]
        m = rows.xs + float(self.first or 0)
        stayed = (gammaln(b + m) - gammaln(b)) - (gammaln(a + b + m) - gammaln(a + b))
        return stayed, np.where(m > 0, np.log(a / np.where(m > 0, b + m - 1, 1.0)), -np.inf)

    def _leaving_slopes(self, p: Sequence[Parameter], rows: Rows, gone: Floats) -> list[Floats]:
        from scipy.special import digamma

        a, b = p[2:]
        m = rows.xs + float(self.first or 0)
        d_a = a * (digamma(a + b) - digamma(a + b + m))
        d_b = b * (digamma(b + m) - digamma(b) - digamma(a + b + m) + digamma(a + b))
        share = b / np.where(m > 0, b + m - 1, 1.0)
        return [d_a[rows.at] + gone, d_b[rows.at] - gone * share[rows.at]]

    def expected(self, p: Sequence[Parameter], rows: Rows, h: Floats | float) -> Floats:
        return self._ahead(p, rows, lambda R, end, k, j, a, b: expected_orders(R, h / (end + h), k, j, a, b))

    def p_none_after_gap(self, p: Sequence[Parameter], rows: Rows, gap: float, h: float) -> Floats:
        return 1.0 - self._ahead(p, rows, lambda R, end, k, j, a, b: p_order_after_gap(R, end, gap, h, k, j, a, b))

    def _ahead(self, p: Sequence[Parameter], rows: Rows, of: Callable[..., Floats]) -> Floats:
        """P(alive) x what `of` says of a customer alive in each stage, weighed by the chance of that stage."""
        k, (r, alpha) = self.stages, p[:2]
        A, alive = alpha / k, self._parts(p, rows)[1]
        R, end = r + k * rows.x, A + rows.T
        a, b = (None, rows.x) if self.first is None else (p[2], p[3] + rows.x + self.first)
        total = np.zeros(len(rows))
        for j, share in enumerate(_stage_shares(k, R, (rows.T - rows.t_x) / end)):
            total += share * of(R + j, end, k, j, a, b)
        return alive * total

    def draw(self, p: Sequence[Parameter], rows: Rows, random: np.random.Generator) -> People:
        k, (r, alpha) = self.stages, p[:2]
        n, A = len(rows), alpha / k
        stays = random.random(n) < self._parts(p, rows)[1]
        shares = np.stack(_stage_shares(k, r + k * rows.x, (rows.T - rows.t_x) / (A + rows.T)))
        stage = np.minimum((random.random(n) > np.cumsum(shares, axis=0)).sum(axis=0), k - 1)
        rate = random.gamma(r + k * rows.x + stage, 1.0 / (A + rows.T))
        leaves = np.zeros(n)
        if self.first is not None:
            leaves = random.beta(p[2], p[3] + rows.x + self.first)
        return People(rate, k, stage, leaves, np.where(stays, np.inf, 0.0))

    def starts(self, rows: Rows) -> list[Floats]:
        """Rates from the mean number of orders, with the share that leaves from few to many."""
        mean = max(float(rows.weight @ rows.x / (rows.weight @ rows.T)), 1e-6)
        rates = [np.array([r, r / (mean * more)]) for r in (0.3, 1.0, 3.0) for more in (1.0, 3.0)]
        if self.first is None:
            return rates
        return [np.r_[rate, leaving] for rate in rates for leaving in ((0.7, 2.0), (0.2, 2.0), (0.5, 10.0))]

    def log_paths(self, n: float, t: Floats) -> Floats:
        from scipy.special import gammaln

        return np.asarray((self.stages * n - 1) * np.log(t) - gammaln(self.stages * n))

    def constant(self, summary: PurchaseSummary) -> float:
        """Beside k = 1: the density of the gaps where they were seen, else of t_x given the number of orders."""
        from scipy.special import gammaln

        k = self.stages
        if k == 1:
            return 0.0
        came = summary.rows.x > 0
        x, t_x, weight = (one[came] for one in (summary.rows.x, summary.rows.t_x, summary.rows.weight))
        if summary.log_gaps is not None:
            return float((k - 1) * summary.log_gaps - (weight @ x) * gammaln(k))
        return float(weight @ ((k - 1) * x * np.log(t_x) - gammaln(k * x) + gammaln(x)))


def _stage_sum(k: int, R: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
    """log Q, d log Q / dR and d log Q / d log v of Q = sum over j < k of (R)_j / j! v^j."""
    if k == 1:
        return np.zeros(1), np.zeros(1), np.zeros(1)
    term, total = np.ones_like(v), np.ones_like(v)
    harmonic, in_R, in_v = np.zeros_like(v), np.zeros_like(v), np.zeros_like(v)
    for j in range(1, k):
        term = term * (R + j - 1) / j * v
        harmonic = harmonic + 1.0 / (R + j - 1)
        total, in_R, in_v = total + term, in_R + term * harmonic, in_v + j * term
    return np.log(total), in_R / total, in_v / total


def _stage_shares(k: int, R: Floats, v: Floats) -> list[Floats]:
    """P(j stages of the running gap have passed | alive), j < k."""
    terms = [np.ones_like(v)]
    for j in range(1, k):
        terms.append(terms[-1] * (R + j - 1) / j * v)
    total = np.sum(terms, axis=0)
    return [one / total for one in terms]


@dataclass(frozen=True)
class _Open(_Erlang):
    """What the models with a choice of k share; `k` None: the likelihood chooses among 1 to 12."""

    k: int | None = None

    @property
    def stages(self) -> int:
        return self.k or 1

    def variants(self) -> list[PurchaseModel]:
        return [self] if self.k else [replace(self, k=k) for k in range(1, MOST_STAGES + 1)]


_LEAVING: dict[str, tuple[tuple[str, float], ...]] = {"rate": (("alpha", -1.0),), "dropout": (("a", 1.0),)}


@PURCHASE_MODELS.register("nbd")
@dataclass(frozen=True)
class Nbd(_Erlang):
    """Poisson orders at gamma-distributed rates, nobody leaves (Ehrenberg 1959): what dropout is tested against."""

    model_id: ClassVar[str] = "nbd"


@PURCHASE_MODELS.register("bg_nbd")
@dataclass(frozen=True)
class BgNbd(_Erlang):
    """BG/NBD (Fader, Hardie & Lee 2005, "Counting your customers" the easy way).

    A customer may leave only after a repeat order, so that every one-time buyer counts as alive: its P(alive) ranks
    customers wrongly and is never offered as a risk. Its P(no order in the horizon) is sound.
    """

    model_id: ClassVar[str] = "bg_nbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = _LEAVING
    first: ClassVar[int | None] = 0
    one_timers_may_leave: ClassVar[bool] = False

    def without_dropout(self) -> PurchaseModel:
        return Nbd()


@PURCHASE_MODELS.register("mbg_nbd")
@dataclass(frozen=True)
class MbgNbd(_Erlang):
    """MBG/NBD: one may leave after the first order, too (Batislam, Denizel & Filiztekin 2007).

    >>> one = MbgNbd().log_value((0.5, 6.0, 0.9, 1.6), Rows(*np.array([[2.0], [20.0], [38.0], [1.0]])))
    >>> one.round(4).tolist()
    [-9.1607]
    """

    model_id: ClassVar[str] = "mbg_nbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = _LEAVING
    first: ClassVar[int | None] = 1

    def without_dropout(self) -> PurchaseModel:
        return Nbd()


@PURCHASE_MODELS.register("cnbd_k")
@dataclass(frozen=True)
class CnbdK(_Open):
    """Condensed NBD: Erlang-k gaps, nobody leaves (Chatfield & Goodhardt 1973)."""

    model_id: ClassVar[str] = "cnbd_k"


@PURCHASE_MODELS.register("bg_cnbd_k")
@dataclass(frozen=True)
class BgCnbdK(_Open):
    """BG/CNBD-k: regular gaps, one may leave after a repeat order (Platzer & Reutterer 2016)."""

    model_id: ClassVar[str] = "bg_cnbd_k"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = _LEAVING
    first: ClassVar[int | None] = 0
    one_timers_may_leave: ClassVar[bool] = False

    def without_dropout(self) -> PurchaseModel:
        return CnbdK(self.k)


@PURCHASE_MODELS.register("mbg_cnbd_k")
@dataclass(frozen=True)
class MbgCnbdK(_Open):
    """MBG/CNBD-k: regular gaps, one may leave after any order (Platzer & Reutterer 2016)."""

    model_id: ClassVar[str] = "mbg_cnbd_k"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = _LEAVING
    first: ClassVar[int | None] = 1

    def without_dropout(self) -> PurchaseModel:
        return CnbdK(self.k)
