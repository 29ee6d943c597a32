"""Accounts of the ledger: how many of everything are granted, reserved and spent, moved with the reservations.

These run inside a transaction of the ledger. `temp.asked` holds the decisions a call speaks of, `temp.moving` those that
change their state now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from holdfast.core.state import SpendLimits
from holdfast.engine.state.claims import RELEASED, Claim
from holdfast.engine.state.database import SCHEMAS

SCHEMAS.add(
    "ledger",
    """
    CREATE TABLE accounts (
        period TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, granted INTEGER,
        reserved INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (period, kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE reservations (
        decision_id TEXT PRIMARY KEY, plan_id TEXT NOT NULL, period TEXT NOT NULL, customer_id TEXT NOT NULL,
        treatment_id TEXT NOT NULL, channel TEXT NOT NULL, purpose TEXT NOT NULL, at INTEGER NOT NULL,
        cost INTEGER NOT NULL CHECK (cost >= 0), transactional INTEGER NOT NULL, state INTEGER NOT NULL,
        reserved_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, settled_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX reservations_contacts ON reservations (customer_id, at) WHERE state < 2 AND channel <> '';
    CREATE INDEX reservations_open ON reservations (expires_at) WHERE state = 0;
    """,
)
#: What the decisions in temp.moving draw together.
_DRAWN = """
    SELECT period, channel, treatment_id, sum(cost), count(*) FROM temp.moving CROSS JOIN reservations USING (decision_id)
    GROUP BY period, channel, treatment_id
"""


def ask(connection: sqlite3.Connection, rows: Sequence[Claim] | Sequence[tuple[str]]) -> None:
    """Name the decisions, and of claims the customers, that this call speaks of."""
    connection.execute("CREATE TEMP TABLE asked (decision_id TEXT, customer_id TEXT)")
    connection.executemany(
        "INSERT INTO temp.asked VALUES (?, ?)", ((row[0], row[1] if len(row) > 1 else None) for row in rows)
    )


def moving(connection: sqlite3.Connection, rows: Sequence[Claim] | Sequence[tuple[str]]) -> None:
    """Name the decisions that the next statements move."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS moving (decision_id TEXT)")
    connection.execute("DELETE FROM temp.moving")
    connection.executemany("INSERT INTO temp.moving VALUES (?)", ((row[0],) for row in rows))


def post(connection: sqlite3.Connection, *, reserved: int = 0, spent: int = 0) -> None:
    """Post what the moving decisions draw to their accounts."""
    connection.executemany(
        "INSERT INTO accounts (period, kind, name, reserved, spent) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET reserved = reserved + excluded.reserved, spent = spent + excluded.spent",
        ((*account, reserved * amount, spent * amount) for account, amount in drawn(connection).items()),
    )


def drawn(connection: sqlite3.Connection) -> dict[tuple[str, str, str], int]:
    """What the moving decisions draw, by period, kind and name of the account."""
    out: dict[tuple[str, str, str], int] = {}
    for period, channel, treatment, cost, count in connection.execute(_DRAWN):
        message = [("channel", channel, count)] if channel else []
        for kind, name, amount in [("money", "", cost), *message, ("stock", treatment, count)]:
            out[period, kind, name] = out.get((period, kind, name), 0) + amount
    return out


def settle(connection: sqlite3.Connection, state: int, at: int) -> None:
    """Put the moving decisions into their new state."""
    connection.execute(
        "UPDATE reservations SET state = ?, settled_at = ? WHERE decision_id IN (SELECT decision_id FROM temp.moving)",
        (state, at),
    )


def lapse(connection: sqlite3.Connection, at: int) -> int:
    """Release what was reserved for longer than it may be; returns how many there were."""
    found = connection.execute(
        "SELECT decision_id FROM reservations WHERE state = 0 AND expires_at <= ?", (at,)
    ).fetchall()
    if found:
        moving(connection, found)
        post(connection, reserved=-1)
        settle(connection, RELEASED, at)
    return len(found)


def grant(connection: sqlite3.Connection, limits: SpendLimits) -> None:
    """The limits as they are now: the last planner to name one sets it for all."""
    connection.executemany(
        "INSERT INTO accounts (period, kind, name, granted) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET granted = excluded.granted",
        ((limits.period, *account, amount) for account, amount in limits.accounts().items()),
    )
