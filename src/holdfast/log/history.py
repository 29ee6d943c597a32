"""The lake as one clean event log: identities resolved, rules applied, sorted by customer and time.

Nothing here changes the lake. The cleaned rows are kept in the cache under a fingerprint of everything they depend on,
so that opening an unchanged shop reads one small file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from holdfast.core.log import EventLog
from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import CANONICAL, EVENTS_CLEAN
from holdfast.engine.duck import Engine
from holdfast.engine.files import replacing, write_bytes
from holdfast.log.clean.fill_categories import fill_categories
from holdfast.log.clean.pipeline import VERSION, Cleaned, clean, flag_customers, in_force
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
    made_from = _made_from(manifest, settings, identity, zone, currency, now)
    store = _Store(None if cache is None else Path(cache) / "log", made_from)
    tables = side_tables(engine, lake, manifest, settings, identity)
    kept = store.load(engine)
    if kept is None:
        progress.step("clean", 0, 2)
        kept = _build(engine, lake, manifest, settings, identity, currency, now, store)
        events, flags, quality = kept
        told = {"fingerprint": _fingerprint(engine, events, manifest, tables, zone, currency)}
        kept = events, flags, replace(quality, facts={**quality.facts, **told})
        store.finish(kept[2])
        progress.step("clean", 2, 2)
    events, flags, quality = kept
    fingerprint = str(quality.facts["fingerprint"])
    first, last = (_instant(quality.facts[name]) for name in ("first_event_at", "last_event_at"))
    return EventLog(events, zone, currency, fingerprint, first, last, {**tables, "flags": flags}), quality


def _build(
    engine: Engine,
    lake: Lake,
    manifest: Manifest,
    settings: CleanSettings,
    identity: IdentitySettings,
    currency: str,
    now: datetime | None,
    store: _Store,
) -> tuple[ir.Table, ir.Table, Quality]:
    wishes = _wishes(manifest)
    own = {source: in_force(settings, wishes[source]) for source in manifest.sources}
    context = Context(own, settings, currency, any(one["versions"] for one in manifest.imports), now)
    cleaned = clean(engine, lake.table(engine, "events"), context)
    events = store.keep(engine, "events", _rows(engine, lake, manifest, cleaned, identity).order_by(list(ORDER)))
    flags, flagged = flag_customers(engine, events, context)
    flags = store.keep(engine, "flags", flags.order_by(["rule", "customer_id"]))
    filled = fill_categories(lake.table(engine, "items"), settings)[1] if settings.fill_categories else ()
    return events, flags, measure(engine, lake, manifest, cleaned, events, currency, (*flagged, *filled))


def _rows(engine: Engine, lake: Lake, manifest: Manifest, cleaned: Cleaned, identity: IdentitySettings) -> ir.Table:
    """Rows without a verdict, under the customers they belong to, as EVENTS_CLEAN."""
    living = cleaned.marked.filter(cleaned.marked.verdict.isnull())
    return with_customers(engine, lake, manifest, living, identity).select(*EVENTS_CLEAN.names)


def _wishes(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    """What the imports of each source wish of cleaning; where they differ, the newest counts."""
    wishes: dict[str, dict[str, Any]] = {}
    for one in manifest.imports:
        wishes.setdefault(str(one["source"]), {}).update(one["clean"])
    return dict(wishes)


def _made_from(
    manifest: Manifest,
    settings: CleanSettings,
    identity: IdentitySettings,
    zone: str,
    currency: str,
    now: datetime | None,
) -> str:
    """All that the clean log depends on: under this name it is kept."""
    parts = [VERSION, manifest.fingerprint, asdict(settings), asdict(identity), zone, currency, now and now.isoformat()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _fingerprint(
    engine: Engine, events: ir.Table, manifest: Manifest, tables: Mapping[str, ir.Table], zone: str, currency: str
) -> str:
    """Hash of all that a reader of the log can see: the same files give the same log, whenever they are imported."""
    seen = {"events": engine.digest(events)}
    for name in sorted(tables):
        if manifest.rows("identity_keys" if name == "identities" else name):
            seen[name] = engine.digest(tables[name].select(*CANONICAL[name].names))
    return hashlib.sha256(json.dumps([VERSION, zone, currency, seen]).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Store:
    """Where the cleaned rows of one state are kept: in the cache folder, or in the engine without one."""

    folder: Path | None
    name: str

    def keep(self, engine: Engine, name: str, rows: ir.Table) -> ir.Table:
        """The rows, written once."""
        if self.folder is None:
            return engine.cached(rows)
        path = self._path(self.folder, name)
        with replacing(path) as aside:
            engine.write_parquet(rows, aside)
        return engine.parquet(path)

    def finish(self, quality: Quality) -> None:
        """Write the quality last: it says that all is there. Then drop logs of older states; they can be rebuilt."""
        if self.folder is None:
            return
        done = write_bytes(self.folder / f"{self.name}.json", quality.to_json().encode())
        for old in (*self.folder.glob("*.json"), *self.folder.glob("*.parquet")):
            if not old.name.startswith(done.stem):
                old.unlink(missing_ok=True)

    def load(self, engine: Engine) -> tuple[ir.Table, ir.Table, Quality] | None:
        """What an earlier call kept, or None."""
        done = None if self.folder is None else self.folder / f"{self.name}.json"
        if self.folder is None or done is None or not done.is_file():
            return None
        events, flags = (self._path(self.folder, name) for name in ("events", "flags"))
        if not events.is_file() or not flags.is_file():
            return None
        try:
            quality = Quality.from_json(done.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError):
            return None  # written by another version, or damaged: built anew
        if "fingerprint" not in quality.facts:
            return None
        return engine.parquet(events), engine.parquet(flags), quality

    def _path(self, folder: Path, name: str) -> Path:
        return folder / f"{self.name}.{name}.parquet"


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
