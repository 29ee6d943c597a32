"""From source ids to customers, as it was known at every instant.

Rows of an id that joined another customer are given twice: once under its own name, retracted when the merge was
learnt, and once under the other's name, recorded then. A reader at any cutoff sees each row exactly once, under the
customer it was known to belong to; deleting what was learnt later changes nothing he sees. A shop without keys pays
nothing: a customer's name is then an expression, not a join.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from holdfast.core.clock import from_micros, to_micros
from holdfast.core.schema import IDENTITIES, INSTANT
from holdfast.engine.duck import Engine
from holdfast.log.content import instant
from holdfast.log.identity.keys import blocked_hashes
from holdfast.log.identity.names import alone, alone_text, bare_sources
from holdfast.log.identity.timeline import Decision, Interval, Sighting, timelines
from holdfast.log.settings import IdentitySettings
from holdfast.log.store import Lake, Manifest

_TIMELINE = pa.schema([*(one.with_nullable(True) for one in IDENTITIES.schema), pa.field("begins", INSTANT)])


def resolve(engine: Engine, lake: Lake, settings: IdentitySettings | None = None) -> ir.Table:
    """Who was known as whom, when, as rows of `identities`. An id that is not listed always stood alone."""
    return identities(engine, lake, lake.manifest, settings or IdentitySettings()).drop("begins")


def identities(engine: Engine, lake: Lake, manifest: Manifest, settings: IdentitySettings) -> ir.Table:
    """Rows of `identities`, and `begins`: valid_from, but null for what held from the start."""
    if not manifest.rows("identity_keys"):
        return engine.memory(_TIMELINE.empty_table())
    seen, first_seen = _shared_keys(engine, lake, settings)
    found = timelines(seen, _decisions(engine, lake), first_seen, settings.max_ids_per_key)
    bare = bare_sources(manifest.sources, settings)
    rows = [_row(one, bare, first_seen) for one in found]
    return engine.memory(pa.Table.from_pylist(rows, schema=_TIMELINE))


def _shared_keys(
    engine: Engine, lake: Lake, settings: IdentitySettings
) -> tuple[list[Sighting], dict[tuple[str, str], int]]:
    """Keys that more than one id shares: all that leaves the query engine, and of a popular key only its beginning."""
    keys = lake.table(engine, "identity_keys")
    blocked = blocked_hashes(settings.blocked, settings.keys, settings.pepper)
    keys = keys.filter(keys.kind.isin(list(settings.keys)), ~keys.key_hash.isin([*blocked, ""]))
    keys = keys.group_by(["kind", "key_hash", "source", "source_id"]).aggregate(at=ibis._.seen_at.min())
    place = ibis.window(group_by=["kind", "key_hash"], order_by=["at", "source", "source_id"])
    keys = keys.mutate(
        place=ibis.row_number().over(place), ids=keys.count().over(ibis.window(group_by=["kind", "key_hash"]))
    )
    shared = engine.cached(
        keys.filter(keys.ids > 1, keys.place <= settings.max_ids_per_key)
    )  # place counts from 0: one beyond the limit shows the breach
    nodes = shared.select("source", "source_id").distinct()
    first = keys.semi_join(nodes, ["source", "source_id"]).group_by(["source", "source_id"])
    known = engine.arrow(first.aggregate(at=ibis._.at.min())).to_pylist()
    sightings = [
        Sighting(to_micros(one["at"]), (one["source"], one["source_id"]), one["kind"], one["key_hash"])
        for one in engine.arrow(shared).to_pylist()
    ]
    return sightings, {(one["source"], one["source_id"]): to_micros(one["at"]) for one in known}


def _decisions(engine: Engine, lake: Lake) -> list[Decision]:
    made = engine.arrow(lake.table(engine, "identity_decisions")).to_pylist()
    return [Decision(to_micros(one["decided_at"]), (one["source"], one["source_id"]), one["alone"]) for one in made]


def _row(one: Interval, bare: tuple[str, ...], first_seen: dict[tuple[str, str], int]) -> dict[str, object]:
    begins = None if one.begins is None else from_micros(one.begins)
    return {
        "source": one.node[0],
        "source_id": one.node[1],
        "customer_id": alone_text(*one.leader, bare),
        "evidence": one.evidence,
        "valid_from": begins or from_micros(first_seen[one.node]),
        "valid_to": None if one.ends is None else from_micros(one.ends),
        "begins": begins,
    }


def with_customers(
    engine: Engine, lake: Lake, manifest: Manifest, rows: ir.Table, settings: IdentitySettings
) -> ir.Table:
    """Event rows with `customer_id`, once for each customer they were known to belong to."""
    bare = bare_sources(manifest.sources, settings)
    own = alone(rows.source, rows.source_id, manifest.sources, bare)
    if not manifest.rows("identity_keys"):
        return rows.mutate(customer_id=own)
    known = identities(engine, lake, manifest, settings).select(
        "source", "source_id", "customer_id", "begins", "valid_to"
    )
    rows = rows.mutate(own_name=own)
    both = rows.left_join(known, ["source", "source_id"]).drop("source_right", "source_id_right")
    recorded = ibis.greatest(both.recorded_at, both.begins.coalesce(both.recorded_at))
    over = (both.valid_to <= recorded) | (both.begins.notnull() & (both.retracted_at <= recorded))
    both = both.filter(~over.fill_null(False))
    left = ibis.least(both.valid_to.coalesce(both.retracted_at), both.retracted_at.coalesce(both.valid_to))
    return both.mutate(
        customer_id=both.customer_id.coalesce(both.own_name),
        recorded_at=ibis.greatest(both.recorded_at, both.begins.coalesce(both.recorded_at)),
        retracted_at=left,
    ).drop("own_name", "begins", "valid_to")


def named_as_known(
    engine: Engine, lake: Lake, manifest: Manifest, rows: ir.Table, column: str, when: str, settings: IdentitySettings
) -> ir.Table:
    """Facts about customers (texts, exposures, attributes) under the name known when the fact was recorded.

    A fact is not given twice, so a later merge does not move it; where it carries no instant, today's name is used.
    `rows` has `source`, and the source's id in `column`.
    """
    bare = bare_sources(manifest.sources, settings)
    own = alone(rows.source, rows[column], manifest.sources, bare)
    if not manifest.rows("identity_keys"):
        return rows.mutate(**{column: own})
    known = identities(engine, lake, manifest, settings)
    known = known.select(
        known_source="source", known_id="source_id", known_as="customer_id", begins="begins", ends="valid_to"
    )
    rows = rows.mutate(own_name=own)
    at = rows[when].coalesce(instant(from_micros(253_000_000_000_000_000)))
    on = [
        rows.source == known.known_source,
        rows[column] == known.known_id,
        known.begins.isnull() | (known.begins <= at),
        known.ends.isnull() | (at < known.ends),
    ]
    both = rows.left_join(known, on)
    return both.mutate(**{column: both.known_as.coalesce(both.own_name)}).select(
        *[name for name in rows.columns if name != "own_name"]
    )
