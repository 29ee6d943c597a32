"""From source ids to customers."""

from __future__ import annotations

import ibis.expr.types as ir

from holdfast.engine.duck import Engine
from holdfast.log.identity.names import alone, bare_sources
from holdfast.log.settings import IdentitySettings
from holdfast.log.store import Lake, Manifest


def with_customers(
    engine: Engine, lake: Lake, manifest: Manifest, rows: ir.Table, settings: IdentitySettings
) -> ir.Table:
    """Rows with `customer_id`. Where no key was ever seen, this is a name, not a join."""
    bare = bare_sources(manifest.sources, settings)
    return rows.mutate(customer_id=alone(rows.source, rows.source_id, manifest.sources, bare))
