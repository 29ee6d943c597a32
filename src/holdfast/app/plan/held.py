"""Whom the shop itself never treats: the attribute that `[treated] holdout` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.tables import Key

if TYPE_CHECKING:
    import pyarrow as pa


def held_by_shop(question: Any, ids: pa.Array) -> NDArray[np.bool_]:
    """As known at the cutoff, one answer for each id."""
    from holdfast.core.schema import CUSTOMERS, EXPOSURES
    from holdfast.snapshot.assignments import assigned
    from holdfast.snapshot.treated_settings import TreatedSettings

    kept = question.log.tables.get("customers")
    people = CUSTOMERS.empty() if kept is None else question.engine.arrow(kept)
    found = assigned(
        Key.of(ids, question.asked.cutoff), EXPOSURES.schema.empty_table(), people, Horizon.parse("1d"),
        question.asked.gap, question.shop.config.section(TreatedSettings), question.asked.cutoff.plus(Horizon.parse("1d"), question.asked.gap),
    )  # fmt: skip
    return np.asarray(found.holdout, bool)
