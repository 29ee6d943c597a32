"""The day ledger and its features beside a plain scan, hand-written SQL and pandas, on synthetic logs.

Every figure is measured in a process of its own, so that its peak memory is its own. The log is made by DuckDB:
200 events a customer over two years in sessions of eight, 6% of them order lines, sorted as the cleaned log is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from holdfast.bench.features_sql import COLUMNS
from holdfast.bench.registry import BENCHES
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

SIZES = (1_000_000, 10_000_000, 50_000_000)
PANDAS_UP_TO = 10_000_000
#: (step, what it is, how often: rows are divided by the seconds of one run)
STEPS: dict[str, str] = {
    "scan": "plain scan of the needed columns",
    "hand_sql": "hand-written SQL, one cutoff",
    "pandas": "the same aggregates in pandas, one cutoff",
    "ledger": "day ledger built",
    "one_cutoff": "one cutoff, ledger ready",
    "twelve_warm": "twelve cutoffs, ledger ready",
    "twelve_cold": "ledger built and twelve cutoffs",
}


@BENCHES.register("features")
def features(data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """The day ledger and its features: time, peak memory and rows a second, beside SQL and pandas."""
    sizes = [int(data)] if data and data.isdigit() else list(SIZES)
    scores: list[Score] = []
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        for at, rows in enumerate(sizes):
            progress.step("bench features", at, len(sizes))
            scores += _size(rows, Path(folder))
    progress.step("bench features", len(sizes), len(sizes))
    return scores


def _size(rows: int, folder: Path) -> list[Score]:
    """All steps over one log, which is deleted afterwards."""
    log = folder / f"{rows}.parquet"
    _run("make", rows, log)
    found: dict[str, dict[str, Any]] = {}
    for step in STEPS:
        if step != "pandas" or rows <= PANDAS_UP_TO:
            found[step] = _run(step, rows, log)
    log.unlink()
    name = f"synthetic {rows // 1_000_000} M events"
    protocol = f"{len(COLUMNS)} columns at a cutoff: windows, distinct items and sessions; 2 years"
    scores = [
        Score(
            "features", name, protocol, STEPS[step], "rows_per_second", rows / one["seconds"], n=rows,
            seconds=one["seconds"], peak_mb=one["peak_mb"],
        )
        for step, one in found.items()
    ]  # fmt: skip
    ratio = found["twelve_cold"]["seconds"] / found["hand_sql"]["seconds"]
    differ = float(found["one_cutoff"]["digest"] != found["hand_sql"]["digest"])
    return [
        *scores,
        Score("features", name, protocol, "twelve cutoffs / hand-written SQL", "time_ratio", ratio, n=rows),
        Score("features", name, protocol, "one cutoff against hand-written SQL", "differs", differ, n=rows),
    ]


def _run(step: str, rows: int, log: Path) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "holdfast.bench.features_step", step, str(rows), str(log)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    if done.returncode:
        raise RuntimeError(f"bench step {step} failed after {time.perf_counter() - start:.0f} s: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
