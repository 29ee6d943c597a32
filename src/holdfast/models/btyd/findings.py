"""What a release tells from the purchase models: one answer a customer, and a summary for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Duration, Horizon
from holdfast.core.errors import HoldfastError, TooLittleData, UsageError
from holdfast.core.tables import FeatureTable, Key
from holdfast.core.text import Text
from holdfast.models.btyd.choose import PurchaseChoice, choose_purchase_model
from holdfast.models.btyd.fit import LOOK_AHEAD_DAYS
from holdfast.models.btyd.gamma_gamma import GammaGamma, GammaGammaFit
from holdfast.models.btyd.rows import Floats
from holdfast.models.btyd.summary import PurchaseSummary
from holdfast.models.btyd.track import histogram, tracking

SECOND_ORDER_DAYS = (30, 60, 90)
FAR = Text(
    f"An order within {LOOK_AHEAD_DAYS} days is less likely than none.",
    f"{LOOK_AHEAD_DAYS}天内下单的可能性不到一半。",
)
NEVER = Text("This customer has not ordered yet.", "该客户尚未下单。")


@dataclass(frozen=True)
class PurchaseFindings:
    """One entry a customer of `key`; NaN (NaT) where there is nothing to tell, for the reason given.

    p_second_order: customers x (30, 60, 90 days), for customers with one order. next_order_at: microseconds UTC of the
    cutoff plus whole days, -1 beyond 180 days (reason `FAR`). order_value: expected value of the next order (currency).
    `summary` is what the report draws.
    """

    key: Key
    choice: PurchaseChoice
    value: GammaGammaFit | None
    p_no_order: Floats
    p_alive: Floats
    expected_orders: Floats
    p_second_order: Floats
    days_to_next_order: Floats
    order_value: Floats
    summary: dict[str, Any]

    @property
    def p_alive_missing(self) -> Text | None:
        """Why nobody has a p_alive, or None."""
        return None if self.choice.alive else self.choice.dropout.reason

    @property
    def next_order_at(self) -> NDArray[np.datetime64]:
        """The instant (UTC, whole days after the cutoff) by which an order is as likely as not; NaT where none is told."""
        days = np.where(np.isfinite(self.days_to_next_order), self.days_to_next_order, 0).astype(np.int64)
        at = (self.key.cutoff + days * 86_400_000_000).astype("datetime64[us]")
        at[~np.isfinite(self.days_to_next_order)] = np.datetime64("NaT")
        return at

    def next_order_missing(self, row: int) -> Text | None:
        """Why this customer has no next_order_at, or None."""
        days = self.days_to_next_order[row]
        return FAR if np.isinf(days) else NEVER if np.isnan(days) else None

    def to_bytes(self) -> dict[str, bytes]:
        """The fits by file name; they hold no customers."""
        files = {"purchase.json": self.choice.fit.to_bytes()}
        if self.choice.alive is not None and self.choice.alive is not self.choice.fit:
            files["purchase_alive.json"] = self.choice.alive.to_bytes()
        if self.value is not None:
            files["order_value.json"] = self.value.to_bytes()
        return files


def purchase_findings(
    histories: FeatureTable, horizon: Horizon, *, gap: Duration = NO_GAP, order_days: Any = None, seed: int = 1
) -> PurchaseFindings:  # fmt: skip
    """Fit, choose and evaluate the purchase models on the histories of everybody at one cutoff.

    `histories`: frequency, t_x, T (days) and monetary_value where known, of everybody who ever ordered. `order_days`:
    an Arrow table with customer_id and local_day up to the cutoff, for the tracking curve. Raises TooLittleData where the
    history is too thin: a release then leaves these columns null and says so.
    """
    if len(histories.key.cutoffs) != 1:
        raise UsageError(f"{len(histories.key.cutoffs)} cutoffs at once", remedy="give the histories of one cutoff")
    summary = PurchaseSummary.from_features(histories)
    choice = choose_purchase_model(summary, seed=seed)
    fit, alive = choice.fit, choice.alive
    value, worth = _worth(histories, summary)
    report = {
        **choice.as_dict(),
        "unit": {"en": "days", "zh": "天"},
        "horizon": str(horizon),
        "orders": histogram(fit, summary),
        "tracking": None if order_days is None else tracking(fit, order_days),
        "value": None if value is None else {**value.parameters, "note": {"en": value.note.en, "zh": value.note.zh}},
    }
    return PurchaseFindings(
        key=histories.key,
        choice=choice,
        value=value,
        p_no_order=fit.p_no_order(summary, horizon, gap),
        p_alive=np.full(len(summary), np.nan) if alive is None else alive.p_alive(summary),
        expected_orders=fit.expected_orders(summary, horizon, gap),
        p_second_order=np.column_stack([fit.p_second_order(summary, float(days)) for days in SECOND_ORDER_DAYS]),
        days_to_next_order=fit.days_to_next_order(summary),
        order_value=worth,
        summary=report,
    )


def _worth(histories: FeatureTable, summary: PurchaseSummary) -> tuple[GammaGammaFit | None, Floats]:
    """Gamma-Gamma and each customer's expected order value; none where repeat orders are too few."""
    nothing = np.full(len(summary), np.nan)
    if "monetary_value" not in histories.names:
        return None, nothing
    money = np.maximum(histories.column("monetary_value").astype(np.float64), 0.0)
    try:
        fit = GammaGamma().fit(summary.frequency, money)
    except TooLittleData:
        return None, nothing
    except HoldfastError:
        return None, nothing
    return fit, np.asarray(np.where(summary.ordered, fit.expected_value(summary.frequency, money), np.nan))
