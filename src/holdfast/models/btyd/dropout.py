"""Does anybody leave at all? The likelihood ratio against the same model without leaving.

"Nobody leaves" lies on the edge of the parameter space, where the chance to leave is 0, so the statistic is 0 half of the
time and chi-square(1) otherwise, if how leaving is spread over customers were known (Self & Liang 1987). It is not, and
the best spread is searched for, so the true tail lies above that mixture. Between the mixture that is too small and one
that is large enough the tail is simulated under the fitted model without leaving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from holdfast.core.errors import HoldfastError, UsageError
from holdfast.core.text import Text
from holdfast.models.btyd.fit import PurchaseFit
from holdfast.models.btyd.summary import PurchaseSummary

LEVEL = 0.05
_SURE = 1e-3
#: Simulated shops, and customers in each at most: the tail depends on the customers' number hardly at all.
_DRAWS, _MOST = 199, 1000
#: So many larger ratios settle that the tail is not below 5% (Besag & Clifford 1991).
_SETTLED = 10


@dataclass(frozen=True)
class Dropout:
    """`statistic` is twice the gain in log-likelihood. Where `identified` is false, P(alive) says nothing and is not given."""

    identified: bool
    statistic: float
    p_value: float
    simulated: bool
    model_id: str
    reason: Text

    def as_dict(self) -> dict[str, Any]:
        return {
            "identified": self.identified, "statistic": self.statistic, "p_value": self.p_value,
            "simulated": self.simulated, "model": self.model_id, "reason": {"en": self.reason.en, "zh": self.reason.zh},
        }  # fmt: skip


def dropout_test(
    fit: PurchaseFit, summary: PurchaseSummary, *, twin: PurchaseFit | None = None, level: float = LEVEL, seed: int = 1,
    simulate: bool = True,
) -> Dropout:  # fmt: skip
    """Whether a fitted model's dropout is more than chance; `twin` is the fit without it, made here if not given.

    With `simulate=False` a doubtful case is settled by the larger of the two tails: quick, and never identified too soon.
    """
    if fit.covariates:
        raise UsageError("the dropout test needs a fit without covariates")
    plain = fit.model.without_dropout()
    if plain is None:
        raise UsageError(f"{fit.model_id} has no dropout to test", remedy="give mbg_nbd, pareto_nbd or mbg_cnbd_k")
    twin = twin or plain.fit(summary)
    statistic = max(0.0, 2.0 * (fit.log_likelihood - twin.log_likelihood))
    low, high = mixture_tails(statistic)
    p_value, simulated = high, False
    if low > level:
        p_value = low
    elif high > _SURE and simulate:
        p_value, simulated = _simulated(fit, twin, summary, statistic, seed), True
    identified = p_value < level
    return Dropout(
        identified, statistic, p_value, simulated, fit.model_id, _reason(fit.model_id, identified, statistic, p_value)
    )


def mixture_tails(statistic: float) -> tuple[float, float]:
    """P(at least this ratio) under half chi-square 0 and 1, and under half chi-square 1 and 2: bounds of the true tail.

    >>> [round(one, 3) for one in mixture_tails(2.706)]
    [0.05, 0.179]
    """
    from scipy.stats import chi2

    if statistic <= 0:
        return 1.0, 1.0
    one, two = float(chi2.sf(statistic, 1)), float(chi2.sf(statistic, 2))
    return 0.5 * one, 0.5 * (one + two)


def _simulated(
    fit: PurchaseFit, twin: PurchaseFit, summary: PurchaseSummary, statistic: float, seed: int
) -> float:  # fmt: skip
    """The share of shops, simulated without leaving, whose ratio is as large."""
    ages = np.sort((summary.T * summary.unit_days)[summary.ordered])  # whatever order the customers come in
    random = np.random.default_rng([seed, 17])
    if len(ages) > _MOST:
        ages = random.choice(ages, _MOST, replace=False)
    larger = 0
    for draw in range(_DRAWS):
        who, when = twin.simulate(ages, seed=seed * 1000 + draw)
        again = PurchaseSummary.from_times(who, when, ages)
        try:
            gain = 2.0 * (fit.model.fit(again).log_likelihood - twin.model.fit(again).log_likelihood)
        except HoldfastError:
            continue  # a shop so thin that nothing can be fitted shows no dropout
        larger += gain >= statistic
        if larger == _SETTLED:
            return larger / (draw + 1)
    return (1 + larger) / (_DRAWS + 1)


def _reason(model_id: str, identified: bool, statistic: float, p_value: float) -> Text:
    found = f"{statistic:.1f}"
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    if identified:
        return Text(
            f"Some customers leave for good: {model_id} fits better than the same without leaving "
            f"(likelihood ratio {found}, {p}).",
            f"部分客户会永久离开：{model_id}比无人离开的同类模型拟合更好（似然比{found}，{p}）。",
        )
    return Text(
        "The orders do not tell customers who left from customers who are silent "
        f"({model_id} against the same without leaving: likelihood ratio {found}, {p}), so nobody's chance to be alive is told.",
        f"订单数据无法区分已离开与暂时沉默的客户（{model_id}与无人离开的同类模型相比，似然比{found}，{p}），因此不给出存活概率。",
    )
