"""The audit trail: who approved, exported or sent what, and when. Rows are added, never changed or removed.

Each row carries the hash of the one before it, so that a row changed behind SQLite's back is noticed.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.core.clock import from_micros, to_micros
from holdfast.core.errors import UsageError
from holdfast.engine.state.database import SCHEMAS, StateDb

SCHEMAS.add(
    "audit",
    """
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        subject TEXT NOT NULL, facts TEXT NOT NULL, seal TEXT NOT NULL
    );
    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
    CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
    """,
)
_SECRET = re.compile(r"(?i)password|passwd|secret|token|api_?key|authorization|credential")
_SECRET_VALUE = re.compile(r"whsec_|://[^/\s:@]*:[^/\s@]+@|-----BEGIN")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did. `facts` are plain JSON values: counts, sums, fingerprints; no secret, no customer."""

    at: datetime
    actor: str
    action: str
    subject: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Audit:
    """The audit trail of one shop.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> trail = Audit(StateDb(Path(tempfile.mkdtemp()) / "state.db"))
    >>> trail.add("approve", "plan-7", datetime(2024, 5, 1, tzinfo=UTC), actor="ann", facts={"messages": 812})
    >>> [(one.actor, one.action, one.subject) for one in trail.entries()], trail.whole()
    ([('ann', 'approve', 'plan-7')], True)
    """

    db: StateDb

    def add(
        self, action: str, subject: str, now: datetime, *, actor: str = "", facts: Mapping[str, Any] | None = None
    ) -> None:
        """Add one row; without an actor, the user of the operating system. Raises `UsageError` where facts hold a secret."""
        told = dict(facts or {})
        text = json.dumps(told, ensure_ascii=False, sort_keys=True)
        if any(_SECRET.search(name) for name in _names(told)) or _SECRET_VALUE.search(text):
            raise UsageError(f"the facts of {action!r} hold a secret", remedy="name the variable it comes from instead")
        with self.db.write() as connection:
            row = connection.execute("SELECT number, seal FROM audit ORDER BY number DESC LIMIT 1").fetchone() or (
                0,
                "",
            )
            cells = (to_micros(now), actor or _user(), action, subject, text)
            connection.execute(
                "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", (row[0] + 1, *cells, _seal(row[1], cells))
            )

    def entries(self, action: str = "") -> list[Entry]:
        """Rows in order, all or those of one action."""
        with self.db.read() as connection:
            rows = connection.execute(
                "SELECT at, actor, action, subject, facts FROM audit WHERE ? IN ('', action) ORDER BY number", (action,)
            ).fetchall()
        return [Entry(from_micros(at), who, did, subject, json.loads(facts)) for at, who, did, subject, facts in rows]

    def whole(self) -> bool:
        """Whether no row was changed, and none removed but the last ones."""
        before = ""
        with self.db.read() as connection:
            rows = connection.execute("SELECT * FROM audit ORDER BY number").fetchall()
        for i, (number, *cells, seal) in enumerate(rows, 1):
            if number != i or seal != _seal(before, tuple(cells)):
                return False
            before = seal
        return True


def _names(facts: Any) -> list[str]:
    if isinstance(facts, Mapping):
        return [*map(str, facts), *(name for value in facts.values() for name in _names(value))]
    return [name for one in facts for name in _names(one)] if isinstance(facts, list) else []


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _seal(before: str, cells: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps([before, *cells], ensure_ascii=False).encode()).hexdigest()
