"""The lake as one clean event log: identities resolved, rules applied, sorted by customer and time.

Nothing here changes the lake. The cleaned rows are kept in the cache under a fingerprint of everything they depend on,
so that opening an unchanged shop reads one small file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from holdfast.core.log import EventLog
from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import EVENTS_CLEAN
from holdfast.engine.duck import Engine
from holdfast.engine.files import replacing, write_bytes
from holdfast.log.clean.pipeline import VERSION, Cleaned, clean, in_force
from holdfast.log.clean.rule import Context
from holdfast.log.identity.resolve import with_customers
from holdfast.log.quality import Quality, measure
from holdfast.log.settings import CleanSettings, IdentitySettings
from holdfast.log.side_tables import side_tables
from holdfast.log.store import Lake, Manifest

#: Within a customer, rows are in the order in which they happened; what is left is decided by identity.
ORDER = ("customer_id", "occurred_at", "event_id", "recorded_at")


def open_log(
    engine: Engine,
    lake: Lake,
    *,
    settings: CleanSettings | None = None,
    identity: IdentitySettings | None = None,
    zone: str,
    currency: str,
    cache: Path | None = None,
    now: datetime | None = None,
    progress: Progress = SILENT,
) -> tuple[EventLog, Quality]:
    """The clean log of a lake, and what cleaning found.

    `cache` keeps the cleaned rows between calls. `now` sets aside what happened more than a day after it, where that is
    earlier than the import. An empty lake gives an empty log.
    """
    settings, identity = settings or CleanSettings(), identity or IdentitySettings()
    manifest = lake.manifest
    fingerprint = _fingerprint(manifest, settings, identity, zone, currency, now)
    kept = _cached(engine, cache, fingerprint)
    if kept is None:
        progress.step("clean", 0, 2)
        kept = _build(engine, lake, manifest, settings, identity, currency, now, cache, fingerprint)
        progress.step("clean", 2, 2)
    events, quality = kept
    facts = quality.facts
    log = EventLog(
        events,
        zone,
        currency,
        fingerprint,
        _instant(facts["first_event_at"]),
        _instant(facts["last_event_at"]),
        side_tables(engine, lake, manifest, settings, identity),
    )
    return log, quality


def _build(
    engine: Engine,
    lake: Lake,
    manifest: Manifest,
    settings: CleanSettings,
    identity: IdentitySettings,
    currency: str,
    now: datetime | None,
    cache: Path | None,
    fingerprint: str,
) -> tuple[ir.Table, Quality]:
    wishes = _wishes(manifest)
    own = {source: in_force(settings, wishes[source]) for source in manifest.sources}
    context = Context(own, settings, currency, any(one["versions"] for one in manifest.imports), now)
    cleaned = clean(engine, lake.table(engine, "events"), context)
    rows = _rows(engine, lake, manifest, cleaned, identity)
    path = _path(cache, fingerprint)
    if path is None:
        events = engine.cached(rows.order_by(list(ORDER)))
    else:
        with replacing(path) as aside:
            engine.write_parquet(rows.order_by(list(ORDER)), aside)
        _forget(path)
        events = engine.parquet(path)
    quality = measure(engine, lake, manifest, cleaned, events, currency)
    if path is not None:
        write_bytes(path.with_suffix(".json"), quality.to_json().encode())
    return events, quality


def _rows(engine: Engine, lake: Lake, manifest: Manifest, cleaned: Cleaned, identity: IdentitySettings) -> ir.Table:
    """Rows without a verdict, under the customers they belong to, as EVENTS_CLEAN."""
    living = cleaned.marked.filter(cleaned.marked.verdict.isnull())
    return with_customers(engine, lake, manifest, living, identity).select(*EVENTS_CLEAN.names)


def _wishes(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    """What the newest import of each source wishes of cleaning."""
    return {str(one["source"]): one["clean"] for one in manifest.imports}


def _fingerprint(
    manifest: Manifest,
    settings: CleanSettings,
    identity: IdentitySettings,
    zone: str,
    currency: str,
    now: datetime | None,
) -> str:
    parts = [VERSION, manifest.fingerprint, asdict(settings), asdict(identity), zone, currency, now and now.isoformat()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _path(cache: Path | None, fingerprint: str) -> Path | None:
    return None if cache is None else Path(cache) / "log" / f"{fingerprint}.parquet"


def _cached(engine: Engine, cache: Path | None, fingerprint: str) -> tuple[ir.Table, Quality] | None:
    path = _path(cache, fingerprint)
    if path is None or not path.is_file() or not path.with_suffix(".json").is_file():
        return None
    try:
        quality = Quality.from_json(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError):
        return None  # written by another version, or damaged: built anew
    return engine.parquet(path), quality


def _forget(path: Path) -> None:
    """Drop logs of older states of the lake; they can be rebuilt."""
    for old in path.parent.glob("*.*"):
        if old.stem != path.stem and old.suffix in (".parquet", ".json"):
            old.unlink(missing_ok=True)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
