"""Forward only: what brings a `state.db` from any earlier version to this one.

A concern's schema is a list of steps. A step that has been applied is never applied again and never changed: a change is
a new step at the end. `state_versions` says how many steps of each concern a file has seen. A file written by a newer
Holdfast is refused, not guessed at; there is no way back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from holdfast.core.errors import StateError

_VERSIONS = (
    "CREATE TABLE IF NOT EXISTS state_versions "
    "(concern TEXT PRIMARY KEY, version INTEGER NOT NULL, applied_at TEXT NOT NULL) WITHOUT ROWID"
)


def missing(connection: sqlite3.Connection, wanted: Mapping[str, Sequence[str]], where: str) -> dict[str, list[str]]:
    """Steps that this file has not seen, by concern. Raises `StateError` for a file from a newer version."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'state_versions'").fetchone()
    seen = dict(connection.execute("SELECT concern, version FROM state_versions")) if known else {}
    for concern, version in seen.items():
        if concern in wanted and version > len(wanted[concern]):
            raise StateError(
                f"{concern} is at version {version}, this Holdfast knows {len(wanted[concern])}",
                where=where,
                remedy="use the Holdfast that wrote it, or a newer one",
            )
    todo = {concern: list(steps[seen.get(concern, 0) :]) for concern, steps in wanted.items()}
    return {concern: steps for concern, steps in todo.items() if steps}


def apply(connection: sqlite3.Connection, wanted: Mapping[str, Sequence[str]], where: str) -> None:
    """Apply what is missing, inside the transaction that is open: all of it, or nothing.

    >>> with sqlite3.connect(":memory:", isolation_level=None) as db:
    ...     apply(db, {"seen": ["CREATE TABLE seen (x)"]}, "")
    ...     apply(db, {"seen": ["CREATE TABLE seen (x)", "ALTER TABLE seen ADD COLUMN y"]}, "")
    ...     db.execute("SELECT concern, version FROM state_versions").fetchall()
    [('seen', 2)]
    """
    todo = missing(connection, wanted, where)
    connection.execute(_VERSIONS)
    for concern, steps in todo.items():
        for step in steps:
            for statement in statements(step):
                connection.execute(statement)
        connection.execute(
            "INSERT INTO state_versions VALUES (?, ?, ?) ON CONFLICT (concern) "
            "DO UPDATE SET version = excluded.version, applied_at = excluded.applied_at",
            (concern, len(wanted[concern]), datetime.now(UTC).isoformat(timespec="seconds")),
        )


def statements(script: str) -> Iterator[str]:
    """A script's statements one by one: `executescript` would commit what is open.

    >>> list(statements("CREATE TABLE a (x); CREATE TABLE b (y)"))
    ['CREATE TABLE a (x);', 'CREATE TABLE b (y);']
    """
    held = ""
    for piece in script.split(";"):
        held += f"{piece};"
        if sqlite3.complete_statement(held):
            if held.strip(" \n;"):
                yield held.strip()
            held = ""
