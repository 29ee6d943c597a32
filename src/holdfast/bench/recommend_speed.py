"""How fast the factor lanes learn and serve, against the package `implicit` on the same synthetic cells in the same run.

Ours and theirs take turns, each in a process of its own, so that a busy machine slows both. Seconds are of the clock; the
ratio of processor seconds stands beside the ratio of the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from holdfast.bench.recommend_speed_step import RIDGE, UNOBSERVED, recall
from holdfast.core.progress import Progress
from holdfast.core.results import Score

PEER = "HOLDFAST_PEER_PYTHON"
#: (cells, customers, items), iterations and turns of each.
SIZES = (((1_000_000, 100_000, 20_000), 10, 3), ((10_000_000, 500_000, 50_000), 8, 1))
FACTORS, THREADS = (64, 128), 2
SERVED, TIMES = (20_000, 100_000), 2000


def run(full: bool, progress: Progress) -> list[Score]:
    """All rows; without a peer's Python only ours. `full` adds the loop without numba."""
    found: list[Score] = []
    steps, done = len(SIZES) * len(FACTORS) + 1, 0
    with TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        for size, iterations, turns in SIZES:
            step("make", folder, *size)
            for factors in FACTORS:
                progress.step("bench recommend: speed", done, steps)
                done += 1
                found += learnt(folder, size, factors, iterations, turns, full=full)
        progress.step("bench recommend: speed", done, steps)
        found += served(folder, SIZES[0][0])
    progress.step("bench recommend: speed", steps, steps)
    return found


def learnt(
    folder: Path, size: tuple[int, int, int], factors: int, iterations: int, turns: int, *, full: bool
) -> list[Score]:
    """Seconds per iteration and recall of ours and the peer, in turns."""
    cells, customers, items = size
    peer = os.environ.get(PEER)
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for _ in range(turns):
        ours.append(step("ials", folder, cells, factors, iterations, THREADS, "compiled"))
        if peer:
            theirs.append(asked(peer, folder, cells, factors, iterations))
    protocol = f"{cells:,} cells of {customers:,} customers and {items:,} items, {factors} factors, {THREADS} threads"
    rows = timed("ials", protocol, ours, recall(folder, str(cells), "ours.npz"))
    if theirs:
        told = f"{protocol}, implicit {theirs[0]['version']} in turn with ours"
        rows += timed("implicit_als", told, theirs, recall(folder, str(cells), "theirs.npz"))
        for metric, key in (("time_ratio", "seconds"), ("processor_ratio", "processor")):
            both = [median(a[key]) / median(b[key]) for a, b in zip(ours, theirs, strict=True)]
            told = f"{protocol}: an iteration of ours over one of implicit; lowest and highest turn"
            rows.append(Score("recommend", "speed", told, "ials", metric, median(both), min(both), max(both), cells))
    if full and cells == SIZES[0][0][0]:
        plain = step("ials", folder, cells, factors, iterations, THREADS, "numpy")
        told = f"{protocol}, without numba"
        rows += timed("ials_numpy", told, [plain], recall(folder, str(cells), "ours.npz"))
    return rows


def timed(model: str, protocol: str, turns: list[dict[str, Any]], found: float) -> list[Score]:
    """Median iteration of all turns, and the accuracy after the last."""
    rows = []
    for metric, key in (("iteration_seconds", "seconds"), ("iteration_processor_seconds", "processor")):
        every = [one for turn in turns for one in turn[key]]
        rows.append(
            Score("recommend", "speed", protocol, model, metric, median(every), min(every), max(every), len(every))
        )
    told = f"{protocol}: a tenth of the cells held out, items of the past left out"
    rows.append(Score("recommend", "speed", told, model, "recall_at_10", found, n=2000))
    return rows


def served(folder: Path, size: tuple[int, int, int]) -> list[Score]:
    """EASE at 20,000 items, lists of everybody, and one customer at a time."""
    cells, customers, items = size
    rows: list[Score] = []
    one = step("ease", folder, cells)
    told = f"fit over {one['items']:,} items and {cells:,} cells, one thread"
    rows.append(_row(told, "ease", "fit_seconds", one))
    one = step("everybody", folder, cells)
    told = (
        f"ten items for {customers:,} customers of {items:,} items, 64 factors, each customer solved anew, one thread"
    )
    rows.append(_row(told, "ials", "recommend_seconds", one))
    for width in SERVED:
        one = step("one", folder, width, TIMES)
        told = f"one customer, fold-in of a new act, ten of {width:,} items, 64 factors, one thread"
        for place, metric in enumerate(("latency_p50_ms", "latency_p99_ms")):
            value = one["clock"][place]
            rows.append(Score("recommend", "speed", told, "ials", metric, value, n=TIMES, peak_mb=one["peak_mb"]))
            value = one["processor"][place]
            rows.append(Score("recommend", "speed", f"{told}: processor", "ials", metric, value, n=TIMES))
    return rows


def _row(protocol: str, model: str, metric: str, one: dict[str, Any]) -> Score:
    told = f"{protocol}; {one['processor']:.1f} processor seconds"
    return Score(
        "recommend", "speed", told, model, metric, one["seconds"], seconds=one["seconds"], peak_mb=one["peak_mb"]
    )


def step(name: str, folder: Path, *settings: object) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "holdfast.bench.recommend_speed_step", name, str(folder), *map(str, settings)]
    return _answer(name, command)


def asked(python: str, folder: Path, cells: int, factors: int, iterations: int) -> dict[str, Any]:
    """The same of the peer. Its ridge counts in units of an unobserved cell, as its weights do."""
    script = str(Path(__file__).with_name("recommend_speed_peer.py"))
    weight, ridge = 1 + 1 / UNOBSERVED, RIDGE / UNOBSERVED
    out = str(folder / "theirs.npz")
    numbers = map(str, (factors, iterations, THREADS, weight, ridge))
    return _answer("peer", [python, script, str(folder / f"{cells}.npz"), *numbers, out])


def _answer(name: str, command: list[str]) -> dict[str, Any]:
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads}, check=False)
    if done.returncode:
        raise RuntimeError(f"bench step {name} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
