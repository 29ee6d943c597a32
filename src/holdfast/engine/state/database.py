"""The state database: one SQLite file in WAL mode, many processes, short transactions.

Each concern registers its tables here and keeps its own file of plain SQL: one script, or a tuple of steps of which a
later version appends more (`migrations`). A write takes the lock at once (`BEGIN IMMEDIATE`), so that what is read inside
it still holds when it commits.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from holdfast.core.errors import StateError
from holdfast.core.registry import Registry
from holdfast.engine.state.migrations import apply, missing

#: The steps that make a concern's tables; the file that owns a concern registers them. A text is the first step.
SCHEMAS: Registry[str | tuple[str, ...]] = Registry("state table", "holdfast.engine.state")
#: How long a writer waits for another one.
BUSY_SECONDS = 30.0


class StateDb:
    """The state of one shop. Opening creates what is missing; it holds no connection between calls.

    >>> import tempfile
    >>> db = StateDb(Path(tempfile.mkdtemp()) / "state.db")
    >>> with db.write() as connection:
    ...     _ = connection.execute("CREATE TABLE IF NOT EXISTS seen (x INTEGER)")
    >>> with db.read() as connection:
    ...     connection.execute("SELECT count(*) FROM seen").fetchone()
    (0,)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        wanted = {name: (steps,) if isinstance(steps, str) else steps for name, steps in SCHEMAS.items()}
        with self._connected() as connection:
            _to_wal(connection)
            behind = missing(connection, wanted, str(path))
        if behind:
            with self.write() as connection:  # alone: another process may have been faster
                apply(connection, wanted, str(path))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading: one consistent picture for as long as it is held."""
        with self._connected() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection for writing, alone; everything is undone where the block raises, nothing is half-written."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA foreign_keys=ON")
                connection.execute("PRAGMA cache_size=-65536")  # 64 MB: a batch of the ledger stays in memory
                yield connection
        except sqlite3.OperationalError as error:
            raise StateError(
                f"the state of this shop could not be used: {error}",
                where=str(self.path),
                remedy="close what holds it open, check the disk, then run the same command again",
            ) from error


def _to_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. Two processes that do so at once do not wait for each other: the switch is tried again."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
