"""How long lists take to be judged, and to be made by the plainest lane, and how much memory both hold.

A simulated shop of 20,000 items; every figure is measured in a process of its own, so that its peak is its own; on one
thread, in seconds of processor time, so that other work on the machine changes it little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from holdfast.bench.registry import BENCHES
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

CUSTOMERS, ITEMS, LENGTH = 100_000, 20_000, 100
STEPS = ("judge", "compare", "score")


@BENCHES.register("lists")
def lists(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Seconds and peak memory of judging and making the lists of 100,000 customers; `full`: of 300,000."""
    customers = 3 * CUSTOMERS if full else CUSTOMERS
    found: list[Score] = []
    for place, step in enumerate(STEPS):
        progress.step("bench lists", place, len(STEPS))
        found += rows(step, customers, run(step, customers))
    progress.step("bench lists", len(STEPS), len(STEPS))
    return found


def rows(step: str, customers: int, said: dict[str, Any]) -> list[Score]:
    """What a step took beyond making the simulated shop."""
    what = {
        "judge": f"metrics of given lists of {LENGTH}, depths 10, 20 and {LENGTH}, five slices",
        "compare": "paired gain of two judged recommenders, 1,000 replicates",
        "score": f"the best {LENGTH} of every customer by popularity, seen excluded, in blocks",
    }[step]
    protocol = f"simulated, {customers:,} customers x {ITEMS:,} items, {what}, processor seconds"
    common = {"n": customers, "seconds": said["seconds"], "peak_mb": said["peak_mb"]}
    model = "popular" if step == "score" else "metrics"
    return [
        Score("lists", "simulated", protocol, model, f"{step}_seconds", said["seconds"], **common),
        Score("lists", "simulated", protocol, model, f"{step}_peak_mb", said["peak_mb"], **common),
    ]


def run(step: str, customers: int, items: int = ITEMS, length: int = LENGTH) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "holdfast.bench.lists_step", step, str(customers), str(items), str(length)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise RuntimeError(f"bench step {step} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
