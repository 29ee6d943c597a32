"""One import: everything a source gives, taken into the lake in one atomic step.

    read = kept + known + rejected

to the row, where `known` rows were in the lake already and `rejected` rows are kept beside it, to be replayed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from holdfast.core.clock import Window
from holdfast.core.errors import InputRefused, UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.engine.duck import Engine
from holdfast.log.admit import Admitted, admit_events, reused_as_rejected
from holdfast.log.admit_facts import admit_facts, admit_keys, admit_rejected
from holdfast.log.batch import BatchSource
from holdfast.log.staging import Staged, stage
from holdfast.log.store import Draft, Lake


@dataclass(frozen=True)
class Receipt:
    """What an import did: data rows of the file, and rows of each table.

    `read = kept + known + rejected`; `versions` of the kept rows replaced an older content of the same event_id;
    `assumed_recorded_at` says that the source named no recording time, so occurred_at (plus the delay) stands for it.
    """

    read: int
    kept: int
    known: int
    rejected: int
    versions: int
    rows_by_table: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    assumed_recorded_at: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def take_in(
    engine: Engine,
    lake: Lake,
    source: BatchSource,
    *,
    zone: str,
    currency: str,
    now: datetime,
    delay: str = "",
    pepper: str = "",
    progress: Progress = SILENT,
) -> Receipt:
    """Import one source. Killed at any moment, the lake is as before or as after.

    `now` becomes loaded_at, and recorded_at of changed rows whose source names none. `delay` ("1d") is how long the
    shop's source usually takes to know of an event. Raises `InputRefused` where the source gives no row at all, and
    `StateError` while another process writes.
    """
    if now.tzinfo is None:
        raise UsageError("the time of an import needs a time zone", remedy="pass datetime.now(UTC)")
    late = Window.parse(delay).length if delay else timedelta(0)
    with lake.writing() as draft:
        staged = stage(source, draft.staging, pepper, progress)
        if not staged.read:
            raise InputRefused("there is not one data row", where=source.origin, remedy="check what was exported")
        progress.step("store", 0, 3)
        receipt = _admit(engine, draft, staged, source, now, late, progress)
        progress.step("store", 3, 3)
        if receipt.kept or receipt.rejected or any(receipt.rows_by_table.values()):
            draft.record(
                {
                    "source": source.source,
                    "origin": source.origin,
                    "preset": source.preset,
                    "clean": dict(source.clean),
                    "zone": zone,
                    "currency": currency,
                    "loaded_at": now.isoformat(),
                    "delay": delay,
                    **receipt.as_dict(),
                }
            )
            draft.publish()
    return receipt


def _admit(
    engine: Engine,
    draft: Draft,
    staged: Staged,
    source: BatchSource,
    now: datetime,
    delay: timedelta,
    progress: Progress,
) -> Receipt:
    name = source.source
    events, reused = admit_events(engine, draft, staged, name, now, delay)
    progress.step("store", 1, 3)
    tables = {"events": events.new} if events.staged else {}
    tables |= admit_facts(engine, draft, staged, name, now)
    keys = admit_keys(engine, draft, staged, name, now)
    tables |= {"identity_keys": keys} if keys else {}
    progress.step("store", 2, 3)
    extra = reused_as_rejected(reused, source.preset) if reused is not None else None
    came, reasons = admit_rejected(engine, draft, staged, extra, name, source.preset, now)
    rejected = sum(reasons.values())
    kept = _kept_rows(staged, events, tables, came)
    return Receipt(
        staged.read,
        kept,
        staged.read - kept - rejected,
        rejected,
        events.versions,
        tables,
        reasons,
        staged.no_recorded > 0,
    )


def _kept_rows(staged: Staged, events: Admitted, tables: dict[str, int], came: int) -> int:
    """Data rows that brought something new. A row without an event is new as far as its tables got new rows."""
    others = staged.read - staged.event_rows - (came - events.reused)
    facts = sum(rows for name, rows in tables.items() if name not in ("events", "identity_keys"))
    return events.kept_rows + min(max(others, 0), facts)
