"""Forecasts of the purchase models on real shops at their reference cutoffs, and why P(alive) is no risk score."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.progress import Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.tables import FeatureTable, Slices
    from holdfast.models.btyd.fit import PurchaseFit

ASKED = (("online_retail", "30d"), ("online_retail", "90d"), ("cdnow", "90d"), ("cdnow", "273d"))
#: Models beside the chosen one.
NAMED = ("nbd", "bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k")


def shops(progress: Progress) -> list[Score]:
    """Every shop and horizon, for customers active in the last half year and for everybody."""
    from holdfast.bench.shops import cutoffs_of, histories_of, open_shop, slices_of
    from holdfast.engine.duck import Engine
    from holdfast.snapshot.settings import BY_ORDER, EVERYBODY

    found: list[Score] = []
    with TemporaryDirectory() as folder, Engine() as engine:
        ledgers: dict[str, Any] = {}
        for at, (name, text) in enumerate(ASKED):
            progress.step("bench btyd: shops", at, len(ASKED))
            if name not in ledgers:
                ledgers[name] = open_shop(name, engine, Path(folder) / name, progress)
            horizon = Horizon.parse(text)
            cutoff = cutoffs_of(name, horizon)[1][-1]
            histories = histories_of(ledgers[name], [cutoff])
            for who, population in (("ordered in the last 180 days", BY_ORDER), ("everybody", EVERYBODY)):
                slices = slices_of(ledgers[name], horizon, [cutoff], population=population)
                found += forecasts(name, histories, slices, cutoff, horizon, who)
        progress.step("bench btyd: shops", len(ASKED), len(ASKED))
    return found


def forecasts(
    name: str, histories: FeatureTable, slices: Slices, cutoff: Cutoff, horizon: Horizon, who: str
) -> list[Score]:
    """AUC and log loss of P(no order) by model; the chosen one's calibration; 1 - P(alive) as the lesson."""
    from holdfast.metrics.probability import ece, log_loss
    from holdfast.metrics.ranking import auc
    from holdfast.models.btyd.choose import choose_purchase_model
    from holdfast.models.btyd.columns import histories_at

    summary, place = histories_at(histories, cutoff, slices.features.key)
    choice = choose_purchase_model(summary)
    churned = slices.outcomes.churned
    protocol = f"churned, {horizon} from {str(cutoff)[:10]}, {who}, P(no order)"
    fits = {"btyd": choice.fit, **{one: choice.fits[one] for one in NAMED}}
    rows = []
    for model, fit in fits.items():
        p = fit.p_no_order(summary, horizon)[place]
        for metric, value in (("auc", auc(churned, p)), ("log_loss", log_loss(churned, p)), ("ece", ece(churned, p))):
            rows.append(Score("btyd", name, protocol, model, metric, float(value), n=len(p)))
    if name == "cdnow":
        rows += by_tenth(name, protocol, churned, choice.fit.p_no_order(summary, horizon)[place])
    rows += lesson(name, protocol, churned, {one: choice.fits[one] for one in NAMED[1:4]}, summary, place)
    test, told = choice.dropout, f"{name}, everybody to {str(cutoff)[:10]}: dropout in {choice.dropout.model_id}"
    if who == "everybody":
        told += f", identified: {'yes' if test.identified else 'no'}; chosen by BIC: {choice.chosen}"
        rows.append(Score("btyd", name, told, test.model_id, "likelihood_ratio", test.statistic, n=len(summary)))
        rows.append(Score("btyd", name, told, test.model_id, "p_value", test.p_value, n=len(summary)))
    return rows


def by_tenth(name: str, protocol: str, churned: np.ndarray, p: np.ndarray) -> list[Score]:
    """The share that did not order in each tenth by P(no order), with its 95% interval, beside what was said."""
    from holdfast.metrics.probability import bin_of, wilson

    rows = []
    tenth = bin_of(p)
    for one in np.unique(tenth):
        inside = tenth == one
        seen, said, n = float(churned[inside].mean()), float(p[inside].mean()), int(inside.sum())
        part = f"{protocol} by tenth: said, and seen with its 95% interval"
        rows.append(Score("btyd", name, part, f"tenth_{int(one) + 1}", "p_no_order", said, n=n))
        rows.append(Score("btyd", name, part, f"tenth_{int(one) + 1}", "churn_rate", seen, *wilson(seen, n), n))
    return rows


def lesson(
    name: str, protocol: str, churned: np.ndarray, fits: dict[str, PurchaseFit], summary: Any, place: np.ndarray
) -> list[Score]:
    """The AUC of 1 - P(alive) as if it were the risk."""
    from holdfast.metrics.ranking import auc

    wrong = protocol.replace("P(no order)", "1 - P(alive), shown as a lesson: it is no risk score")
    return [
        Score("btyd", name, wrong, model, "auc", float(auc(churned, 1 - fit.p_alive(summary)[place])), n=len(place))
        for model, fit in fits.items()
    ]
