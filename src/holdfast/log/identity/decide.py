"""What a person decides about identities: part an id from the others, or let it follow its keys again.

Both are facts with an instant, kept beside the keys, so that every merge can be undone and the undoing, too.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from holdfast.core.errors import UsageError
from holdfast.engine.duck import Engine
from holdfast.log.store import Lake
from holdfast.log.tables import STORED_DECISIONS


def unmerge(engine: Engine, lake: Lake, source: str, source_id: str, *, now: datetime) -> None:
    """From `now` on this id stands alone, whatever keys it shares. What was known before stays as it was known."""
    _decide(engine, lake, source, source_id, alone=True, now=now)


def follow_keys(engine: Engine, lake: Lake, source: str, source_id: str, *, now: datetime) -> None:
    """Take an `unmerge` back: from `now` on the id follows its keys again."""
    _decide(engine, lake, source, source_id, alone=False, now=now)


def _decide(engine: Engine, lake: Lake, source: str, source_id: str, *, alone: bool, now: datetime) -> None:
    keys = lake.table(engine, "identity_keys")
    if not engine.scalar(keys.filter(keys.source == source, keys.source_id == source_id).count()):
        raise UsageError(
            f"no key was ever seen for {source_id!r} of {source!r}, so it is merged with nobody",
            remedy="name an id as its source writes it",
        )
    row = {"source": [source], "source_id": [source_id], "alone": [alone], "decided_at": [now]}
    table = STORED_DECISIONS.conform(pa.table({**row, "decided_at": pa.array([now], pa.timestamp("us", tz="UTC"))}))
    with lake.writing() as draft:
        draft.add(engine, "identity_decisions", engine.memory(table), source=source, order=("decided_at",))
        draft.publish()
