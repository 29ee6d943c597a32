"""What the purchase models say as of each cutoff, as feature columns of family "btyd"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from holdfast.core.clock import NO_GAP, Cutoff, Duration, Horizon
from holdfast.core.errors import HoldfastError, UsageError
from holdfast.core.tables import FeatureColumn, FeatureTable, Key
from holdfast.core.text import Text
from holdfast.models.btyd.choose import CHOOSABLE, PurchaseChoice, choose_purchase_model, learnable
from holdfast.models.btyd.purchase import PURCHASE_MODELS
from holdfast.models.btyd.rows import Floats
from holdfast.models.btyd.summary import PurchaseSummary

FAMILY = "btyd"
#: The model that the likelihood chooses at each cutoff.
CHOSEN = "btyd"
#: One climb finds the same top as two on every shop tried (to 1e-5 in log-likelihood), and there are many cutoffs.
_CLIMBS = 1
HISTORY = ("frequency", "t_x", "T")
_MISSING = "no order before the cutoff, or too few customers to learn from"


def btyd_columns(
    histories: FeatureTable, key: Key, horizon: Horizon, gap: Duration = NO_GAP, models: Sequence[str] = (CHOSEN,),
) -> FeatureTable:  # fmt: skip
    """Columns for the rows of `key`, learnt at each cutoff from the histories of everybody at that cutoff alone.

    For each name in `models` (purchase models, or "btyd" for the one the likelihood chooses) `<name>_p_no_order` is P(no
    order in the horizon); "btyd" adds `btyd_expected_orders` and `btyd_p_alive` (NaN where dropout is not identified).
    """
    for name in models:
        if name != CHOSEN and PURCHASE_MODELS[name].opportunities:
            raise UsageError(
                f"{name} reads opportunities, not (frequency, t_x, T)", remedy="use another purchase model"
            )
    columns = tuple(column for name in models for column in _columns_of(name))
    values = np.full((len(key), len(columns)), np.nan, np.float32)
    for cutoff in key.cutoffs:
        rows = np.flatnonzero(key.at([cutoff]))
        summary, where = histories_at(histories, cutoff, key.take(rows))
        choice = _choice(summary) if CHOSEN in models else None
        told = [one for name in models for one in _told(name, choice, summary, horizon, gap)]
        found = where >= 0
        for at, said in enumerate(told):
            values[rows[found], at] = said[where[found]]
    return FeatureTable(key, columns, values)


def histories_at(histories: FeatureTable, cutoff: Cutoff, key: Key) -> tuple[PurchaseSummary, np.ndarray]:
    """Everybody's history as of the cutoff, and which of them each row of the key is (-1: none)."""
    here = histories.at([cutoff])
    place = pc.index_in(key.customer_id, value_set=here.key.customer_id).fill_null(-1)
    return PurchaseSummary.from_features(here), place.to_numpy(zero_copy_only=False).astype(np.int64)


def _choice(summary: PurchaseSummary) -> PurchaseChoice | None:
    """The chosen model, or None for a shop too thin for any."""
    try:
        return choose_purchase_model(summary, CHOOSABLE, simulate=False, climbs=_CLIMBS)
    except HoldfastError:
        return None


def _told(
    name: str, choice: PurchaseChoice | None, summary: PurchaseSummary, horizon: Horizon, gap: Duration
) -> list[Floats]:
    """The columns of one model; NaN throughout where it cannot be fitted."""
    nothing = np.full(len(summary), np.nan)
    if name == CHOSEN:
        if choice is None:
            return [nothing] * len(_columns_of(name))
        alive = nothing if choice.alive is None else choice.alive.p_alive(summary)
        fit = choice.fit
        return [fit.p_no_order(summary, horizon, gap), fit.expected_orders(summary, horizon, gap), alive]
    if choice is not None and name in choice.fits:  # fitted already
        return [choice.fits[name].p_no_order(summary, horizon, gap)]
    try:
        return [PURCHASE_MODELS[name]().fit(learnable(summary), climbs=_CLIMBS).p_no_order(summary, horizon, gap)]
    except HoldfastError:
        return [nothing]


def _columns_of(name: str) -> tuple[FeatureColumn, ...]:
    def column(what: str, unit: str, en: str, zh: str, missing: str = _MISSING) -> FeatureColumn:
        return FeatureColumn(f"{name}_{what}", unit, "", missing, FAMILY, Text(en, zh))

    p = column("p_no_order", "probability", "buys seldom enough to stay away: {value}", "按购买节奏不下单的概率{value}")
    if name != CHOSEN:
        return (p,)
    return (
        p,
        column("expected_orders", "orders", "{value} orders expected from the purchase rhythm", "按购买节奏预计下单{value}次"),
        column(
            "p_alive", "probability", "still a customer with probability {value}", "仍是客户的概率{value}",
            f"{_MISSING}, or the orders do not tell who has left",
        ),
    )  # fmt: skip
