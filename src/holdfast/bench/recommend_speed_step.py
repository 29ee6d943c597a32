"""One step of the speed bench of recommendation in a process of its own: synthetic cells, and what is timed on them."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.bench.list_data import CUTOFF
from holdfast.core.clock import DAY_MICROS
from holdfast.core.interactions import Interactions, Items
from holdfast.recommend.factors.ials import Ials, IalsFit, factorise, gram
from holdfast.recommend.factors.reading import how_of
from holdfast.recommend.factors.sweep import available, processors

#: Groups of taste that are hidden in the synthetic cells; how many customers judge.
TASTES, JUDGES = 20, 2000
#: Weight of an unobserved cell where an observed one weighs 1 more, and the ridge; the peer is given the same.
UNOBSERVED, RIDGE = 0.1, 1.0


def make(folder: Path, cells: str, customers: str, items: str) -> dict[str, Any]:
    """Different (customer, item) pairs by power laws, three of five within the customer's taste; a tenth is held out."""
    from scipy.sparse import csr_matrix

    size, shape = int(cells), (int(customers), int(items))
    draw = np.random.default_rng(0)
    who = _skewed(draw, shape[0], 1.5, size * 3 // 2)
    item = _skewed(draw, shape[1], 1.2, len(who))
    taste_of, group_of = draw.integers(0, TASTES, shape[0]), draw.integers(0, TASTES, shape[1])
    kept = (group_of[item] == taste_of[who]) | (draw.random(len(who)) < 0.4)
    moved = np.flatnonzero(~kept)
    for group in range(TASTES):
        here = moved[taste_of[who[moved]] == group]
        own = np.flatnonzero(group_of == group)
        item[here] = own[_skewed(draw, len(own), 1.2, len(here))]
    pairs = draw.permutation(np.unique(who * shape[1] + item))[: size * 10 // 9]
    held = pairs[size:] if len(pairs) > size else pairs[: len(pairs) // 10]
    known = pairs[:size] if len(pairs) > size else pairs[len(pairs) // 10 :]
    found = csr_matrix((np.ones(len(known), np.float32), (known // shape[1], known % shape[1])), shape=shape)
    found.sort_indices()
    asked = draw.permutation(np.intersect1d(held // shape[1], np.flatnonzero(np.diff(found.indptr))))[:JUDGES]
    asked.sort()
    held = held[np.isin(held // shape[1], asked)]
    np.savez(
        _file(folder, cells),
        data=found.data,
        indices=found.indices,
        indptr=found.indptr,
        shape=shape,
        asked=asked,
        held=held,
    )
    return {"cells": int(found.nnz)}


def _skewed(draw: np.random.Generator, size: int, power: float, count: int) -> NDArray[np.int64]:
    share = draw.pareto(power, size) + 1
    return np.searchsorted(np.cumsum(share) / share.sum(), draw.random(count)).clip(0, size - 1).astype(np.int64)


def _file(folder: Path, cells: str) -> Path:
    return folder / f"{cells}.npz"


def load(folder: Path, cells: str) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
    """Cells, customers who judge, and their held-out pairs as customer x width + item."""
    from scipy.sparse import csr_matrix

    with np.load(_file(folder, cells)) as saved:
        found = csr_matrix((saved["data"], saved["indices"], saved["indptr"]), shape=saved["shape"])
        return found, saved["asked"], saved["held"]


def ials(folder: Path, cells: str, factors: str, iterations: str, threads: str, kind: str) -> dict[str, Any]:
    """Seconds per iteration, of the clock and of the processors; kind is compiled or numpy."""
    known, asked, _ = load(folder, cells)
    settings = Ials(
        factors=int(factors),
        iterations=int(iterations),
        unobserved=UNOBSERVED,
        regularisation=RIDGE,
        frequency_power=0.0,
    )
    compiled = kind == "compiled" and available()
    factorise(settings, known[:100], compiled=compiled)  # compiling is not what is measured
    clock, processor, last = [], [], {}

    def after(x: Any, y: Any) -> None:
        clock.append(time.perf_counter())
        processor.append(time.process_time())
        last["x"], last["y"] = x, y

    factorise(settings, known, compiled=compiled, threads=int(threads), after=after)
    np.savez(folder / "ours.npz", x=last["x"][asked], y=last["y"])
    # the first iteration starts before the first call: it is not counted
    return {"seconds": np.diff(clock).tolist(), "processor": np.diff(processor).tolist()}


def recall(folder: Path, cells: str, factors_file: str) -> float:
    """Recall at 10 of held-out items among all others, items of the past left out, over the customers who judge."""
    known, asked, held = load(folder, cells)
    with np.load(folder / factors_file) as saved:
        scores = saved["x"] @ saved["y"].T
    past = known[asked]
    scores[np.repeat(np.arange(len(asked)), np.diff(past.indptr)), past.indices] = -np.inf
    first = np.argpartition(-scores, 10, axis=1)[:, :10]
    hit = np.isin(asked[:, None] * known.shape[1] + first, held).sum(axis=1)
    wanted = np.bincount(np.searchsorted(asked, held // known.shape[1]), minlength=len(asked))
    return float((hit / np.minimum(wanted, 10)).mean())


def interactions(cells: Any) -> Interactions:
    """The cells as purchases, each on some day of the last year."""
    rows = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    ago = np.random.default_rng(1).integers(1, 365, cells.nnz)
    return Interactions.of(
        pa.array([f"c{one:07}" for one in range(cells.shape[0])]), named(cells.shape[1]), CUTOFF, customer=rows,
        item=cells.indices, occurred_at=CUTOFF.micros - ago * DAY_MICROS,
    )  # fmt: skip


def named(items: int) -> Items:
    return Items.named(pa.array([f"i{one:07}" for one in range(items)]))


def ease(folder: Path, cells: str) -> dict[str, Any]:
    """The fit of EASE over all items."""
    from holdfast.recommend.ease import Ease

    past = interactions(load(folder, cells)[0])
    Ease().fit(past.take(np.arange(50)))
    start, processor = time.perf_counter(), time.process_time()
    fit = Ease().fit(past)
    return {
        "seconds": time.perf_counter() - start, "processor": time.process_time() - processor, "items": len(fit.columns)
    }  # fmt: skip


def everybody(folder: Path, cells: str) -> dict[str, Any]:
    """Ten items for every customer by 64 factors, the customers solved anew, items of the past left out."""
    past = interactions(load(folder, cells)[0])
    fit = Ials(factors=64, iterations=1).fit(past)
    start, processor = time.perf_counter(), time.process_time()
    found = fit.recommend(past, 10, seen="exclude")
    return {
        "seconds": time.perf_counter() - start, "processor": time.process_time() - processor, "customers": len(found)
    }  # fmt: skip


def one(folder: Path, items: str, times: str) -> dict[str, Any]:
    """Milliseconds for ten items of one customer of twenty acts after one more act: fold-in, scores and list."""
    draw = np.random.default_rng(0)
    catalogue = named(int(items))
    factors = (0.1 * draw.standard_normal((len(catalogue), 64))).astype(np.float32)
    settings = Ials(factors=64)
    fit = IalsFit(catalogue, factors, how_of(settings), 0.1, 5.0, 1.0, 5.0 / len(catalogue), gram(settings, factors))
    taken: list[list[float]] = []
    for turn in range(int(times) + 50):
        before, new = (_acts(catalogue, draw, acts) for acts in (20, 1))
        start, processor = time.perf_counter(), time.process_time()
        fit.fold_in(before, new, 10, seen="exclude")
        if turn >= 50:
            taken.append([1000 * (time.perf_counter() - start), 1000 * (time.process_time() - processor)])
    found = np.percentile(np.array(taken), [50, 99], axis=0)
    return {"clock": found[:, 0].tolist(), "processor": found[:, 1].tolist()}


def _acts(items: Items, draw: np.random.Generator, acts: int) -> Interactions:
    ago = draw.integers(1, 100, acts)
    return Interactions.of(
        pa.array(["ann"]), items, CUTOFF, customer=np.zeros(acts), item=draw.integers(0, len(items), acts),
        occurred_at=CUTOFF.micros - ago * DAY_MICROS,
    )  # fmt: skip


def peak_mb() -> float:
    """The most memory this process ever held. Linux counts a parent's peak into getrusage, so its own file is read."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "make": make,
    "ials": ials,
    "ease": ease,
    "everybody": everybody,
    "one": one,
}


def main(step: str, folder: str, *settings: str) -> None:
    """Run one step and print what it found as JSON."""
    found = STEPS[step](Path(folder), *settings)
    found["peak_mb"] = peak_mb()
    found["processors"] = processors()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
