"""A declared feature as the SQL that computes it, for people who want to read or check it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ibis

from holdfast.core.clock import Cutoff
from holdfast.core.log import EventLog
from holdfast.features.build import chosen
from holdfast.features.compile import query
from holdfast.snapshot.fold import Survey
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.measures import COUNTED, MEASURES, ORDER_MEASURES
from holdfast.snapshot.observed import Observed

WHEN = {"day": "int32", "known_day": "int32", "lost_day": "int32"}
#: The ledger's tables as they lie in the cache, under the names that the SQL uses.
SCHEMAS: dict[str, dict[str, str]] = {
    "customers": {"who": "int32", "customer_id": "string"},
    "item_ids": {"item": "int32", "item_id": "string"},
    "orders": {
        "who": "int32", **WHEN, "order_id": "string", "replaced": "boolean", "ordered_at": "timestamp('UTC', 6)",
        **dict.fromkeys(ORDER_MEASURES, "int64"),
    },
    "days": {
        "who": "int32", **WHEN, **{name: one.dtype for name, one in MEASURES.items()}, **dict.fromkeys(COUNTED, "int32"),
    },
    "items": {
        "who": "int32", "item": "int32", **WHEN, "act_count": "int64", "line_count": "int64",
        "seen_until": "int32", "bought_until": "int32",
    },
    "platforms": {"who": "int32", "platform": "string", **WHEN, "line_count": "int64"},
}  # fmt: skip
NAMES = {
    "days": "customer_day",
    "items": "customer_item_day",
    "orders": "customer_order",
    "platforms": "customer_platform_day",
}
CATALOGUE = {
    "item_id": "string", "category": "string", "brand": "string", "valid_from": "timestamp('UTC', 6)",
}  # fmt: skip


class _Paper:
    """Stands where an engine would: it names tables and computes nothing."""

    def memory(self, table: Any) -> Any:
        instant = "cutoff" in table.column_names
        kinds = {"cutoff": "timestamp('UTC', 6)"} if instant else {"cutoff_day": "int32"}
        return ibis.table(ibis.schema({"cut": "int32", **kinds}), name="cutoff_instants" if instant else "cutoffs")

    def cached(self, expression: Any) -> Any:
        return expression


def sql(name: str) -> str:
    """DuckDB SQL of one feature: one row per (cut, who) of the table `population`.

    `cutoffs` (cut, cutoff_day) numbers the cutoffs; the other tables are the day ledger's (docs/adr/0005).

    >>> "customer_day" in sql("revenue_90d")
    True
    """
    features = chosen([name])
    catalogue = ibis.table(ibis.schema(CATALOGUE), name="items")
    log = EventLog(None, "UTC", "", "", None, None, {"items": catalogue})
    seen = Survey(0, None, None, False, frozenset(), frozenset())
    tables = {one: ibis.table(ibis.schema(kinds), name=NAMES.get(one, one)) for one, kinds in SCHEMAS.items()}
    several = tuple(Cutoff(datetime(2000, 1, day, tzinfo=UTC)) for day in (1, 2))  # one alone would become a constant
    observed = Observed(Ledger(_Paper(), log, seen, **tables), several)
    people = ibis.table(ibis.schema({"cut": "int32", "who": "int32"}), name="population")
    return str(ibis.to_sql(query(observed, features, people), dialect="duckdb"))
