"""The outbox: messages that are paid for and have not yet left, each until it is sent, dropped or dead.

A worker claims messages under a lease, sends them, and marks them. A worker that dies leaves its lease to run out, and
the message is claimed again: delivery is at least once, and `decision_id` is the key by which a receiver counts it once.
A mark by a worker that has lost its lease changes nothing, except that what was sent is sent.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from holdfast.core.clock import from_micros, to_micros
from holdfast.core.contact import Message
from holdfast.engine.state.database import SCHEMAS, StateDb

SCHEMAS.add(
    "outbox",
    """
    CREATE TABLE outbox (
        decision_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, channel TEXT NOT NULL, body TEXT,
        due_at INTEGER NOT NULL, until INTEGER, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        lease_until INTEGER NOT NULL DEFAULT 0, worker TEXT, reason TEXT, put_at INTEGER NOT NULL, done_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE state = 'waiting';
    CREATE INDEX outbox_customer ON outbox (customer_id) WHERE state = 'waiting';
    """,
)
_BODY = tuple(
    one.name
    for one in fields(Message)
    if one.name not in ("decision_id", "customer_id", "channel", "due_at", "until", "tries")
)
#: Due messages nobody holds: one of each customer at a time, and none while another of theirs is being sent, so that a
#: last look at the rules sees what left before.
_CLAIM = """
    SELECT decision_id FROM outbox o WHERE channel = ? AND state = 'waiting' AND due_at <= :now AND lease_until <= :now
    AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.customer_id = o.customer_id AND p.state = 'waiting'
        AND (p.lease_until > :now OR (p.due_at <= :now AND (p.due_at, p.decision_id) < (o.due_at, o.decision_id) AND p.channel = o.channel)))
    ORDER BY due_at, decision_id LIMIT ?
"""


def insert(connection: sqlite3.Connection, messages: Sequence[Message], now: int) -> None:
    """Put messages into the outbox inside an open transaction; one that is there stays as it is, unless it was given up."""
    connection.executemany(
        "INSERT INTO outbox (decision_id, customer_id, channel, body, due_at, until, state, put_at) "
        "VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?) ON CONFLICT DO UPDATE SET body = excluded.body, due_at = excluded.due_at, "
        "until = excluded.until, state = 'waiting', tries = 0, lease_until = 0, reason = NULL, done_at = NULL "
        "WHERE state IN ('dead', 'dropped')",
        (
            (
                one.decision_id, one.customer_id, one.channel, _body(one), now if one.due_at is None else to_micros(one.due_at),
                None if one.until is None else to_micros(one.until), now,
            )
            for one in messages
        ),
    )  # fmt: skip


def _body(message: Message) -> str:
    return json.dumps({name: getattr(message, name) for name in _BODY}, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True)
class Outbox:
    """The outbox of one shop. Instants are given, so that a test may say what time it is.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> box, now = Outbox(StateDb(Path(tempfile.mkdtemp()) / "state.db")), datetime(2024, 5, 1, tzinfo=UTC)
    >>> box.put([Message("d1", "c1", "mail", subject="Hello")], now)
    >>> [one.subject for one in box.claim("mail", now, "worker")], box.claim("mail", now, "another")
    (['Hello'], [])
    >>> box.sent(["d1"], now), box.counts()
    (1, {'mail': {'sent': 1}})
    """

    db: StateDb

    def put(self, messages: Sequence[Message], now: datetime) -> None:
        """Put messages in; a decision that is there is not put in again, unless it was given up."""
        with self.db.write() as connection:
            insert(connection, messages, to_micros(now))

    def claim(
        self, channel: str, now: datetime, worker: str, *, count: int = 100, lease: timedelta = timedelta(minutes=10)
    ) -> list[Message]:
        """Up to `count` due messages, oldest first, held by this worker until the lease ends. Counts as a try of each."""
        at = to_micros(now)
        until = at + lease // timedelta(microseconds=1)
        with self.db.write() as connection:
            query = _CLAIM.replace(":now", str(at))
            ids = connection.execute(query, (channel, count)).fetchall()
            connection.executemany(
                "UPDATE outbox SET lease_until = ?, worker = ?, tries = tries + 1 WHERE decision_id = ?",
                ((until, worker, one) for (one,) in ids),
            )
            rows = [
                connection.execute(
                    "SELECT decision_id, customer_id, channel, body, due_at, until, tries FROM outbox WHERE decision_id = ?",
                    one,
                ).fetchone()
                for one in ids
            ]
        return [_message(row) for row in rows]

    def sent(self, decision_ids: Sequence[str], now: datetime) -> int:
        """These left now. Their words and addresses are forgotten, and the contact history knows when they left."""
        at = to_micros(now)
        with self.db.write() as connection:
            count = connection.executemany(
                "UPDATE outbox SET state = 'sent', body = NULL, reason = NULL, done_at = ?, lease_until = 0 "
                "WHERE decision_id = ? AND state <> 'sent'",
                ((at, one) for one in decision_ids),
            ).rowcount
            connection.executemany(
                "UPDATE reservations SET at = ? WHERE decision_id = ? AND state = 1",
                ((at, one) for one in decision_ids),
            )
        return count

    def later(self, decision_id: str, worker: str, due_at: datetime, reason: str, *, tried: bool = True) -> bool:
        """Try this one again from `due_at` on; `tried=False` where the rules made it wait and nothing was tried."""
        return self._mark(
            "due_at = ?, reason = ?, lease_until = 0, tries = tries - ?", (to_micros(due_at), reason, int(not tried)),
            decision_id, worker,
        )  # fmt: skip

    def give_up(self, decision_id: str, worker: str, now: datetime, reason: str, *, state: str = "dead") -> bool:
        """This one will not leave: `dead` (it could not be sent), or `dropped` (it may not be, or no longer)."""
        kept = "" if state == "dead" else ", body = NULL"
        return self._mark(
            f"state = ?, reason = ?, done_at = ?, lease_until = 0{kept}",
            (state, reason, to_micros(now)),
            decision_id,
            worker,
        )

    def _mark(self, change: str, values: tuple[Any, ...], decision_id: str, worker: str) -> bool:
        with self.db.write() as connection:
            sql = f"UPDATE outbox SET {change} WHERE decision_id = ? AND state = 'waiting' AND worker = ?"  # noqa: S608 - our own words
            return connection.execute(sql, (*values, decision_id, worker)).rowcount == 1

    def revive(self, decision_ids: Sequence[str], now: datetime) -> int:
        """Dead letters that may be tried again, from the beginning.

        One whose money the ledger has taken back stays dead: reserve and commit it anew, with its message.
        """
        with self.db.write() as connection:
            return connection.executemany(
                "UPDATE outbox SET state = 'waiting', tries = 0, due_at = ?, reason = NULL, done_at = NULL "
                "WHERE decision_id = ? AND state = 'dead' AND NOT EXISTS "
                "(SELECT 1 FROM reservations r WHERE r.decision_id = outbox.decision_id AND r.state <> 1)",
                ((to_micros(now), one) for one in decision_ids),
            ).rowcount

    def dead(self) -> list[tuple[str, str]]:
        """(decision_id, reason) of the dead letters, oldest first."""
        with self.db.read() as connection:
            return connection.execute(
                "SELECT decision_id, reason FROM outbox WHERE state = 'dead' ORDER BY done_at, decision_id"
            ).fetchall()

    def left(self, decision_ids: Sequence[str]) -> dict[str, datetime]:
        """When those of these messages left that have."""
        with self.db.read() as connection:
            connection.execute("CREATE TEMP TABLE asked (decision_id TEXT PRIMARY KEY) WITHOUT ROWID")
            connection.executemany("INSERT OR IGNORE INTO temp.asked VALUES (?)", ((one,) for one in decision_ids))
            rows = connection.execute(
                "SELECT decision_id, done_at FROM temp.asked CROSS JOIN outbox USING (decision_id) WHERE state = 'sent'"
            ).fetchall()
        return {one: from_micros(at) for one, at in rows}

    def counts(self) -> dict[str, dict[str, int]]:
        """Messages by channel and state."""
        out: dict[str, dict[str, int]] = {}
        with self.db.read() as connection:
            for channel, state, count in connection.execute(
                "SELECT channel, state, count(*) FROM outbox GROUP BY channel, state ORDER BY channel, state"
            ):
                out.setdefault(channel, {})[state] = count
        return out


def _message(row: tuple[Any, ...]) -> Message:
    decision, customer, channel, body, due_at, until, tries = row
    return Message(
        decision, customer, channel, **json.loads(body), due_at=from_micros(due_at),
        until=None if until is None else from_micros(until), tries=tries,
    )  # fmt: skip
