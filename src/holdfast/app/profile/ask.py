"""The segments of the published release: list, flow, members."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.app.answer import Answer
from holdfast.core.errors import UsageError
from holdfast.core.registry import nearest
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.shop import Shop

SCHEMES = ("rules", "rfm", "learnt")
_COLUMNS = {"rfm": "rfm_group", "learnt": "learnt_segment"}
_LIST = (
    ("customer_id", Text("customer", "客户")), ("segment", Text("segment", "分群")), ("p_churn", Text("chance of no order", "不下单概率")),
    ("value_at_risk", Text("value at risk", "风险价值")), ("clv", Text("customer value", "客户价值")),
    ("currency", Text("currency", "货币")), ("days_since_last_order", Text("days since last order", "距上次下单天数")),
    ("lifecycle", Text("life-cycle", "生命周期")), ("interests", Text("interests", "兴趣")),
)  # fmt: skip
_WRITTEN = Text("{n} customers written to {file}", "已将{n}位客户写入 {file}")


def segments(
    shop: Shop, language: Language, *, by: str | None = None, moves: bool = False, segment: str | None = None,
    csv: Path | None = None, since: str | None = None,
) -> Answer:  # fmt: skip
    """Each segment with size, words, value and churn; with `csv`, the members of one (or of all) as a list.

    `moves`: who moved in the last four weeks, by the same fitted segments; `since` names an earlier release to compare
    what was published then (learnt segments may have been fitted anew).

    Raises `UsageError` for a way of cutting or a segment that the release does not have.
    """
    from holdfast.report.segments import segments_page
    from holdfast.report.voice import Voice

    release = shop.releases.current()
    facts = facts_of(release)
    scheme = _scheme(facts, by)
    rows = facts["segments"][scheme]
    if segment is not None and segment not in [one["name"] for one in rows]:
        known = [one["name"] for one in rows]
        raise UsageError(f"no segment {segment!r} by {scheme}", remedy=nearest(segment, known))
    if since is not None:
        facts = {**facts, "flow": _since(shop, since, release, scheme)}
    shown = {**facts, "segments": {**facts["segments"], scheme: [r for r in rows if segment in (None, r["name"])]}}
    voice = Voice(language, str(release.manifest["currency"]), str(release.manifest["zone"]))
    data: dict[str, Any] = {
        "release_id": release.release_id, "by": scheme, "published_by": facts["segments"]["use"],
        "segments": shown["segments"][scheme], "how_learnt": facts["segments"].get("how_learnt"),
    }  # fmt: skip
    if moves or since is not None:
        flow = facts.get("flow") or {}
        data["flow"] = {"since": flow.get("since"), "moves": flow.get(scheme, flow.get("undetermined"))}
    text = segments_page(shown, scheme, voice, day=release.manifest["cutoff"], moves=moves or since is not None)
    if csv is not None:
        count = _write(csv, _members(release, scheme, segment), language)
        data["csv"], data["written"] = str(csv), count
        text = f"{text}\n{_WRITTEN.render(language, n=f'{count:,}', file=csv)}\n"
    return Answer(data, text)


def facts_of(release: ReleaseFolder) -> dict[str, Any]:
    """What the release says about its customers; raises `UsageError` where it was published before it could."""
    facts = release.json("outlook.json").get("profile") or {}
    if "segments" not in facts:
        why = facts.get("undetermined") or "it was published by an earlier version"
        raise UsageError(f"release {release.release_id} has no segments: {why}", remedy="run: holdfast run")
    return dict(facts)


def _scheme(facts: dict[str, Any], by: str | None) -> str:
    scheme = by or str(facts["segments"]["use"])
    if scheme not in SCHEMES:
        raise UsageError(f"customers are not cut by {scheme!r}", remedy=nearest(scheme, list(SCHEMES)))
    if scheme not in facts["segments"]:
        why = {
            "rules": "there is no segments.toml",
            "learnt": (facts["segments"].get("how_learnt") or {}).get("undetermined", "none were learnt"),
        }
        have = ", ".join(one for one in SCHEMES if one in facts["segments"])
        raise UsageError(f"this release has no segments by {scheme}: {why.get(scheme)}", remedy=f"it has: {have}")
    return scheme


def _since(shop: Shop, since: str, release: ReleaseFolder, scheme: str) -> dict[str, Any]:
    from holdfast.core.clock import Cutoff
    from holdfast.profile.segments.flow import flow

    earlier = shop.releases.get(since)
    _scheme(facts_of(earlier), scheme)
    then, now = _members(earlier, scheme, None), _members(release, scheme, None)
    columns = [one[name].combine_chunks() for one in (then, now) for name in ("customer_id", "segment")]
    moves = flow(columns[0], columns[1].to_pylist(), columns[2], columns[3].to_pylist())
    day = Cutoff.parse(earlier.manifest["cutoff"]).local_day(earlier.manifest["zone"])
    return {"since": day.isoformat(), scheme: moves}


def _members(release: ReleaseFolder, scheme: str, segment: str | None) -> pa.Table:
    import pyarrow.compute as pc

    customers, profiles = release.customers, release.table("profiles")
    if scheme == facts_of(release)["segments"]["use"]:
        names = customers["segment"]
    else:
        at = pc.index_in(customers["customer_id"], value_set=profiles["customer_id"].combine_chunks())
        column = _first(profiles["segments"]) if scheme == "rules" else profiles[_COLUMNS[scheme]]
        names = column.take(at)
    where = customers.schema.get_field_index("segment")
    table = customers.set_column(where, "segment", names)
    return table if segment is None else table.filter(pc.equal(table["segment"], segment))


def _first(held: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    from holdfast.profile.segments.rules import OTHER

    return pa.array([one[0] if one else OTHER for one in held.to_pylist()], pa.string())


def _write(path: Path, table: pa.Table, language: Language) -> int:
    from holdfast.app.lists import write

    between = "；" if language == "zh" else "; "
    rows = []
    for one in table.select([name for name, _ in _LIST]).to_pylist():
        one["interests"] = between.join(one["interests"] or [])
        rows.append([round(v, 4) if isinstance(v, float) else v for v in one.values()])
    write(path, [text for _, text in _LIST], rows, language)
    return len(rows)
