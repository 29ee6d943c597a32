"""How long a budget takes to be allocated, how much memory it holds, and how near to the best possible the plan is.

Simulated customers with gains and costs of every arm; a money budget, the capacity of three channels and a cap on all
contacts bind. Every figure is measured in a process of its own, on one thread. `seconds` is on the clock, from the
options to the plan, hashing of ids, sorting and certificate included; `cpu_seconds` is processor time, which other work
on the machine changes less. HiGHS (scipy.optimize) gets the same limits in the same run: as a mixed-integer programme
where it can take it, else as the linear relaxation, whose value is a bound as ours is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

SIZES: dict[str, tuple[int, int]] = {
    "10k_x_5": (10_000, 5),
    "100k_x_5": (100_000, 5),
    "1m_x_5": (1_000_000, 5),
    "100k_x_50": (100_000, 50),
}
#: What HiGHS is asked for at each size, and the seconds it may take.
PEER = {"10k_x_5": ("highs_milp", "highs_lp"), "100k_x_5": ("highs_milp", "highs_lp")}
PEER_FULL = {"100k_x_50": ("highs_lp",), "1m_x_5": ("highs_lp",)}
PATIENCE = 240
REPEATS = 3


@BENCHES.register("allocate")
def allocate(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Seconds, memory and gap of the allocator by size, and of HiGHS on the sizes it can take; `full`: on all."""
    if data is not None and data not in SIZES:
        raise UsageError(f"the allocate bench knows no size {data!r}", remedy=f"one of: {', '.join(SIZES)}")
    peers = {**PEER, **(PEER_FULL if full else {})}
    steps = [(size, who) for size in SIZES if data in (None, size) for who in ("dual", *peers.get(size, ()))]
    found: list[Score] = []
    own: dict[str, Any] = {}
    for place, (size, who) in enumerate(steps):
        progress.step("bench allocate", place, len(steps))
        said = run(size, who)
        if who == "dual":
            own = said
        found += rows(size, who, said, own)
    progress.step("bench allocate", len(steps), len(steps))
    return found


def rows(size: str, who: str, said: dict[str, Any], own: dict[str, Any]) -> list[Score]:
    """What one solver took and found at one size; of a peer also how many times our time it took."""
    customers, arms = SIZES[size]
    protocol = f"simulated, {customers:,} customers x {arms} treatments, budget, three channels and contacts bind"
    common = {"n": customers, "seconds": said["seconds"], "peak_mb": said["peak_mb"]}
    metrics: dict[str, float] = {
        name: said[name] for name in ("seconds", "cpu_seconds", "peak_mb", "gap", "gain") if name in said
    }
    if "gap" in said:
        metrics["gap_ppm"] = said["gap"] * 1e6
    if who != "dual":
        metrics["seconds_over_ours"] = said["seconds"] / own["seconds"]
        if "gain" in said:
            metrics["gain_over_ours"] = said["gain"] / own["gain"] - 1
        if "bound" in said:
            metrics["bound_over_ours"] = said["bound"] / own["bound"] - 1
    return [Score("allocate", size, protocol, who, metric, float(value), **common) for metric, value in metrics.items()]


def run(size: str, who: str) -> dict[str, Any]:
    """One solver at one size in a process of its own."""
    customers, arms = SIZES[size]
    command = [sys.executable, "-m", "holdfast.bench.allocate_step", who, str(customers), str(arms)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise RuntimeError(f"bench step {who} at {size} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
