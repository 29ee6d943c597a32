"""One step of `bench features`, run as `python -m holdfast.bench.features_step STEP ROWS FILE`."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.bench.features_sql import COLUMNS, CUTOFF_DAY, make_log, select
from holdfast.core.clock import Cutoff, Gap
from holdfast.core.log import EventLog
from holdfast.core.tables import FeatureTable
from holdfast.engine.duck import Engine


def _log(engine: Engine, rows: int, path: Path) -> EventLog:
    first, last = datetime(2022, 1, 1, tzinfo=UTC), datetime(2023, 12, 31, tzinfo=UTC)
    return EventLog(engine.parquet(path), "UTC", "EUR", f"bench {rows}", first, last)


def scan(engine: Engine, rows: int, path: Path) -> None:
    columns = (
        "customer_id",
        "event_type",
        "item_id",
        "session_id",
        "order_id",
        "local_day",
        "recorded_at",
        "occurred_at",
    )
    largest = ", ".join(f"max({name})" for name in (*columns, "quantity", "unit_price"))
    engine.sql(f"SELECT {largest} FROM '{path}'").fetchall()  # noqa: S608  (names of our own)


def hand_sql(engine: Engine, rows: int, path: Path) -> Any:
    engine.sql(f"CREATE TEMP TABLE hand AS {select(path)}")
    columns = ", ".join(COLUMNS)
    found = engine.sql(f"SELECT {columns} FROM hand").fetchnumpy()  # noqa: S608
    return digest(np.column_stack([np.ma.filled(found[name].astype(float), np.nan) for name in COLUMNS]))


def ledger(engine: Engine, rows: int, path: Path) -> None:
    shutil.rmtree(_cache(path), ignore_errors=True)
    _ledger(engine, rows, path)


def one_cutoff(engine: Engine, rows: int, path: Path) -> Any:
    return digest(_build(engine, rows, path, 1).values)


def twelve_warm(engine: Engine, rows: int, path: Path) -> None:
    _build(engine, rows, path, 12)


def twelve_cold(engine: Engine, rows: int, path: Path) -> None:
    shutil.rmtree(_cache(path), ignore_errors=True)
    _build(engine, rows, path, 12)


def pandas(engine: Engine, rows: int, path: Path) -> None:
    import pandas as pd

    from holdfast.bench.features_pandas import aggregate

    aggregate(pd.read_parquet(path), date.fromisoformat(CUTOFF_DAY))


def _cache(path: Path) -> Path:
    return path.with_suffix(".cache")


def _ledger(engine: Engine, rows: int, path: Path) -> Any:
    from holdfast.snapshot.ledger import Ledger

    return Ledger.open(engine, _log(engine, rows, path), _cache(path))


def _build(engine: Engine, rows: int, path: Path, cutoffs: int) -> FeatureTable:
    from holdfast.features.build import build
    from holdfast.snapshot.snapshot import Snapshot

    newest = Cutoff.parse(CUTOFF_DAY)
    at = [newest.minus(Gap.parse(f"{15 * back}d")) for back in range(cutoffs)]
    return build(Snapshot(_ledger(engine, rows, path), at).observed, list(COLUMNS))


def digest(values: Any) -> list[float]:
    """Column sums (missing left out), rounded to what float32 keeps of each value: equal for equal tables."""
    sums = np.nansum(np.asarray(values, np.float32).astype(np.float64), axis=0)
    return [len(values), *(float(f"{one:.9g}") for one in sums)]


def make(engine: Engine, rows: int, path: Path) -> None:
    engine.sql(make_log(rows, path))


DO: dict[str, Callable[[Engine, int, Path], Any]] = {
    one.__name__: one for one in (make, scan, hand_sql, ledger, one_cutoff, twelve_warm, twelve_cold, pandas)
}


def main(step: str, rows: str, path: str) -> None:
    """Run one step and print its seconds, peak memory and digest as JSON."""
    with Engine() as engine:
        start = time.perf_counter()
        found = DO[step](engine, int(rows), Path(path))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, "digest": found}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
