"""Which facts of an import are news: items, customers, texts, prices and the like, identity keys and rejected rows.

A fact is known when the lake holds the same key, validity and content from the same source. Where facts carry
`valid_from`, one that only repeats what was valid just before it is no news either.
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from holdfast.engine.duck import Engine
from holdfast.log.content import content_hash, instant
from holdfast.log.staging import Staged
from holdfast.log.store import Draft
from holdfast.log.tables import FACTS, LAKE_TABLES

_META = ("source", "loaded_at", "load_order")


def admit_facts(engine: Engine, draft: Draft, staged: Staged, source: str, now: datetime) -> dict[str, int]:
    """Add the new rows of every staged table of facts to the draft; gives how many, by table."""
    return {name: _facts(engine, draft, staged, name, source, now) for name in FACTS if staged.rows.get(name)}


def _facts(engine: Engine, draft: Draft, staged: Staged, name: str, source: str, now: datetime) -> int:
    wanted = LAKE_TABLES[name]
    said = tuple(one for one in wanted.names if one not in _META)
    rows = staged.table(engine, name).mutate(source=ibis.literal(source), loaded_at=instant(now))
    rows = _once(rows.mutate(content=content_hash(rows, said)))
    segments = tuple(one for one in draft.before.tables.get(name, ()) if one.source == source)
    if segments:
        stored = draft.lake.table(engine, name, segments)
        rows = rows.anti_join(stored.select(content=content_hash(stored, said)), "content")
    if "valid_from" in said:
        rows = _changes(engine, draft, rows, name, said, bool(segments), source)
    segment = draft.add(engine, name, rows, source=source, order=("load_order",))
    return segment.rows if segment else 0


def _once(rows: ir.Table) -> ir.Table:
    """The first of rows that say the same."""
    first = ibis.row_number().over(ibis.window(group_by="content", order_by="load_order"))
    rows = rows.mutate(copy=first)
    return rows.filter(rows["copy"] == 0).drop("copy")


def _changes(
    engine: Engine, draft: Draft, rows: ir.Table, name: str, said: tuple[str, ...], stored: bool, source: str
) -> ir.Table:
    """Rows whose attributes differ from what was valid just before; rows without valid_from pass."""
    key = [one.name for one in LAKE_TABLES[name].columns if one.key and one.name != "valid_from"]
    attributes = tuple(one for one in said if one != "valid_from")
    rows = rows.mutate(is_new=ibis.literal(True))
    whole = rows
    if stored:
        segments = tuple(one for one in draft.before.tables[name] if one.source == source)
        held = draft.lake.table(engine, name, segments).mutate(is_new=ibis.literal(False))
        held = held.mutate(content=ibis.literal("")).select(*rows.columns)
        whole = ibis.union(rows, held.semi_join(rows.select(*key).distinct(), key))
    whole = whole.mutate(attributes_hash=content_hash(whole, attributes))
    before = ibis.window(group_by=key, order_by=["valid_from", "loaded_at", "load_order"])
    whole = whole.mutate(previous=whole.attributes_hash.lag().over(before))
    changed = whole.valid_from.isnull() | whole.previous.isnull() | (whole.previous != whole.attributes_hash)
    return whole.filter(whole.is_new & changed)


def admit_keys(engine: Engine, draft: Draft, staged: Staged, source: str, now: datetime) -> int:
    """Add identity keys that were not known, or were known later; gives how many."""
    name = "identity_keys"
    if not staged.rows.get(name):
        return 0
    key = ["source", "source_id", "kind", "key_hash"]
    rows = staged.table(engine, name)
    loaded = instant(now)
    rows = rows.group_by(key).aggregate(seen_at=rows.seen_at.min().coalesce(loaded))
    if draft.before.tables.get(name):
        stored = draft.lake.table(engine, name)
        stored = stored.group_by(key).aggregate(known_at=stored.seen_at.min())
        joined = rows.left_join(stored, key)
        rows = joined.filter(joined.known_at.isnull() | (joined.seen_at < joined.known_at)).select(*key, "seen_at")
    rows = rows.mutate(loaded_at=loaded)
    segment = draft.add(engine, name, rows, source=source, order=("seen_at", *key))
    return segment.rows if segment else 0


def admit_rejected(
    engine: Engine, draft: Draft, staged: Staged, extra: ir.Table | None, source: str, preset: str, now: datetime
) -> tuple[int, dict[str, int]]:
    """Keep the rows set aside that were not set aside before; gives how many came, and the new ones by reason."""
    parts = [staged.table(engine, "rejected").drop("load_order")] if staged.rows.get("rejected") else []
    parts += [extra] if extra is not None else []
    if not parts:
        return 0, {}
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    rows = rows.mutate(preset=ibis.literal(preset), loaded_at=instant(now))
    said = ("source", "column", "value", "reason", "raw")
    rows = rows.mutate(content=content_hash(rows, said))
    place = ibis.row_number().over(ibis.window(group_by=["content", "source_file"], order_by="source_row"))
    rows = rows.mutate(place=place)
    rows = engine.cached(rows.mutate(rejected_id=rows.content.concat("-", rows.place.cast("string"))))
    came = int(engine.scalar(rows.count()))
    segments = tuple(one for one in draft.before.tables.get("rejected", ()) if one.source == source)
    if segments:
        rows = rows.anti_join(draft.lake.table(engine, "rejected", segments).select("rejected_id"), "rejected_id")
    segment = draft.add(engine, "rejected", rows, source=source, order=("source_file", "source_row", "rejected_id"))
    if segment is None:
        return came, {}
    written = engine.parquet(draft.lake.folder / segment.path)
    found = engine.arrow(written.group_by("reason").aggregate(rows=written.count()).order_by("reason")).to_pylist()
    return came, {one["reason"]: int(one["rows"]) for one in found}
