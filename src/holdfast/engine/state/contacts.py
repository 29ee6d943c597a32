"""Contact history: what the ledger knows to have left or to be about to leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from holdfast.core.clock import to_micros
from holdfast.core.contact import CONTACTS
from holdfast.engine.state.database import StateDb


@dataclass(frozen=True)
class Contacts:
    """`core.state.ContactHistory` from the ledger of a shop's `state.db`; the log's own messages are joined by the caller.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> Contacts(StateDb(Path(tempfile.mkdtemp()) / "state.db")).sent(["c1"], datetime(2024, 5, 1, tzinfo=UTC)).num_rows
    0
    """

    db: StateDb

    def sent(self, customers: Sequence[str], since: datetime, now: datetime | None = None) -> pa.Table:
        """Messages to these customers from then on, reserved ones ahead included (`core.contact.CONTACTS`).

        With `now`, a crashed planner's reservations count no longer than they hold.
        """
        with self.db.read() as connection:
            connection.execute("CREATE TEMP TABLE who (customer_id TEXT PRIMARY KEY) WITHOUT ROWID")
            connection.executemany("INSERT OR IGNORE INTO temp.who VALUES (?)", ((one,) for one in customers))
            rows = connection.execute(
                "SELECT customer_id, channel, purpose, treatment_id, decision_id, at, transactional "
                "FROM temp.who CROSS JOIN reservations USING (customer_id) "
                "WHERE state < 2 AND channel <> '' AND at >= ? AND (state = 1 OR expires_at > ?) "
                "ORDER BY customer_id, at, decision_id",
                (to_micros(since), -1 if now is None else to_micros(now)),
            ).fetchall()
        columns = list(zip(*rows, strict=True)) or [()] * len(CONTACTS.names)
        arrays = [
            pa.array(one, pa.int64()).cast(field.type) if field.name in ("at", "transactional") else pa.array(one, field.type)
            for one, field in zip(columns, CONTACTS, strict=True)
        ]  # fmt: skip
        return pa.Table.from_arrays(arrays, schema=CONTACTS)
