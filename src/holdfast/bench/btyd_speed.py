"""How long fits and scores take on simulated customers, whether the truth comes back, and a peer on the same rows.

Every figure is measured in a process of its own, on one thread, in seconds of processor time, so that other work on the
machine changes it little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from holdfast.bench.btyd_step import TRUTH
from holdfast.core.progress import Progress
from holdfast.core.results import Score

SIZES = (10_000, 100_000, 1_000_000)
#: The peer is given so many rows, each with so many seconds; where they do not do, larger ones are not tried.
PEER_SIZES, PEER_SECONDS = (10_000, 100_000, 1_000_000), 240
PEER = "HOLDFAST_PEER_PYTHON"


def speed(*, full: bool, progress: Progress) -> tuple[list[Score], str | None]:
    """Scaling of MBG/NBD and Pareto/NBD, and the peer; with a note where there is none."""
    found: list[Score] = []
    with TemporaryDirectory(prefix="holdfast-bench-") as folder:
        rows = Path(folder)
        for at, customers in enumerate(SIZES):
            progress.step("bench btyd: simulated", at, len(SIZES) + 1)
            run("make", "mbg_nbd", customers, rows)
            for model in ("mbg_nbd", "pareto_nbd"):
                if model == "mbg_nbd" or customers < 1_000_000 or full:
                    found += measured(model, customers, run("fit", model, customers, rows))
        progress.step("bench btyd: simulated", len(SIZES), len(SIZES) + 1)
        python = os.environ.get(PEER)
        note = None if python else f"bench btyd: no peer; set {PEER} to a Python with lifetimes to compare"
        if python:
            found += peer(
                python, rows, {x.n: x.value for x in found if (x.model, x.metric) == ("mbg_nbd", "fit_seconds")}
            )
        progress.step("bench btyd: simulated", len(SIZES) + 1, len(SIZES) + 1)
    return found, note


def measured(model: str, customers: int, one: dict[str, Any]) -> list[Score]:
    """Seconds of fit (with standard errors) and of scores, and each parameter against the truth."""
    protocol = f"simulated from mbg_nbd, {customers:,} customers of {one['groups']:,} histories, processor seconds"
    memory = one["peak_mb"]
    rows = [
        Score("btyd", "simulated", protocol, model, f"{what}_seconds", one[what], n=customers, peak_mb=memory)
        for what in ("group", "fit", "score")
    ]
    rows.append(Score("btyd", "simulated", protocol, model, "log_likelihood", one["log_likelihood"], n=customers))
    if model != "mbg_nbd":
        return rows
    for name, true in zip(one["parameters"], TRUTH, strict=True):
        told = f"{protocol}: true {name} {true:g}, with its 95% interval"
        low, high = one["intervals"][name]
        rows.append(Score("btyd", "simulated", told, model, name, one["parameters"][name], low, high, customers))
    return rows


def peer(python: str, folder: Path, ours: dict[int | None, float]) -> list[Score]:
    """The archived `lifetimes` on the same rows: its seconds, and how many times ours they are."""
    rows: list[Score] = []
    script = str(Path(__file__).with_name("btyd_peer.py"))
    for customers in PEER_SIZES:
        file = str(folder / f"{customers}.npz")
        try:
            done = subprocess.run(
                [python, script, file], capture_output=True, text=True, timeout=PEER_SECONDS, check=False,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            break
        if done.returncode:
            sys.stderr.write(f"bench btyd: the peer failed on {customers:,} rows: {done.stderr[-300:]}\n")
            break
        one = json.loads(done.stdout.splitlines()[-1])
        protocol = f"simulated from mbg_nbd, {customers:,} customers, lifetimes {one['version']} on the same rows"
        rows += [
            Score("btyd", "simulated", protocol, "lifetimes_mbg_nbd", "fit_seconds", one["fit"], n=customers),
            Score("btyd", "simulated", protocol, "lifetimes_mbg_nbd", "score_seconds", one["score"], n=customers),
            Score(
                "btyd",
                "simulated",
                protocol,
                "lifetimes_mbg_nbd",
                "time_ratio",
                one["fit"] / ours[customers],
                n=customers,
            ),
            Score(
                "btyd",
                "simulated",
                protocol,
                "lifetimes_mbg_nbd",
                "log_likelihood",
                likelihood(one["parameters"], file),
            ),
        ]
    return rows


def likelihood(parameters: list[float], file: str) -> float:
    """The log-likelihood of the peer's parameters, by our formula: whether it found the same optimum."""
    import numpy as np

    from holdfast.models.btyd.erlang import MbgNbd
    from holdfast.models.btyd.summary import PurchaseSummary

    with np.load(file) as saved:
        rows = PurchaseSummary.of(saved["x"], saved["t_x"], saved["T"], unit_days=7).rows
    return MbgNbd().objective(rows)(np.log(parameters))[0]


def run(step: str, model: str, customers: int, folder: Path) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "holdfast.bench.btyd_step", step, model, str(customers), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    if done.returncode:
        raise RuntimeError(f"bench step {step} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
