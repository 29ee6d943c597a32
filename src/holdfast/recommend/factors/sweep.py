"""One half of an iteration of least squares: every row of one side solved while the other side stands still.

A row x solves (gram + ridge I + sum w y y') x = sum w y + ridge prior by a few steps of conjugate gradients from where it
stands (Takacs, Pilaszy & Tikk 2011). The same arithmetic twice: a loop that numba compiles (extra `fast`), and numpy over
many rows at once. Rows do not depend on each other, so threads change nothing.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
#: Cells x factors of a block in numpy: 64 MB of float32.
CELLS = 16_000_000
#: A squared residual below this is nothing.
NOTHING = 1e-20


def available() -> bool:
    """Whether numba is there to compile the loop."""
    return find_spec("numba") is not None


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sweep(
    cells: Any, other: Floats, gram: Floats, ridge: Floats, solved: Floats, *, steps: int, prior: Floats | None = None,
    compiled: bool | None = None, threads: int | None = None,
) -> None:  # fmt: skip
    """Solve each row of `cells` (CSR, weights) against `other`, in place in `solved`.

    `gram` is the part of the matrix that all rows share, `ridge` one number a row; `prior` is what a row is drawn to (0 by
    default). `compiled` None: by numba where it is installed.
    """
    prior = np.zeros((0, other.shape[1]), np.float32) if prior is None else prior
    if available() if compiled is None else compiled:
        _by_loop(cells, other, gram, ridge, prior, solved, steps, threads or processors())
    else:
        _by_blocks(cells, other, gram, ridge, prior, solved, steps)


def _by_loop(
    cells: Any, other: Floats, gram: Floats, ridge: Floats, prior: Floats, solved: Floats, steps: int, threads: int
) -> None:
    """Ranges of rows with about the same work, each on some thread."""
    work = cells.indptr.astype(np.int64) + 8 * np.arange(len(cells.indptr))
    cuts = np.searchsorted(work, np.linspace(0, work[-1], 8 * threads + 1))
    cuts[0], cuts[-1] = 0, cells.shape[0]
    loop = compiled_rows()

    def part(first: int, last: int) -> None:
        loop(cells.indptr, cells.indices, cells.data, other, gram, ridge, prior, solved, first, last, steps)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, cuts[:-1].tolist(), cuts[1:].tolist()))


@functools.cache
def compiled_rows() -> Callable[..., None]:
    """The loop of `rows` as machine code, kept on disk between runs."""
    from numba import njit

    found: Callable[..., None] = njit(nogil=True, fastmath=True, cache=True, error_model="numpy")(rows)
    return found


def rows(
    offsets: Any, index: Any, weight: Any, other: Any, gram: Any, ridge: Any, prior: Any, solved: Any, first: int,
    last: int, steps: int,
) -> None:  # fmt: skip
    """Rows `first` to `last`, cell by cell; long because numba compiles one flat loop best."""
    size = other.shape[1]
    even = size - size % 4
    residual, way, image = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    for row in range(first, last):
        x, pull, squared = solved[row], ridge[row], np.float32(0)
        for j in range(size):
            way[j] = x[j]
            residual[j] = pull * prior[row, j] if prior.shape[0] > 0 else np.float32(0)
        for step in range(steps + 1):  # step 0 finds the residual where the row stands
            for j in range(size):
                image[j] = pull * way[j]
            for i in range(0, even, 4):
                a, b, c, d = way[i], way[i + 1], way[i + 2], way[i + 3]
                for j in range(size):
                    image[j] += gram[i, j] * a + gram[i + 1, j] * b + gram[i + 2, j] * c + gram[i + 3, j] * d
            for i in range(even, size):
                for j in range(size):
                    image[j] += gram[i, j] * way[i]
            for k in range(offsets[row], offsets[row + 1]):
                y = other[index[k]]
                along = np.float32(0)
                for j in range(size):
                    along += y[j] * way[j]
                along *= weight[k]
                if step == 0:
                    along -= weight[k]
                for j in range(size):
                    image[j] += along * y[j]
            far, length = np.float32(0), np.float32(1)
            if step > 0:
                curve = np.float32(0)
                for j in range(size):
                    curve += way[j] * image[j]
                far = length = squared / curve
            left = np.float32(0)
            for j in range(size):
                x[j] += far * way[j]
                residual[j] -= length * image[j]
                left += residual[j] * residual[j]
            turn = left / squared if step > 0 else np.float32(0)
            squared = left
            for j in range(size):
                way[j] = residual[j] + turn * way[j]
            if squared < 1e-20:  # NOTHING; a name from outside would be frozen into the code
                break


def _by_blocks(
    cells: Any, other: Floats, gram: Floats, ridge: Floats, prior: Floats, solved: Floats, steps: int
) -> None:
    """Blocks of rows whose cells' factors fit in memory together."""
    room = max(1, CELLS // other.shape[1])
    first = 0
    while first < cells.shape[0]:
        last = int(np.searchsorted(cells.indptr, cells.indptr[first] + room, side="right")) - 1
        last = min(max(last, first + 1), first + room, cells.shape[0])
        own = prior[first:last] if len(prior) else None
        _block(cells[first:last], other, gram, ridge[first:last, None], own, solved[first:last], steps)
        first = last


def _block(
    cells: Any, other: Floats, gram: Floats, ridge: Floats, prior: Floats | None, solved: Floats, steps: int
) -> None:
    """Conjugate gradients of all rows of a block side by side."""
    from scipy.sparse import csr_matrix

    here = other[cells.indices]
    row = np.repeat(np.arange(len(solved)), np.diff(cells.indptr))

    def spread(data: Floats) -> Floats:
        return np.asarray(csr_matrix((data, cells.indices, cells.indptr), shape=cells.shape) @ other, np.float32)

    def image(x: Floats) -> Floats:
        return x @ gram + ridge * x + spread(cells.data * np.einsum("ij,ij->i", here, x[row]))

    residual = spread(cells.data) - image(solved)
    if prior is not None:
        residual += ridge * prior
    way = residual.copy()
    squared = np.einsum("ij,ij->i", residual, residual)
    for _ in range(steps):
        moving = squared >= NOTHING
        if not moving.any():
            break
        bent = image(way)
        curve = np.einsum("ij,ij->i", way, bent)
        length = np.divide(squared, curve, out=np.zeros_like(squared), where=moving)[:, None]
        solved += length * way
        residual -= length * bent
        left = np.einsum("ij,ij->i", residual, residual)
        turn = np.divide(left, squared, out=np.zeros_like(squared), where=moving)[:, None]
        squared = np.where(moving, left, squared)
        way = residual + turn * way
