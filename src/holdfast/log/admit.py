"""Which rows of an import are news: the identity of a row, what the lake knows already, and versions.

A row without an id of its own is known by its content: event_id is a hash of it, with `-1`, `-2`, ... for the second,
third, ... identical row of one file. So the same file again, under any name, adds nothing, and rows that repeat
are all kept until a cleaning rule says otherwise. A row with its own id whose content changed is a new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir

from holdfast.core.clock import from_micros
from holdfast.engine.duck import Engine
from holdfast.log.content import content_hash, instant, text_of
from holdfast.log.money import signed_amount
from holdfast.log.staging import Staged
from holdfast.log.store import Draft, Segment
from holdfast.log.tables import EVENT_CONTENT, LAKE_TABLES


@dataclass(frozen=True)
class Admitted:
    """Event rows of one import by what became of them."""

    staged: int = 0
    new: int = 0
    versions: int = 0
    reused: int = 0
    #: Data rows of the file with at least one new event.
    kept_rows: int = 0


def admit_events(
    engine: Engine, draft: Draft, staged: Staged, source: str, now: datetime, delay: timedelta
) -> tuple[Admitted, ir.Table | None]:
    """Add the new events to the draft. Also gives the rows whose own id another row of the file uses, as rejected."""
    if not staged.rows.get("events"):
        return Admitted(), None
    rows = _with_identity(engine, staged, delay)
    stored = LAKE_TABLES["events"].names
    loaded = instant(now)
    hashed = rows.filter(rows.event_id.isnull()) if staged.own_ids else rows
    parts: list[ir.Table] = []
    versions, reused = 0, None
    if staged.own_ids < staged.rows["events"]:
        parts.append(_unknown(engine, draft, staged, hashed, source))
    if staged.own_ids:
        own, reused = _without_reuse(rows.filter(rows.event_id.notnull()))
        own = engine.cached(_own_news(engine, draft, own, source, now))
        versions = int(engine.scalar(own.is_version.sum().coalesce(0)))
        parts.append(own)
        reused = engine.cached(reused)
    news = [part.mutate(loaded_at=loaded).select(*stored) for part in parts]
    whole = ibis.union(*news, distinct=False) if len(news) > 1 else news[0]
    segment = draft.add(
        engine, "events", whole, source=source, order=("occurred_at", "source_file", "source_row", "event_id")
    )
    return _counts(engine, draft, staged, segment, versions, reused), reused


def _with_identity(engine: Engine, staged: Staged, delay: timedelta) -> ir.Table:
    rows = staged.table(engine, "events")
    # A row that has an id of its own is compared with stored rows, which hold no unread columns.
    rows = rows.mutate(unread=ibis.ifelse(rows.event_id.isnull(), rows.unread, ibis.null("string")))
    rows = rows.mutate(content=content_hash(rows, (*EVENT_CONTENT, "unread")))
    place = ibis.window(group_by=["content", "source_file"], order_by=["source_row"])
    return rows.mutate(
        repeat=ibis.row_number().over(place).cast("int32"),
        given_at=rows.recorded_at,
        recorded_at=rows.recorded_at.coalesce(
            rows.occurred_at + ibis.interval(microseconds=delay // timedelta(microseconds=1))
        )
        if delay
        else rows.recorded_at.coalesce(rows.occurred_at),
    )


def _unknown(engine: Engine, draft: Draft, staged: Staged, rows: ir.Table, source: str) -> ir.Table:
    """Rows without an id of their own that the lake does not hold yet."""
    later = ibis.literal("-").concat(rows["repeat"].cast("string"))
    rows = rows.mutate(event_id=ibis.ifelse(rows["repeat"] == 0, rows.content, rows.content.concat(later)))
    if len(staged.files) > 1:  # a row that two files of one folder hold is one row, as if they came one by one
        first = ibis.window(group_by="event_id", order_by=["source_file", "source_row"])
        rows = rows.mutate(copy=ibis.row_number().over(first))
        rows = rows.filter(rows.copy == 0).drop("copy")
    # Equal content has an equal instant: only segments that reach into the same time can know a row.
    spans = engine.arrow(rows.aggregate(first=rows.occurred_at.min(), last=rows.occurred_at.max())).to_pylist()[0]
    known = _segments(draft, source, spans["first"], spans["last"])
    if not known:
        return rows
    return rows.anti_join(draft.lake.table(engine, "events", known).select("event_id"), "event_id")


def _segments(
    draft: Draft, source: str, first: datetime | None = None, last: datetime | None = None
) -> tuple[Segment, ...]:
    found = [one for one in draft.before.tables.get("events", ()) if one.source == source]
    if first is not None and last is not None:
        found = [one for one in found if from_micros(one.first or 0) <= last and from_micros(one.last or 0) >= first]
    return tuple(found)


def _without_reuse(own: ir.Table) -> tuple[ir.Table, ir.Table]:
    """One row for each (id, recorded_at) of the file: the last one. Identical rows count once; other contents are reused ids."""
    own = own.filter(own["repeat"] == 0)
    same = ibis.window(group_by=["event_id", "given_at"], order_by=[ibis.desc("source_file"), ibis.desc("source_row")])
    own = own.mutate(rank=ibis.row_number().over(same))
    kept = own.filter(own["rank"] == 0).drop("rank")
    return kept, own.filter(own["rank"] > 0).drop("rank")


def _own_news(engine: Engine, draft: Draft, own: ir.Table, source: str, now: datetime) -> ir.Table:
    """Rows with their own id that say something new: an unknown id, or a content this id never had."""
    own = own.mutate(repeat=ibis.literal(0, "int32"))
    segments = _segments(draft, source)
    if not segments:
        return _first_and_later(own)
    stored = draft.lake.table(engine, "events", segments)
    stored = stored.semi_join(own.select("event_id").distinct(), "event_id")
    latest_first = ibis.window(group_by="event_id", order_by=[ibis.desc("recorded_at"), ibis.desc("loaded_at")])
    stored = stored.mutate(content=content_hash(stored, EVENT_CONTENT), age=ibis.row_number().over(latest_first))
    stored = engine.cached(stored.select("event_id", "content", "recorded_at", "age"))
    same = own.inner_join(stored, ["event_id", "content"], rname="{name}_stored")
    same = same.filter(same.given_at.isnull() | (same.given_at == same.recorded_at_stored) | (same.age == 0))
    fresh = own.anti_join(
        same.select("event_id", "content", "source_row", "source_file"),
        ["event_id", "content", "source_row", "source_file"],
    )
    newest = stored.group_by("event_id").aggregate(newest=stored.recorded_at.max())
    taken = stored.select("event_id", given_at=stored.recorded_at, is_taken=ibis.literal(True)).distinct()
    fresh = fresh.left_join(newest, "event_id").drop("event_id_right")
    fresh = fresh.left_join(taken, ["event_id", "given_at"])
    fresh = fresh.drop(*[name for name in fresh.columns if name.endswith("_right")])
    imported = ibis.greatest(instant(now), fresh.newest + ibis.interval(microseconds=1))
    usable = fresh.given_at.notnull() & fresh.is_taken.isnull()
    learnt = ibis.cases((fresh.newest.isnull(), fresh.recorded_at), (usable, fresh.given_at), else_=imported)
    return fresh.mutate(recorded_at=learnt, is_version=fresh.newest.notnull()).drop("newest", "is_taken")


def _first_and_later(own: ir.Table) -> ir.Table:
    """Within one file the first-recorded content of an id is the row, the others are its versions."""
    age = ibis.row_number().over(ibis.window(group_by="event_id", order_by=["recorded_at"]))
    return own.mutate(is_version=age > 0)


def _counts(
    engine: Engine, draft: Draft, staged: Staged, segment: Segment | None, versions: int, reused: ir.Table | None
) -> Admitted:
    new = segment.rows if segment else 0
    twice = int(engine.scalar(reused.count())) if reused is not None else 0
    kept_rows = new
    if staged.event_rows != staged.rows["events"] and segment is not None:
        written = engine.parquet(draft.lake.folder / segment.path)
        kept_rows = int(engine.scalar(written.select("source_file", "source_row").distinct().count()))
    return Admitted(staged.rows["events"], new, versions, twice, kept_rows)


def reused_as_rejected(reused: ir.Table, preset: str) -> ir.Table:
    """Rows of an id that another row of the same file uses, in the columns of a staged rejected row."""
    raw = ibis.struct({name: text_of(reused[name]) for name in ("event_id", *EVENT_CONTENT)})
    return reused.select(
        source="source",
        source_file="source_file",
        source_row="source_row",
        column=ibis.literal("event_id"),
        value="event_id",
        reason=ibis.literal("event_id_reused"),
        amount=signed_amount(reused),
        raw=raw.cast("json").cast("string"),
    )
