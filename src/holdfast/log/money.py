"""What a line is worth, as one expression: the definition of revenue that every count of money uses."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

#: Event types that carry money, with their sign.
SIGNS: dict[str, int] = {"purchase": 1, "refund": -1, "cancel": -1}
#: No line is worth more, 10^14 of the currency; what is written as more is a slip, and sums stay within 64 bits.
_LARGEST = 1e18


def line_amount(events: ir.Table) -> ir.IntegerValue:
    """quantity x unit_price - discount, rounded once to 1/10,000; 0 where it is not known or no number at all."""
    gross = events.quantity.coalesce(1.0) * events.unit_price
    # Not a number and infinity are greater than every number, so that they fail the test, too.
    whole = ibis.ifelse(gross.abs() < _LARGEST, gross, 0.0).round().cast("int64").coalesce(0)
    return whole - events.discount.coalesce(0)


def signed_amount(events: ir.Table) -> ir.IntegerValue:
    """The same with the sign of the event type; 0 for events that are no sale."""
    amount = line_amount(events)
    minus = events.event_type.isin([name for name, sign in SIGNS.items() if sign < 0])
    return ibis.cases((events.event_type == "purchase", amount), (minus, -amount), else_=ibis.literal(0, "int64"))
