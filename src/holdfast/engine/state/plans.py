"""The life of a plan: proposed, approved, exported; or cancelled. Each step once, by whom and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from holdfast.core.errors import StateError, UsageError
from holdfast.core.registry import nearest
from holdfast.engine.state.database import SCHEMAS, StateDb

SCHEMAS.add(
    "plans",
    """
CREATE TABLE IF NOT EXISTS plans (
    plan_id TEXT PRIMARY KEY,
    campaign_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('proposed', 'approved', 'exported', 'cancelled')),
    made_at TEXT NOT NULL, approved_at TEXT, approved_by TEXT, exported_at TEXT
);
""",
)
#: From which status a step may be taken, and where it leads.
STEPS = {"approve": ("proposed", "approved"), "export": ("approved", "exported"), "cancel": ("proposed", "cancelled")}
_COLUMNS = ("plan_id", "campaign_id", "status", "made_at", "approved_at", "approved_by", "exported_at")


class Plans:
    """Plans of one shop by id.

    >>> import tempfile
    >>> from pathlib import Path
    >>> plans = Plans(StateDb(Path(tempfile.mkdtemp()) / "state.db"))
    >>> plans.propose("p1", "spring")
    >>> plans.step("p1", "approve", by="ana")["status"]
    'approved'
    """

    def __init__(self, db: StateDb) -> None:
        self.db = db

    def propose(self, plan_id: str, campaign_id: str) -> None:
        """Enter a plan; the same plan again changes nothing."""
        with self.db.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO plans (plan_id, campaign_id, status, made_at) VALUES (?, ?, 'proposed', ?)",
                (plan_id, campaign_id, _now()),
            )

    def get(self, plan_id: str | None = None) -> dict[str, Any]:
        """One plan, by default the newest; raises `UsageError` where there is none."""
        known = {one["plan_id"]: one for one in self.all()}
        if not known:
            raise UsageError("no plan has been made yet", remedy="holdfast plan make")
        if plan_id is None:
            return list(known.values())[-1]
        if plan_id not in known:
            raise UsageError(f"no plan {plan_id!r}", remedy=nearest(plan_id, list(known)))
        return known[plan_id]

    def all(self) -> list[dict[str, Any]]:
        """Every plan, oldest first."""
        with self.db.read() as connection:
            rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM plans ORDER BY rowid").fetchall()  # noqa: S608 - our own names
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    def step(self, plan_id: str, step: str, *, by: str = "") -> dict[str, Any]:
        """Take a step, or refuse: of two who approve at once one does, and the other is told so."""
        wanted, status = STEPS[step]
        with self.db.write() as connection:
            found = connection.execute("SELECT status FROM plans WHERE plan_id = ?", (plan_id,)).fetchone()
            if found is None:
                raise UsageError(f"no plan {plan_id!r}", remedy="holdfast plan review lists them")
            if found[0] != wanted:
                raise StateError(
                    f"plan {plan_id} is {found[0]} and cannot be {status}",
                    where=str(self.db.path),
                    remedy=_REMEDIES.get((step, found[0]), "make a new one: holdfast plan make"),
                )
            connection.execute("UPDATE plans SET status = ? WHERE plan_id = ?", (status, plan_id))
            if step == "approve":
                connection.execute(
                    "UPDATE plans SET approved_at = ?, approved_by = ? WHERE plan_id = ?", (_now(), by, plan_id)
                )
            if step == "export":
                connection.execute("UPDATE plans SET exported_at = ? WHERE plan_id = ?", (_now(), plan_id))
        return self.get(plan_id)


_REMEDIES = {
    ("export", "proposed"): "approve it first: holdfast plan approve",
    ("export", "exported"): "it has left already; its files lie in the plan's folder",
    ("approve", "approved"): "it needs no second approval: holdfast plan export",
}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
