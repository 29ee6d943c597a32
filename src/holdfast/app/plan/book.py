"""Where plans lie: one folder for each, written whole; the state database knows what has become of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import StateError

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.shop import Shop
    from holdfast.engine.state.plans import Plans


@dataclass(frozen=True)
class Plan:
    """One plan: `facts` (plan.json), `decisions` (every customer, `nothing` included), `status` from the state database."""

    folder: Path
    state: Mapping[str, Any]

    @property
    def plan_id(self) -> str:
        return self.folder.name

    @property
    def status(self) -> str:
        return str(self.state["status"])

    @cached_property
    def facts(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / "plan.json").read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise StateError(
                f"plan {self.plan_id} has no readable plan.json", where=str(self.folder), remedy="make a new plan"
            ) from error

    @cached_property
    def decisions(self) -> pa.Table:
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / "decisions.parquet", partitioning=None)

    def decision_id(self, customer_id: str) -> str:
        """The id of one customer's decision: the same for the same plan, so that nothing is counted twice."""
        return hashlib.blake2b(f"{self.plan_id}\0{customer_id}".encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Book:
    """All plans of one shop."""

    shop: Shop

    @property
    def folder(self) -> Path:
        return self.shop.folder / "plans"

    @cached_property
    def states(self) -> Plans:
        from holdfast.engine.state.database import StateDb
        from holdfast.engine.state.plans import Plans

        return Plans(StateDb(self.shop.folder / "state.db"))

    def add(self, facts: Mapping[str, Any], decisions: pa.Table) -> Plan:
        """Write a plan. The same question over the same release gives the same plan, which is kept as it is."""
        from holdfast.engine.files import publishing, write_table

        text = json.dumps(facts, indent=1, ensure_ascii=False, default=str, sort_keys=True)
        plan_id = f"{facts['day']}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        target = self.folder / plan_id
        if not (target / "plan.json").is_file():
            with publishing(target) as aside:
                write_table(aside / "decisions.parquet", decisions)
                (aside / "plan.json").write_text(text + "\n", encoding="utf-8")
        self.states.propose(plan_id, str(facts["campaign_id"]))
        return self.get(plan_id)

    def get(self, plan_id: str | None = None) -> Plan:
        """One plan, by default the newest; raises `UsageError` where there is none of that name."""
        state = self.states.get(plan_id)
        return Plan(self.folder / state["plan_id"], state)

    def all(self) -> list[Plan]:
        return [Plan(self.folder / one["plan_id"], one) for one in self.states.all()]
