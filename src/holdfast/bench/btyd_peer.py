"""Run by the Python of another environment: the archived `lifetimes` fits and scores the rows of a file.

It imports nothing of Holdfast. Prints processor seconds and its parameters as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

import numpy as np


def main(path: str) -> None:
    """MBG/NBD with the peer's own defaults, then P(alive) and expected orders in 30 days."""
    lifetimes: Any = importlib.import_module("lifetimes")
    with np.load(path) as saved:
        x, t_x, T = saved["x"], saved["t_x"], saved["T"]
    start = time.process_time()
    fitted = lifetimes.ModifiedBetaGeoFitter().fit(x, t_x, T)
    fit = time.process_time() - start
    start = time.process_time()
    fitted.conditional_probability_alive(x, t_x, T)
    fitted.conditional_expected_number_of_purchases_up_to_time(30 / 7, x, t_x, T)
    score = time.process_time() - start
    parameters = [float(fitted.params_[name]) for name in ("r", "alpha", "a", "b")]
    found = {"fit": fit, "score": score, "version": lifetimes.__version__, "parameters": parameters}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
