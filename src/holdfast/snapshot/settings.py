"""Who gets a row, what counts as an outcome, and how folds are laid."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class PopulationSettings:
    """Section `[population]`: who gets a prediction."""

    active_by: str = setting(
        "order",
        "What makes somebody active: an order, or (for shops with browsing) any act of the customer's own.",
        choices=("order", "event"),
    )
    within: str = setting("180d", "How long before the cutoff the last sign of life may lie; whole days.")


@dataclass(frozen=True)
class OutcomeSettings:
    """Section `[outcome]`: what counts as an order in the horizon."""

    cancelled_orders: str = setting(
        "count",
        "An order cancelled on a later day: count it as an order, or drop it. One voided on its own day never counts.",
        choices=("count", "drop"),
    )


@dataclass(frozen=True)
class ForecastSettings:
    """Section `[forecast]`: how far ahead, and which cutoffs a model learns from."""

    horizon: str = setting("30d", "How far ahead churn is asked for.")
    gap: str = setting("0d", "Dead time between cutoff and horizon.")
    step: str = setting("15d", "Days between training cutoffs; whole days.")
    slices: int = setting(24, "At most so many training cutoffs, the newest.")
    warm_up: str = setting("90d", "History before the first training cutoff.")
    tests: int = setting(5, "Test cutoffs of a backtest, one horizon apart.")


#: The defaults, as values that a signature may name.
BY_ORDER = PopulationSettings()
EVERYBODY = PopulationSettings(within="36500d")  # anybody who ever ordered: what purchase processes learn from
COUNTED_ORDERS = OutcomeSettings()

SECTIONS.add("population", PopulationSettings)
SECTIONS.add("outcome", OutcomeSettings)
SECTIONS.add("forecast", ForecastSettings)
