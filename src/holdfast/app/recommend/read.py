"""From the log to what recommenders read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast.core.clock import Cutoff

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.core.interactions import Interactions, ItemOutcomes
    from holdfast.core.log import EventLog
    from holdfast.engine.duck import Engine


def past_at(
    engine: Engine, log: EventLog, cutoff: Cutoff, customers: Sequence[str] | None = None
) -> Interactions:
    """What everybody, or some customers, did with items before a cutoff."""
    from holdfast.snapshot.interactions import interactions

    return interactions(engine, log, cutoff, customers=customers)


def later_than(question: Study, then: Interactions, cutoff: Cutoff) -> ItemOutcomes:
    """What the same customers bought in the horizon after an earlier cutoff."""
    from holdfast.snapshot.item_outcomes import item_outcomes

    asked = question.asked
    return item_outcomes(
        question.engine, question.log, then.customer_id, cutoff, asked.horizon, asked.gap, known_at=question.ends
    )
