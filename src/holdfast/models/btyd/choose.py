"""Which purchase model: BIC chooses, and the test of dropout says whether anybody can be called gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from holdfast.core.errors import HoldfastError, TooLittleData
from holdfast.models.btyd.dropout import Dropout, dropout_test
from holdfast.models.btyd.fit import PurchaseFit
from holdfast.models.btyd.purchase import PURCHASE_MODELS
from holdfast.models.btyd.summary import PurchaseSummary

#: Models that are fitted. BG/NBD and BG/CNBD-k are never chosen: they hold every one-time buyer for alive.
FITTED_MODELS = ("nbd", "bg_nbd", "mbg_nbd", "pareto_nbd", "cnbd_k", "mbg_cnbd_k")
#: The same without those that cannot be chosen.
CHOOSABLE = ("nbd", "mbg_nbd", "pareto_nbd", "cnbd_k", "mbg_cnbd_k")
#: The model that dropout is tested in whatever is chosen.
TESTED = "mbg_nbd"
#: A population's parameters are known well enough from so many different histories.
_ENOUGH = 50_000


@dataclass(frozen=True)
class PurchaseChoice:
    """All fits by model id, the chosen one, whether dropout is identified, and the fit that then says who is alive."""

    fits: Mapping[str, PurchaseFit]
    chosen: str
    dropout: Dropout

    @property
    def fit(self) -> PurchaseFit:
        """The chosen fit."""
        return self.fits[self.chosen]

    @property
    def alive(self) -> PurchaseFit | None:
        """The fit whose P(alive) may be told, or None where dropout is not identified."""
        if not self.dropout.identified:
            return None
        return self.fit if _leaving(self.fit) else self.fits[self.dropout.model_id]

    def as_dict(self) -> dict[str, Any]:
        return {
            "chosen": self.chosen,
            "models": {name: fit.as_dict() for name, fit in self.fits.items()},
            "dropout": self.dropout.as_dict(),
        }


def choose_purchase_model(
    summary: PurchaseSummary, models: Sequence[str] = FITTED_MODELS, *, seed: int = 1, simulate: bool = True,
    climbs: int = 2,
) -> PurchaseChoice:  # fmt: skip
    """Fit the models, choose by BIC among those that let a one-time buyer leave, and test whether anybody leaves.

    Dropout counts as identified only if it shows in mbg_nbd, where orders are Poisson, and in the chosen model, which may
    have more regular gaps: a silence that means leaving under one assumption and chance under the other tells nothing. Shops
    with more than 50,000 different histories are fitted on a part of them. A model that cannot be fitted is left out.
    Raises TooLittleData where the history is too thin for any. `simulate`: as in `dropout_test`;
    `climbs`: as in `PurchaseModel.fit`.
    """
    seen = learnable(summary)
    fits = fitted(seen, models, climbs)
    able = {name: fit for name, fit in fits.items() if fit.model.one_timers_may_leave}
    if TESTED not in able:
        raise TooLittleData(f"{TESTED} could not be fitted", remedy="import more orders")
    chosen = min(able, key=lambda name: able[name].bic)
    tested = [TESTED, *([chosen] if chosen != TESTED and _leaving(able[chosen]) else [])]
    tests = [
        dropout_test(fits[name], seen, twin=_twin(fits[name], fits), seed=seed, simulate=simulate) for name in tested
    ]
    return PurchaseChoice(fits, chosen, max(tests, key=lambda one: one.p_value))


def fitted(summary: PurchaseSummary, models: Sequence[str], climbs: int = 2) -> dict[str, PurchaseFit]:
    """The models that could be fitted, by id."""
    fits: dict[str, PurchaseFit] = {}
    for name in models:
        try:
            fits[name] = PURCHASE_MODELS[name]().fit(summary, climbs=climbs)
        except TooLittleData:
            raise
        except HoldfastError:
            continue  # no convergence: it does not compete
    return fits


def _leaving(fit: PurchaseFit) -> bool:
    return fit.model.without_dropout() is not None


def learnable(summary: PurchaseSummary) -> PurchaseSummary:
    """The summary, or a fair part of its customers where there are more histories than a fit needs."""
    if summary.opportunities or summary.groups <= _ENOUGH:
        return summary
    known = np.flatnonzero(summary.ordered)
    kept = summary.group % (-(-summary.groups // _ENOUGH)) == 0
    return summary.take(known[kept])


def _twin(fit: PurchaseFit, fits: Mapping[str, PurchaseFit]) -> PurchaseFit | None:
    """The fit without dropout, if it was made already."""
    plain = fit.model.without_dropout()
    return next((one for one in fits.values() if one.model == plain), None)
