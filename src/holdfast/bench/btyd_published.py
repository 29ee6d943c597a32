"""The table of the papers beside ours, on the 2,357 customers of the CDNOW sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from holdfast.core.progress import Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.bench.btyd_data import Cdnow
    from holdfast.models.btyd.fit import PurchaseFit

DATA = "cdnow sample"
#: Parameters and log-likelihood as published; Fader, Hardie & Lee (2005), table 2, for the first two.
PUBLISHED: dict[str, tuple[tuple[float, ...], float]] = {
    "bg_nbd": ((0.243, 4.414, 0.793, 2.426), -9582.4),
    "pareto_nbd": ((0.553, 10.578, 0.606, 11.669), -9595.0),
    "mbg_nbd": ((0.525, 6.183, 0.891, 1.614), -9582.1),
}
#: Fader & Hardie (2013), on 946 customers with a repeat order.
ORDER_VALUE: tuple[tuple[float, ...], float] = ((6.25, 3.74, 15.44), -4055.9)
#: Published distance of expected from actual cumulative repeat orders at week 78.
TRACKED = {"bg_nbd": -0.042, "pareto_nbd": -0.017}


def published(progress: Progress) -> list[Score]:
    """Parameters with 95% intervals, log-likelihoods, tracking, and what leaves 39 weeks of it unsaid."""
    from holdfast.bench.btyd_data import Cdnow
    from holdfast.bench.shops import data_file
    from holdfast.models.btyd.purchase import PURCHASE_MODELS

    cdnow = Cdnow.read(data_file("cdnow/CDNOW_sample.txt"))
    summary = cdnow.summary()
    found: list[Score] = []
    fits: dict[str, PurchaseFit] = {}
    for at, name in enumerate(("nbd", *PUBLISHED)):
        progress.step("bench btyd: published", at, 4)
        fits[name] = PURCHASE_MODELS[name]().fit(summary)
        found += beside(fits[name], *PUBLISHED.get(name, (None, None)))
    progress.step("bench btyd: published", 4, 4)
    return found + order_value(cdnow) + tracking(cdnow, fits) + dropout(cdnow)


def beside(fit: PurchaseFit, values: tuple[float, ...] | None, log_likelihood: float | None) -> list[Score]:
    """Each parameter (95% interval) and the log-likelihood, ours and the paper's."""
    protocol = f"{fit.model_id}, 39 weeks to 1997-09-30, in weeks, repeat orders, one a day"
    rows = []
    for at, (name, value) in enumerate(fit.parameters.items()):
        low, high = fit.intervals()[name] or (None, None)
        rows.append(Score("btyd", DATA, protocol, fit.model_id, name, value, low, high, fit.customers))
        if values is not None:
            rows.append(Score("btyd", DATA, protocol, f"{fit.model_id}_published", name, values[at]))
    rows.append(Score("btyd", DATA, protocol, fit.model_id, "log_likelihood", fit.log_likelihood, n=fit.customers))
    if log_likelihood is not None:
        rows.append(Score("btyd", DATA, protocol, f"{fit.model_id}_published", "log_likelihood", log_likelihood))
    return rows


def order_value(cdnow: Cdnow) -> list[Score]:
    """Gamma-Gamma, ours and the paper's, and how far frequency and value are correlated."""
    from holdfast.models.btyd.gamma_gamma import GammaGamma

    fit = GammaGamma().fit(*cdnow.values())
    protocol = "gamma_gamma, mean value of repeat orders to 1997-09-30, in dollars"
    rows = []
    for (name, value), paper in zip(fit.parameters.items(), ORDER_VALUE[0], strict=True):
        reach = np.exp(1.96 * (fit.standard_errors[name] or 0.0) / value)  # on the log scale
        ends = (value / reach, value * reach)
        rows.append(Score("btyd", DATA, protocol, "gamma_gamma", name, value, *ends, fit.customers))
        rows.append(Score("btyd", DATA, protocol, "gamma_gamma_published", name, paper))
    rows.append(Score("btyd", DATA, protocol, "gamma_gamma", "log_likelihood", fit.log_likelihood, n=fit.customers))
    rows.append(Score("btyd", DATA, protocol, "gamma_gamma_published", "log_likelihood", ORDER_VALUE[1]))
    rows.append(Score("btyd", DATA, protocol, "gamma_gamma", "correlation", fit.correlation, n=fit.customers))
    return rows


def tracking(cdnow: Cdnow, fits: dict[str, PurchaseFit]) -> list[Score]:
    """Expected over actual cumulative repeat orders, less 1, at the end of learning and at week 78."""
    from holdfast.models.btyd.track import actual, cumulative

    rows = []
    for week, which in ((39, "seen"), (78, "39 of them unseen")):
        days = cdnow.weeks(week)[-1:]
        seen = int(actual(cdnow.who, cdnow.when, days)[0])
        protocol = f"cumulative repeat orders to week {week} ({which}), expected / actual - 1"
        for name, fit in fits.items():
            value = float(cumulative(fit, cdnow.born, days)[0]) / seen - 1
            rows.append(Score("btyd", DATA, protocol, name, "bias", value, n=seen))
            if week == 78 and name in TRACKED:
                rows.append(Score("btyd", DATA, protocol, f"{name}_published", "bias", TRACKED[name]))
    return rows


def dropout(cdnow: Cdnow) -> list[Score]:
    """What the likelihood chooses, and whether anybody leaves."""
    from holdfast.models.btyd.choose import choose_purchase_model

    choice = choose_purchase_model(cdnow.summary())
    test = choice.dropout
    protocol = f"dropout in {test.model_id} against the same without it; chosen by BIC: {choice.chosen}"
    return [
        Score("btyd", DATA, protocol, test.model_id, "likelihood_ratio", test.statistic),
        Score("btyd", DATA, protocol, test.model_id, "p_value", test.p_value),
    ]
