"""Who is in which arm of which experiment. The first write wins, and nothing is ever changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.core.clock import from_micros, to_micros
from holdfast.core.state import HOLDOUT, Arm
from holdfast.engine.state.database import SCHEMAS, StateDb

SCHEMAS.add(
    "assignments",
    """
    CREATE TABLE assignments (
        experiment TEXT NOT NULL, customer_id TEXT NOT NULL, arm TEXT NOT NULL, propensities TEXT NOT NULL,
        assigned_at INTEGER NOT NULL, PRIMARY KEY (experiment, customer_id)
    ) WITHOUT ROWID;
    CREATE TRIGGER assignments_stay BEFORE UPDATE ON assignments
    BEGIN SELECT RAISE(ABORT, 'an assignment is never changed'); END;
    """,
)


@dataclass(frozen=True)
class Assigned:
    """`core.state.AssignmentStore` in a shop's `state.db`.

    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> from pathlib import Path
    >>> store, now = Assigned(StateDb(Path(tempfile.mkdtemp()) / "state.db")), datetime(2024, 5, 1, tzinfo=UTC)
    >>> _ = store.assign("mail test", [Arm("c1", "mail", {"mail": 0.5, "nothing": 0.5}, now)])
    >>> store.assign("mail test", [Arm("c1", "nothing", {"mail": 0.5, "nothing": 0.5}, now)])["c1"].arm
    'mail'
    """

    db: StateDb

    def assigned(self, experiment: str, customers: Sequence[str]) -> dict[str, Arm]:
        """The arms of those of these customers who have one."""
        with self.db.read() as connection:
            return _arms(connection, experiment, customers)

    def assign(self, experiment: str, arms: Sequence[Arm]) -> dict[str, Arm]:
        """Store arms; a customer who has one keeps it. Returns what now holds for these customers."""
        with self.db.write() as connection:
            connection.executemany(
                "INSERT INTO assignments VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    (experiment, one.customer_id, one.arm, json.dumps(dict(one.propensities), sort_keys=True), to_micros(one.assigned_at))
                    for one in arms
                ),
            )  # fmt: skip
            return _arms(connection, experiment, [one.customer_id for one in arms])

    def holdout(self, customers: Sequence[str]) -> set[str]:
        """Those of these customers who are never treated."""
        return {one for one, arm in self.assigned(HOLDOUT, customers).items() if arm.arm == HOLDOUT}

    def experiments(self) -> dict[str, dict[str, int]]:
        """How many customers each arm of each experiment has."""
        out: dict[str, dict[str, int]] = {}
        with self.db.read() as connection:
            for experiment, arm, count in connection.execute(
                "SELECT experiment, arm, count(*) FROM assignments GROUP BY experiment, arm ORDER BY experiment, arm"
            ):
                out.setdefault(experiment, {})[arm] = count
        return out


def _arms(connection: sqlite3.Connection, experiment: str, customers: Iterable[str]) -> dict[str, Arm]:
    connection.execute("CREATE TEMP TABLE who (customer_id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.executemany("INSERT OR IGNORE INTO temp.who VALUES (?)", ((one,) for one in customers))
    rows = connection.execute(
        "SELECT customer_id, arm, propensities, assigned_at FROM temp.who CROSS JOIN assignments USING (customer_id) "
        "WHERE experiment = ?",
        (experiment,),
    )
    known: dict[str, dict[str, float]] = {}  # a million customers share a handful of these
    out = {}
    for customer, arm, chances, at in rows:
        propensities = known.get(chances) or known.setdefault(chances, json.loads(chances))
        out[customer] = Arm(customer, arm, propensities, from_micros(at))
    return out
