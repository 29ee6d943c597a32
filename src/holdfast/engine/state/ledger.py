"""The ledger: what planners set aside and spend, so that two at once cannot spend the same thing.

Every call is one transaction that holds the write lock from its first statement, so what it reads is still true when it
commits. A decision is reserved, then committed or released; a reservation that outlives its time is released by whoever
comes next. Running totals by account are kept in the same transaction: granted = spent + reserved + left, always.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import to_micros
from holdfast.core.contact import Message
from holdfast.core.errors import UsageError
from holdfast.core.state import CLAIMS, HOLD, HOLDOUT, Balance, SpendLimits, Verdicts
from holdfast.engine.state import accounts, outbox
from holdfast.engine.state.claims import COMMITTED, RELEASED, RESERVED, Account, Claim, Judge
from holdfast.engine.state.database import StateDb

_INSERT = """
    INSERT INTO reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, NULL)
    ON CONFLICT (decision_id) DO UPDATE SET plan_id = excluded.plan_id, period = excluded.period, at = excluded.at,
        state = 0, reserved_at = excluded.reserved_at, expires_at = excluded.expires_at, settled_at = NULL
    WHERE state = 2
"""


@dataclass(frozen=True)
class SqliteLedger:
    """`core.state.Ledger` in a shop's `state.db`. Holds no connection between calls; safe with many processes.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from datetime import UTC
    >>> ledger, now = SqliteLedger(StateDb(Path(tempfile.mkdtemp()) / "state.db")), datetime(2024, 5, 1, tzinfo=UTC)
    >>> row = {"decision_id": "d1", "customer_id": "c1", "treatment_id": "mail", "channel": "mail",
    ...        "purpose": "marketing", "at": now, "cost": 300, "transactional": False}
    >>> claims = pa.Table.from_pylist([row, {**row, "decision_id": "d2"}], schema=CLAIMS)
    >>> ledger.reserve("plan", claims, SpendLimits("may", money=500), now).reason
    ('granted', 'money')
    >>> ledger.commit(["d1", "d2"], now).reason, ledger.balances("may")[1].left
    (('granted', 'unknown'), 200)
    """

    db: StateDb

    def reserve(
        self, plan_id: str, claims: pa.Table, limits: SpendLimits, now: datetime, *, hold: timedelta = HOLD,
        outside: pa.Table | None = None,
    ) -> Verdicts:  # fmt: skip
        """Set aside what these claims need, in their order; what does not fit is refused with its reason.

        Customers of the holdout are refused. `outside`: contacts that the ledger does not know (`core.contact.CONTACTS`).
        The same decision again is granted once more without drawing anything, and held anew if it was only reserved.
        """
        rows, at = _claims(claims), to_micros(now)
        with self.db.write() as connection:
            accounts.lapse(connection, at)
            accounts.grant(connection, limits)
            accounts.ask(connection, rows)
            judge = _judge(connection, limits, rows, outside)
            reasons = tuple(judge.verdict(row) for row in rows)
            granted = [row for row, reason in zip(rows, reasons, strict=True) if reason == "granted"]
            until = at + hold // timedelta(microseconds=1)
            connection.executemany(
                _INSERT,
                ((r[0], plan_id, limits.period, *r[1:7], int(r.transactional), at, until) for r in granted),
            )
            accounts.moving(connection, granted)
            accounts.post(connection, reserved=1)
            again = [(until, row[0]) for row, reason in zip(rows, reasons, strict=True) if reason == "again"]
            connection.executemany(
                "UPDATE reservations SET expires_at = max(expires_at, ?) WHERE decision_id = ? AND state = 0", again
            )
        return Verdicts(np.array([one in ("granted", "again") for one in reasons], bool), reasons)

    def commit(self, decision_ids: Sequence[str], now: datetime, messages: Sequence[Message] = ()) -> Verdicts:
        """Spend what was reserved, and put the messages of what was spent into the outbox, in the same transaction.

        A decision that is committed already stays as it is (`again`). One whose reservation has lapsed is refused
        (`expired`): its message must not leave.
        """
        at = to_micros(now)
        with self.db.write() as connection:
            accounts.lapse(connection, at)
            accounts.ask(connection, [(one,) for one in decision_ids])
            states = dict(
                connection.execute(
                    "SELECT decision_id, state FROM temp.asked CROSS JOIN reservations USING (decision_id)"
                )
            )
            fresh = [one for one in dict.fromkeys(decision_ids) if states.get(one) == RESERVED]
            accounts.moving(connection, [(one,) for one in fresh])
            accounts.post(connection, reserved=-1, spent=1)
            accounts.settle(connection, COMMITTED, at)
            spent = set(fresh)
            outbox.insert(connection, [one for one in messages if one.decision_id in spent], at)
        words = {None: "unknown", RESERVED: "granted", COMMITTED: "again", RELEASED: "expired"}
        reasons = tuple(words[states.get(one)] for one in decision_ids)
        return Verdicts(np.array([one in ("granted", "again") for one in reasons], bool), reasons)

    def release(self, decision_ids: Sequence[str], now: datetime) -> int:
        """Give reservations back before their time; what is committed stays. Returns how many there were."""
        return self._undo(decision_ids, RESERVED, now)

    def revoke(self, decision_ids: Sequence[str], now: datetime) -> int:
        """Give back what was committed for messages that never left (dead letters). Returns how many there were."""
        return self._undo(decision_ids, COMMITTED, now)

    def _undo(self, decision_ids: Sequence[str], state: int, now: datetime) -> int:
        with self.db.write() as connection:
            accounts.ask(connection, [(one,) for one in decision_ids])
            found = connection.execute(
                "SELECT DISTINCT decision_id FROM temp.asked CROSS JOIN reservations USING (decision_id) WHERE state = ?",
                (state,),
            ).fetchall()
            accounts.moving(connection, found)
            accounts.post(connection, **{"reserved" if state == RESERVED else "spent": -1})
            accounts.settle(connection, RELEASED, to_micros(now))
        return len(found)

    def lapse(self, now: datetime) -> int:
        """Release every reservation whose time has passed: those of planners that crashed. Every call does this first."""
        with self.db.write() as connection:
            return accounts.lapse(connection, to_micros(now))

    def balances(self, period: str) -> list[Balance]:
        """Every account of a period, by kind and name."""
        with self.db.read() as connection:
            rows = connection.execute("SELECT * FROM accounts WHERE period = ? ORDER BY kind, name", (period,))
            return [Balance(*row) for row in rows]

    def discrepancies(self) -> list[str]:
        """Accounts whose running totals are not what their reservations add up to; empty, or the file is damaged."""
        with self.db.read() as connection:
            wrong = []
            for state, column in ((RESERVED, "reserved"), (COMMITTED, "spent")):
                accounts.moving(connection, ())
                connection.execute(
                    "INSERT INTO temp.moving SELECT decision_id FROM reservations WHERE state = ?", (state,)
                )
                counted = accounts.drawn(connection)
                query = f"SELECT period, kind, name, {column} FROM accounts"  # noqa: S608 - our own words
                kept = {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}
                for key in sorted(counted.keys() | kept.keys()):
                    if counted.get(key, 0) != kept.get(key, 0):
                        wrong.append(f"{key}: {column} says {kept.get(key, 0)}, the reservations {counted.get(key, 0)}")
        return wrong


def _claims(claims: pa.Table) -> list[Claim]:
    table = claims.select(CLAIMS.names).cast(CLAIMS)
    nulls = [name for name in CLAIMS.names if table[name].null_count]
    if nulls or (table.num_rows and pc.min(table["cost"]).as_py() < 0):
        raise UsageError(f"claims need a value in every row ({', '.join(nulls) or 'cost'}), and no cost below 0")
    columns = [table[name].cast(pa.int64()) if name == "at" else table[name] for name in CLAIMS.names]
    return [Claim(*row) for row in zip(*(one.to_pylist() for one in columns), strict=True)]


def _judge(
    connection: sqlite3.Connection, limits: SpendLimits, rows: Sequence[Claim], outside: pa.Table | None
) -> Judge:
    left: dict[Account, int] = {
        (kind, name): rest
        for kind, name, rest in connection.execute(
            "SELECT kind, name, granted - reserved - spent FROM accounts WHERE period = ? AND granted IS NOT NULL",
            (limits.period,),
        )
    }
    held = connection.execute(
        "SELECT DISTINCT customer_id FROM temp.asked CROSS JOIN assignments USING (customer_id) WHERE experiment = ? AND arm = ?",
        (HOLDOUT, HOLDOUT),
    )
    holdout = {row[0] for row in held}
    known = {
        row[0]: tuple(row[1:])
        for row in connection.execute(
            "SELECT decision_id, state, r.customer_id, treatment_id, channel, purpose, cost "
            "FROM temp.asked CROSS JOIN reservations r USING (decision_id)"
        )
    }
    return Judge(left, limits.caps, _history(connection, limits, rows, outside), holdout, known)


def _history(
    connection: sqlite3.Connection, limits: SpendLimits, rows: Sequence[Claim], outside: pa.Table | None
) -> dict[str, list[tuple[int, str | None]]]:
    """Contacts of these customers that share a window with any claim, those that only the log knows included."""
    widths = [cap.window.micros for caps in limits.caps.values() for cap in caps]
    found: dict[str, list[tuple[int, str | None]]] = {}
    if not widths or not rows:
        return found
    first, last = min(r.at for r in rows) - max(widths), max(r.at for r in rows) + max(widths)
    query = connection.execute(
        "SELECT customer_id, r.at, r.channel FROM (SELECT DISTINCT customer_id FROM temp.asked) "
        "CROSS JOIN reservations r USING (customer_id) "
        "WHERE r.state < 2 AND r.channel <> '' AND r.at > ? AND r.at < ? AND NOT r.transactional",
        (first, last),
    )
    for customer, at, channel in query:
        found.setdefault(customer, []).append((at, channel))
    if outside is not None:
        for customer, at, channel in _unknown(connection, rows, outside):
            found.setdefault(customer, []).append((at, channel))
    return found


def _unknown(
    connection: sqlite3.Connection, rows: Sequence[Claim], outside: pa.Table
) -> list[tuple[str, int, str | None]]:
    """Contacts of the log, less those that the ledger holds itself."""
    mine = pa.array({row.customer_id for row in rows}, pa.string())
    seen = outside.filter(
        pc.and_(
            pc.is_in(outside["customer_id"], value_set=mine), pc.invert(pc.fill_null(outside["transactional"], False))
        )
    )
    kept = []
    for customer, at, channel, decision in zip(
        *(seen[n].cast(pa.int64()).to_pylist() if n == "at" else seen[n].to_pylist() for n in ("customer_id", "at", "channel", "decision_id")),
        strict=True,
    ):  # fmt: skip
        held = (
            decision
            and connection.execute(
                "SELECT 1 FROM reservations WHERE decision_id = ? AND state < 2", (decision,)
            ).fetchone()
        )
        if not held:
            kept.append((customer, at, channel))
    return kept
