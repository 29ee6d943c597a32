"""Alerts that were raised, and what people said of them. Dispositions are reported, never learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from holdfast.core.clock import Cutoff, from_micros
from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT
from holdfast.engine.state.database import SCHEMAS, StateDb

#: What may be said of an alert.
DISPOSITIONS = ("done", "snoozed", "wrong")

SCHEMAS.add(
    "alerts",
    """
    CREATE TABLE IF NOT EXISTS alerts (
        customer_id TEXT NOT NULL, raised_at INTEGER NOT NULL, release_id TEXT NOT NULL,
        value_at_risk REAL, lead_days REAL, treatment_id TEXT, reason TEXT,
        ended_at INTEGER, ended_by TEXT, quiet_until INTEGER,
        PRIMARY KEY (customer_id, raised_at)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS dispositions (
        customer_id TEXT NOT NULL, raised_at INTEGER NOT NULL, noted_at INTEGER NOT NULL,
        disposition TEXT NOT NULL CHECK (disposition IN ('done', 'snoozed', 'wrong')),
        until INTEGER, why TEXT,
        PRIMARY KEY (customer_id, raised_at, noted_at, disposition)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True)
class Disposition:
    """What somebody said of the newest alert of a customer. `until`: only of `snoozed`; `why`: needed for `wrong`."""

    customer_id: str
    disposition: str
    until: datetime | None = None
    why: str = ""

    def __post_init__(self) -> None:
        if self.disposition not in DISPOSITIONS:
            raise UsageError(f"no disposition {self.disposition!r}", remedy=f"one of: {', '.join(DISPOSITIONS)}")
        if (self.disposition == "snoozed") != (self.until is not None):
            raise UsageError("a snoozed alert, and no other, needs the day until which it sleeps", where=self.customer_id)  # fmt: skip
        if self.disposition == "wrong" and not self.why.strip():
            raise UsageError("a wrong alert needs a reason", where=self.customer_id, remedy="say why it was wrong")


@dataclass(frozen=True)
class AlertStore:
    """Alerts of one shop in its state database; instants are kept as microseconds UTC.

    >>> import tempfile
    >>> from pathlib import Path
    >>> store = AlertStore(StateDb(Path(tempfile.mkdtemp()) / "state.db"))
    >>> at = Cutoff.parse("2024-05-01")
    >>> store.record([{"customer_id": "a", "raised_at": at.at}], [], at, "r1", cool_down=timedelta(days=30))
    1
    >>> store.say([Disposition("a", "wrong", why="moved away")], at, {"wrong": timedelta(days=90)})
    1
    >>> store.summary()["wrong"], store.summary()["wrong_share"]
    (1, 1.0)
    """

    db: StateDb

    def record(
        self, listed: Iterable[Mapping[str, Any]], ended: Sequence[str], at: Cutoff, release_id: str, *,
        cool_down: timedelta,
    ) -> int:  # fmt: skip
        """Remember a list (rows of the release's alerts) and end what is no longer on it; the same list adds nothing.

        Returns how many alerts were new.
        """
        rows = [
            (
                one["customer_id"], _micros(one["raised_at"]), release_id, one.get("value_at_risk"),
                one.get("lead_days"), one.get("treatment_id"), one.get("reason"),
            )
            for one in listed
        ]  # fmt: skip
        quiet = at.micros + cool_down // timedelta(microseconds=1)
        with self.db.write() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO alerts (customer_id, raised_at, release_id, value_at_risk, lead_days, "
                "treatment_id, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            new = connection.total_changes - before
            over = [(at.micros, quiet, one, at.micros) for one in ended]
            over += [(at.micros, quiet, row[0], row[1]) for row in rows]  # who is raised anew has one open alert
            connection.executemany(
                "UPDATE alerts SET ended_at = ?, ended_by = 'cleared', quiet_until = ? "
                "WHERE customer_id = ? AND ended_at IS NULL AND raised_at < ?",
                over,
            )
        return new

    def say(self, said: Sequence[Disposition], at: Cutoff, quiet_for: Mapping[str, timedelta]) -> int:
        """Write what people said of the newest alert of each customer; all of it, or nothing where one has no alert.

        `quiet_for`: how long no new alert follows, by disposition. A snoozed alert stays open and sleeps.
        """
        with self.db.write() as connection:
            for one in said:
                found = connection.execute(
                    "SELECT max(raised_at) FROM alerts WHERE customer_id = ?", (one.customer_id,)
                ).fetchone()[0]
                if found is None:
                    raise UsageError(
                        f"customer {one.customer_id!r} has no alert", remedy="holdfast alerts lists those who have one"
                    )
                until = None if one.until is None else _micros(one.until)
                connection.execute(
                    "INSERT OR REPLACE INTO dispositions VALUES (?, ?, ?, ?, ?, ?)",
                    (one.customer_id, found, at.micros, one.disposition, until, one.why or None),
                )
                if until is None:
                    quiet = at.micros + quiet_for.get(one.disposition, timedelta(0)) // timedelta(microseconds=1)
                    values = (at.micros, one.disposition, quiet, one.customer_id, found)
                    sql = "UPDATE alerts SET ended_at = ?, ended_by = ?, quiet_until = ? WHERE customer_id = ? AND raised_at = ?"
                else:
                    values = (until, one.customer_id, found)  # type: ignore[assignment]
                    sql = "UPDATE alerts SET ended_at = NULL, ended_by = NULL, quiet_until = ? WHERE customer_id = ? AND raised_at = ?"
                connection.execute(sql, values)
        return len(said)

    def earlier(self) -> pa.Table:
        """customer_id, raised_at, open, quiet_until of the newest alert of everybody who ever had one."""
        with self.db.read() as connection:
            rows = connection.execute(
                "SELECT customer_id, max(raised_at), ended_at IS NULL, quiet_until FROM alerts "
                "GROUP BY customer_id ORDER BY customer_id"
            ).fetchall()
        return pa.table(
            {
                "customer_id": pa.array([one[0] for one in rows], pa.string()),
                "raised_at": _instants([one[1] for one in rows]),
                "open": pa.array([bool(one[2]) for one in rows], pa.bool_()),
                "quiet_until": _instants([one[3] for one in rows]),
            }
        )

    def ended_since(self, at: Cutoff, by: str) -> list[dict[str, Any]]:
        """customer_id and raised_at of alerts that ended at `at` or later, in this way."""
        with self.db.read() as connection:
            rows = connection.execute(
                "SELECT customer_id, raised_at FROM alerts WHERE ended_at >= ? AND ended_by = ? ORDER BY customer_id",
                (at.micros, by),
            ).fetchall()
        return [{"customer_id": one, "raised_at": from_micros(raised)} for one, raised in rows]

    def dispositions(self) -> list[dict[str, Any]]:
        """Everything that was said, oldest first."""
        with self.db.read() as connection:
            rows = connection.execute(
                "SELECT customer_id, raised_at, noted_at, disposition, until, why FROM dispositions "
                "ORDER BY noted_at, customer_id"
            ).fetchall()
        names = ("customer_id", "raised_at", "noted_at", "disposition", "until", "why")
        instants = {"raised_at", "noted_at", "until"}
        return [
            {k: from_micros(v) if k in instants and v is not None else v for k, v in zip(names, one, strict=True)}
            for one in rows
        ]

    def summary(self) -> dict[str, Any]:
        """Alerts raised and open, the newest disposition of each alert counted, the share wrong, and why."""
        with self.db.read() as connection:
            raised, still = connection.execute("SELECT count(*), count(*) FILTER (WHERE ended_at IS NULL) FROM alerts").fetchone()  # fmt: skip
            last = (
                "FROM (SELECT disposition, why, row_number() OVER (PARTITION BY customer_id, raised_at "
                "ORDER BY noted_at DESC, disposition) AS place FROM dispositions) WHERE place = 1"
            )
            counts = dict(connection.execute(f"SELECT disposition, count(*) {last} GROUP BY 1").fetchall())
            why = connection.execute(
                f"SELECT why, count(*) AS n {last} AND disposition = 'wrong' GROUP BY 1 ORDER BY n DESC, why"
            ).fetchall()
        told = {one: int(counts.get(one, 0)) for one in DISPOSITIONS}
        judged = told["done"] + told["wrong"]
        return {
            "raised": int(raised), "open": int(still), **told,
            "wrong_share": told["wrong"] / judged if judged else None,
            "why": [{"why": text, "count": int(n)} for text, n in why],
        }  # fmt: skip


def _micros(instant: datetime) -> int:
    return Cutoff(instant).micros


def _instants(values: Sequence[int | None]) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp("us")).cast(INSTANT)
