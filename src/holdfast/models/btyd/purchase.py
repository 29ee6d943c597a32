"""What every purchase model inherits from its likelihood.

A model states two things for a history (x, t_x, T): its log-likelihood with the gradient, and the split of that
likelihood into customers still alive and already gone. From these follow, for every model alike: the fit with standard
errors, P(alive), P(no order in a horizon) as the ratio of the likelihood at T + h to that at T, the next order's date,
the distribution of orders in a period, and the influence of static covariates through the chain rule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from holdfast.core.errors import HoldfastError, TooLittleData, UsageError
from holdfast.core.registry import Registry
from holdfast.models.btyd.covariates import Covariates
from holdfast.models.btyd.maximise import Objective, Optimum, maximise
from holdfast.models.btyd.rows import Floats, Rows
from holdfast.models.btyd.summary import PurchaseSummary

if TYPE_CHECKING:
    from holdfast.models.btyd.fit import PurchaseFit

#: Purchase models by model_id, each a frozen configuration.
PURCHASE_MODELS: Registry[type[PurchaseModel]] = Registry("purchase model", "holdfast.models.btyd")
LEAST_CUSTOMERS = 10
#: Natural parameters may not leave these bounds (times are divided by the mean T first).
_LOW, _HIGH = 1e-5, 1e5

#: A natural parameter: a number, or one for each row where covariates move it.
Parameter = Floats | float


@dataclass(frozen=True)
class PurchaseModel(ABC):
    """A frozen configuration that fits. Subclasses state `names` and the abstract methods.

    names: natural parameters, all positive. times: those measured in the unit of time. moves: parameters that a
    covariate on "rate" or on "dropout" multiplies by exp(sign x effect x covariate).
    """

    model_id: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    times: ClassVar[frozenset[str]] = frozenset()
    moves: ClassVar[Mapping[str, tuple[tuple[str, float], ...]]] = {}
    #: Whether a customer with a single order can have left (not so in BG/NBD: no risk score comes from it).
    one_timers_may_leave: ClassVar[bool] = True
    #: With four times as many histories a fit starts from the optimum of so many of them.
    part: ClassVar[int] = 10_000
    #: Whether time passes in opportunities instead of continuously.
    opportunities: ClassVar[bool] = False

    @abstractmethod
    def log_likelihood(self, p: Sequence[Parameter], rows: Rows) -> tuple[Floats, Floats]:
        """Log-likelihood of each row and its gradient (parameters x rows) in the logs of the natural parameters."""

    @abstractmethod
    def log_odds_alive(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        """Log-odds of still being alive at T; infinite where leaving is impossible."""

    @abstractmethod
    def expected(self, p: Sequence[Parameter], rows: Rows, h: Floats | float) -> Floats:
        """Expected orders in (T, T + h], given the history (so those already gone count 0)."""

    @abstractmethod
    def p_none_after_gap(self, p: Sequence[Parameter], rows: Rows, gap: float, h: float) -> Floats:
        """P(no order in (T + gap, T + gap + h]), given the history."""

    @abstractmethod
    def starts(self, rows: Rows) -> list[Floats]:
        """Natural parameters to start from; times are in units of the mean T."""

    @abstractmethod
    def draw(self, p: Sequence[Parameter], rows: Rows, random: np.random.Generator) -> Any:
        """One customer for each row, drawn given the history (x = T = 0: a new one): a `simulate.People`."""

    def log_value(self, p: Sequence[Parameter], rows: Rows) -> Floats:
        """Log-likelihood alone; a model overrides it where that is much faster."""
        return self.log_likelihood(p, rows)[0]

    def p_none(self, p: Sequence[Parameter], rows: Rows, h: Floats | float) -> Floats:
        """P(no order in (T, T + h]) given the history: the likelihood at T + h over that at T, exact for any model."""
        return np.exp(np.minimum(self.log_value(p, rows.until(rows.T + h)) - self.log_value(p, rows), 0.0))

    def constant(self, summary: PurchaseSummary) -> float:
        """What the gaps add to the log-likelihood whatever the parameters are."""
        return 0.0

    def log_paths(self, n: float, t: Floats) -> Floats:
        """Log of the density with which n orders may lie in time, the last at t, beside `log_likelihood`."""
        from scipy.special import gammaln

        return np.asarray((n - 1) * np.log(t) - gammaln(n))

    def variants(self) -> list[PurchaseModel]:
        """The configurations among which the likelihood chooses; this one alone, unless something is left open."""
        return [self]

    def without_dropout(self) -> PurchaseModel | None:
        """The model this one becomes if nobody leaves, or None."""
        return None

    def settings(self) -> dict[str, Any]:
        """The configuration as JSON."""
        return asdict(self)

    @classmethod
    def from_settings(cls, saved: Mapping[str, Any]) -> Self:
        return cls(**saved)

    def fit(self, summary: PurchaseSummary, covariates: Covariates | None = None, *, climbs: int = 2) -> PurchaseFit:
        """Maximum likelihood with standard errors from the observed information, the better of so many climbs.

        Raises TooLittleData for fewer than 10 customers or no repeat order, UsageError for a summary or covariates that
        do not belong to this model.
        """
        from holdfast.models.btyd.fit import PurchaseFit

        self._check(summary, covariates)
        rows, _ = summary.with_covariates(None if covariates is None else covariates.values)
        scale = 1.0 if self.opportunities else float(rows.weight @ rows.T / rows.weight.sum()) or 1.0
        unit = Rows(rows.x, rows.t_x / scale, rows.T / scale, rows.weight, rows.z)
        effects = 0 if covariates is None else len(covariates.names)
        found: list[tuple[float, PurchaseModel, Optimum]] = []
        best = -np.inf
        for one in self.variants():  # in order of complexity: the first that gains nothing ends the search
            optimum = one._maximum(unit, effects, climbs).rescaled(
                [scale if n in self.times else 1.0 for n in self.names]
            )
            value = one.objective(rows)(optimum.theta)[0] + one.constant(summary)
            found.append((value, one, replace(optimum, value=value)))
            if value < best:
                break
            best = value
        value, model, optimum = max(found, key=lambda one: one[0])
        if not optimum.converged:
            raise HoldfastError(f"{self.model_id} did not converge", remedy="use another purchase model")
        return PurchaseFit.of(model, optimum, summary, covariates)

    def _check(self, summary: PurchaseSummary, covariates: Covariates | None) -> None:
        if summary.opportunities != self.opportunities:
            kind = "opportunities" if self.opportunities else "times"
            raise UsageError(f"{self.model_id} needs a summary of {kind}", remedy="see PurchaseSummary")
        if summary.customers < LEAST_CUSTOMERS or not summary.orders:
            raise TooLittleData(
                f"{self.model_id} has {summary.customers} customers with {summary.orders} repeat orders to learn from",
                remedy=f"it needs {LEAST_CUSTOMERS} customers, and somebody who came back",
            )
        if covariates is not None:
            covariates.check(len(summary), self.moves, self.model_id, summary.ordered)

    def _maximum(self, rows: Rows, effects: int, climbs: int) -> Optimum:
        size = len(self.names) + len(self.moves) * effects
        low, high = np.full(size, -20.0), np.full(size, 20.0)
        low[: len(self.names)], high[: len(self.names)] = np.log(_LOW), np.log(_HIGH)
        starts = [np.r_[np.log(one), np.zeros(size - len(self.names))] for one in self.starts(rows)]
        if len(rows) <= 4 * self.part:
            return maximise(self.objective(rows), starts, low, high, climbs=climbs)
        every = len(rows) // self.part  # their order is that of a hash, so this part is a fair one
        part = maximise(self.objective(rows.take(slice(None, None, every))), starts, low, high, climbs=climbs)
        return maximise(self.objective(rows), [part.theta], low, high)

    def objective(self, rows: Rows) -> Objective:
        """theta (logs of the natural parameters, then effects) -> total log-likelihood and gradient."""

        def total(theta: Floats) -> tuple[float, Floats]:
            value, gradient = 0.0, np.zeros(len(theta))
            for _, part in rows.chunks():
                p, each = self.natural(theta, part)
                with np.errstate(all="ignore"):  # far away from the optimum a likelihood may be 0
                    found, slopes = self.log_likelihood(p, each)
                value += float(part.weight @ found)
                gradient += self._chain(slopes * part.weight, part)
            return value if np.isfinite(value) else -np.inf, np.nan_to_num(gradient)

        return total

    def natural(self, theta: Floats, rows: Rows) -> tuple[list[Parameter], Rows]:
        """Natural parameters, one for each row where covariates move them, and the rows fit for them."""
        p: list[Parameter] = [float(one) for one in np.exp(theta[: len(self.names)])]
        if rows.z is None:
            return p, rows
        effects = theta[len(self.names) :].reshape(len(self.moves), -1)
        shift: dict[int, Floats] = {}
        for moved, effect in zip(self.moves.values(), effects, strict=True):
            for name, sign in moved:
                shift[self.names.index(name)] = sign * (rows.z @ effect)
        each = [one * np.exp(shift[at]) if at in shift else np.full(len(rows), one) for at, one in enumerate(p)]
        return list(each), replace(rows, by_row=True)

    def _chain(self, slopes: Floats, rows: Rows) -> Floats:
        own: Floats = np.asarray(slopes.sum(axis=1))
        if rows.z is None:
            return own
        effects = [
            sum(sign * (slopes[self.names.index(name)] @ rows.z) for name, sign in moved)
            for moved in self.moves.values()
        ]
        return np.asarray(np.concatenate([own, *effects]))
