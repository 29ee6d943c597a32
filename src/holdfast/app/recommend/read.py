"""From the log to what recommenders read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.clock import Cutoff

if TYPE_CHECKING:
    from holdfast.core.interactions import Interactions
    from holdfast.snapshot.ledger import Ledger


def past_at(ledger: Ledger, cutoff: Cutoff, customer: str | None = None) -> Interactions:
    """What everybody, or one customer, did with items before a cutoff, and what was shown to them.

    A cutoff at the end of the history is the present: then items are as the newest catalogue says, also where it does
    not say since when. At an earlier one only what was known then counts; names are always today's.
    """
    from dataclasses import replace

    from holdfast.snapshot.folds import default_cutoff
    from holdfast.snapshot.interactions import OWN_ACTS, interactions

    now = cutoff >= default_cutoff(ledger.log)
    if customer is not None:
        events = ledger.log.events
        events = events.filter(events.customer_id == customer)
        ledger = replace(ledger, log=replace(ledger.log, events=events))
    types = (*OWN_ACTS, "exposure")
    return interactions(ledger, cutoff, event_types=types, titles="newest", attributes="newest" if now else "known")
