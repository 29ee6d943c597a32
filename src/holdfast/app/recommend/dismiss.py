"""A customer says no to an item: one event, imported like any other, that acts at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from holdfast.app.answer import Answer
from holdfast.app.moment import acting_at
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import INSTANT
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.shop import Shop

DONE = Text("{items}: not shown to {id} for {days}.", "{items}：{days}内不再向 {id} 展示。")


def dismiss(
    shop: Shop, customer: str, items: Sequence[str], language: Language, *, progress: Progress = SILENT
) -> Answer:
    """Record that a customer does not want some items; raises `UsageError` for a customer or item that is not known."""
    from holdfast.app.recommend.ask import Published, _known_items
    from holdfast.app.study import history

    held = Published.open(shop, language)
    _known_items(held.shelf, items)
    with shop.engine() as engine:
        log, _ = history(shop, engine, progress=progress)
        mine = log.events.filter(log.events.customer_id == customer)
        seen = engine.arrow(mine.select("source", "source_id").distinct().order_by(["source", "source_id"]).limit(1))
        if not seen.num_rows:
            raise UsageError(f"no customer {customer!r} in this history", remedy="check the id with: holdfast explain")
        at = acting_at(log.last_event_at)
    who = seen.to_pylist()[0]
    shop.add(_rows(who["source_id"], items, at), preset="holdfast", source=who["source"], progress=progress)
    days = held.rules.dismissed_for
    data = {"customer_id": customer, "dismissed": list(items), "occurred_at": at.isoformat(), "for": days}
    return Answer(data, DONE.render(language, items=", ".join(items), id=customer, days=days))


def _rows(source_id: str, items: Sequence[str], at: datetime) -> Any:
    n = len(items)
    return pa.table(
        {
            "customer_id": pa.array([source_id] * n, pa.string()),
            "occurred_at": pa.array([at] * n, INSTANT),
            "event_type": pa.array(["dismiss"] * n, pa.string()),
            "item_id": pa.array(list(items), pa.string()),
        }
    )
