"""The log's other tables: items, prices, texts, calendar, customers, text_scores, ties, exposures, identities."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.schema import CANONICAL
from holdfast.engine.duck import Engine
from holdfast.log.clean.fill_categories import with_categories
from holdfast.log.identity.resolve import named_as_known, resolve
from holdfast.log.settings import CleanSettings, IdentitySettings
from holdfast.log.store import Lake, Manifest, nothing
from holdfast.log.tables import FACTS, LAKE_TABLES

#: Tables about customers: the columns that hold a source's customer id, and the instant at which the row was known.
_ABOUT_CUSTOMERS: dict[str, tuple[tuple[str, ...], str]] = {
    "customers": (("customer_id",), "valid_from"),
    "texts": (("customer_id",), "recorded_at"),
    "exposures": (("customer_id",), "decided_at"),
    "ties": (("customer_id", "other_id"), "since"),
}


def side_tables(
    engine: Engine, lake: Lake, manifest: Manifest, settings: CleanSettings, identity: IdentitySettings
) -> dict[str, ir.Table]:
    """Every table beside events, lazily; empty where nothing was imported.

    `items` and `customers` hold one row for each key and `valid_from`: what was valid when. `texts`, `text_scores` and
    `exposures` hold the newest row of each key.
    """
    tables = {name: _table(engine, lake, manifest, name, identity) for name in FACTS}
    tables["items"] = with_categories(tables["items"], settings)
    tables["identities"] = resolve(engine, lake, identity)
    return tables


def _table(engine: Engine, lake: Lake, manifest: Manifest, name: str, identity: IdentitySettings) -> ir.Table:
    if not manifest.rows(name):
        return nothing(engine, CANONICAL[name])
    rows = lake.table(engine, name)
    columns, when = _ABOUT_CUSTOMERS.get(name, ((), ""))
    for column in columns:
        rows = named_as_known(engine, lake, manifest, rows, column, when, identity)
    return _newest(rows, name).select(*CANONICAL[name].names)


def _newest(rows: ir.Table, name: str) -> ir.Table:
    """One row for each key (and valid_from, where the table has it): the one imported last."""
    key = [column.name for column in LAKE_TABLES[name].columns if column.key]
    key += ["valid_from"] if "valid_from" in rows.columns and "valid_from" not in key else []
    latest = ibis.window(group_by=key, order_by=[ibis.desc("loaded_at"), "load_order"])
    rows = rows.mutate(copy=ibis.row_number().over(latest))
    return rows.filter(rows["copy"] == 0)
