"""Money as whole 1/10,000 of a currency unit, so that sums are exact in any order."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

MONEY_SCALE = 10_000


def to_money(amount: str | int | float | Decimal) -> int:
    """An amount in currency units as an exact integer of 1/10,000.

    >>> to_money("2.55")
    25500
    """
    return int((Decimal(str(amount)) * MONEY_SCALE).to_integral_value(rounding=ROUND_HALF_EVEN))


def to_units(money: int | float) -> float:
    """1/10,000 back to currency units, for the last step: showing it.

    >>> to_units(25500)
    2.55
    """
    return float(money) / MONEY_SCALE
