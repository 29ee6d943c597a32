"""Run by the Python of another environment: the package `implicit` fits the cells of a file.

It imports nothing of Holdfast. Prints seconds per iteration as JSON, and writes its factors for the same judge.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

import numpy as np


def main(path: str, factors: str, iterations: str, threads: str, weight: str, ridge: str, out: str) -> None:
    """Alternating least squares by conjugate gradients, the peer's default, on so many threads."""
    als: Any = importlib.import_module("implicit.als")
    sparse: Any = importlib.import_module("scipy.sparse")
    with np.load(path) as saved:
        cells = sparse.csr_matrix((saved["data"], saved["indices"], saved["indptr"]), shape=saved["shape"])
        asked = saved["asked"]
    model = als.AlternatingLeastSquares(
        factors=int(factors), regularization=float(ridge), alpha=float(weight), iterations=int(iterations),
        num_threads=int(threads), random_state=0,
    )  # fmt: skip
    seconds: list[float] = []
    processor = [time.process_time()]

    def after(_: int, taken: float, __: Any) -> None:
        seconds.append(taken)
        processor.append(time.process_time())

    model.fit(cells, show_progress=False, callback=after)
    np.savez(out, x=model.user_factors[asked], y=model.item_factors)
    version = importlib.import_module("implicit").__version__
    found = {"seconds": seconds, "processor": np.diff(processor).tolist(), "version": version}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:8])
