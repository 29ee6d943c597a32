"""The log's other tables: items, prices, texts, calendar, customers, text_scores, ties, exposures, identities."""

from __future__ import annotations

import ibis.expr.types as ir

from holdfast.core.schema import CANONICAL
from holdfast.engine.duck import Engine
from holdfast.log.settings import CleanSettings, IdentitySettings
from holdfast.log.store import Lake, Manifest
from holdfast.log.tables import FACTS


def side_tables(
    engine: Engine, lake: Lake, manifest: Manifest, settings: CleanSettings, identity: IdentitySettings
) -> dict[str, ir.Table]:
    """Every table beside events, lazily; empty where nothing was imported."""
    tables = {name: lake.table(engine, name).select(*CANONICAL[name].names) for name in FACTS}
    tables["identities"] = engine.memory(CANONICAL["identities"].empty())
    return tables
