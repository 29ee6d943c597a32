"""The log that `bench features` reads, and the SQL that somebody would write by hand for one cutoff."""

from __future__ import annotations

from pathlib import Path

CUTOFF_DAY = "2023-11-01"
_BOUGHT = "event_type = 'purchase'"
_SPENT = "floor(quantity * unit_price + 0.5)::BIGINT - coalesce(discount, 0)"


def _columns() -> dict[str, str]:
    found: dict[str, str] = {}
    for window in (7, 30, 60, 90, 180, None):
        name, inside = (f"_{window}d", f" AND age <= {window}") if window else ("", "")
        found[f"order_count{name}"] = f"count(DISTINCT order_id) FILTER ({_BOUGHT}{inside})"
        found[f"revenue{name}"] = f"coalesce(sum({_SPENT}) FILTER ({_BOUGHT}{inside}), 0) / 10000.0"
    for window in (30, 90, 180, None):
        name, inside = (f"_{window}d", f" AND age <= {window}") if window else ("", "")
        found[f"session_count{name}"] = f"count(DISTINCT session_id) FILTER (TRUE{inside})"
        found[f"item_count{name}"] = f"count(DISTINCT item_id) FILTER ({_BOUGHT}{inside})"
        found[f"line_count{name}"] = f"count(*) FILTER ({_BOUGHT}{inside})"
    for window in (30, 90):
        found[f"item_seen_count_{window}d"] = f"count(DISTINCT item_id) FILTER (age <= {window})"
        found[f"active_day_count_{window}d"] = f"count(DISTINCT local_day) FILTER (age <= {window})"
        for kind in ("search", "cart_add"):
            found[f"{kind}_count_{window}d"] = f"count(*) FILTER (event_type = '{kind}' AND age <= {window})"
    for window in (7, 30, 90):
        found[f"view_count_{window}d"] = f"count(*) FILTER (event_type = 'view' AND age <= {window})"
    found["days_since_last_order"] = f"min(age) FILTER ({_BOUGHT})"
    found["T"] = f"max(age) FILTER ({_BOUGHT})"
    found["days_since_last_act"] = "min(age)"
    found["act_count"] = "count(*)"
    found["night_share_180d"] = "count(*) FILTER (local_hour < 6 AND age <= 180) / count(*) FILTER (age <= 180)"
    found["weekend_share_180d"] = (
        "count(*) FILTER (isodow(local_day) >= 6 AND age <= 180) / count(*) FILTER (age <= 180)"
    )
    found["app_share_180d"] = "count(*) FILTER (channel = 'app' AND age <= 180) / count(*) FILTER (age <= 180)"
    return found


#: Feature name -> the SQL of it; the same columns as `features.build` is asked for.
COLUMNS: dict[str, str] = _columns()


def select(path: Path) -> str:
    """One pass over the events: every column at one cutoff, for customers with an order in the last 180 days."""
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in COLUMNS.items())
    return f"""
        SELECT customer_id, {columns}
        FROM (SELECT *, DATE '{CUTOFF_DAY}' - local_day AS age FROM '{path}'
              WHERE occurred_at < TIMESTAMPTZ '{CUTOFF_DAY}' AND recorded_at < TIMESTAMPTZ '{CUTOFF_DAY}'
                AND (retracted_at IS NULL OR retracted_at >= TIMESTAMPTZ '{CUTOFF_DAY}'))
        GROUP BY customer_id HAVING count(*) FILTER ({_BOUGHT} AND age <= 180) > 0
    """  # noqa: S608  (our own names and a path of our own)


def _uniform(*parts: str | int) -> str:
    return f"((hash({', '.join(map(str, parts))}) % 1000003) / 1000003.0)"


def make_log(rows: int, path: Path) -> str:
    """COPY statement that writes a log of so many events, as `EVENTS_CLEAN`, sorted by customer and time."""
    bought, kept = "z >= 86 AND z < 92", "NOT (z >= 62 AND z < 74 OR z >= 92)"
    nothing = ", ".join(
        f"NULL::{kind} AS {name}"
        for kind, names in (
            ("VARCHAR", ("currency", "platform", "coupon_code", "treatment_id", "decision_id", "text", "properties")),
            ("DOUBLE", ("rating", "duration_seconds")),
            ("BIGINT", ("discount",)),
            ("TIMESTAMPTZ", ("retracted_at",)),
        )
        for name in names
    )
    return f"""
    COPY (
      WITH a AS (SELECT i, i // 200 AS c, i // 8 AS s, (i // 8) % 25 AS k FROM range({rows}) r(i)),
      b AS (SELECT *, {_uniform("c", 1)} * 600 AS birth FROM a),
      d AS (SELECT *, hash(i, 7) % 100 AS z,
                   birth + (730 - birth) * (0.05 + 0.95 * {_uniform("c", 2)}) * (k + {_uniform("s", 3)}) / 25 AS age
            FROM b),
      e AS (SELECT *, make_timestamp(1640995200000000 + floor(age)::BIGINT * 86400000000
                   + (24 * {_uniform("s", 5)} * 3590000000)::BIGINT + (i % 8) * 1000000) AS moment FROM d)
      SELECT i::VARCHAR AS event_id, 'C' || lpad(c::VARCHAR, 8, '0') AS customer_id,
        moment AT TIME ZONE 'UTC' AS occurred_at, moment AT TIME ZONE 'UTC' AS recorded_at,
        CASE WHEN z < 62 THEN 'view' WHEN z < 74 THEN 'search' WHEN z < 86 THEN 'cart_add' WHEN z < 92 THEN 'purchase'
             ELSE 'visit' END AS event_type,
        CASE WHEN {kept} THEN 'I' || floor(50000 * power({_uniform("i", 9)}, 2))::INT END AS item_id,
        CASE WHEN {bought} THEN 1.0::DOUBLE + hash(i, 11) % 3 END AS quantity,
        CASE WHEN {bought} THEN (10000 * (1 + hash(i, 12) % 50))::BIGINT END AS unit_price,
        CASE WHEN {bought} THEN 'O' || s END AS order_id, 'S' || s AS session_id,
        CASE WHEN hash(s, 13) % 3 = 0 THEN 'app' ELSE 'web' END AS channel, {nothing},
        'bench' AS source, c::VARCHAR AS source_id, moment::DATE AS local_day, extract(hour FROM moment)::TINYINT AS local_hour
      FROM e
    ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
    """  # noqa: S608  (numbers and a path of our own)
