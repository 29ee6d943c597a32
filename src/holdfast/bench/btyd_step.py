"""One step of the btyd bench in a process of its own: make simulated customers, or fit and score them."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: MBG/NBD in weeks: what CDNOW's customers are like.
TRUTH = (0.525, 6.183, 0.891, 1.614)
HORIZON_DAYS = 30.0


def make(model: str, customers: int, folder: Path) -> dict[str, Any]:
    """Histories of customers drawn from the truth, 27 to 39 weeks old, in continuous time: the hardest to group."""
    from holdfast.models.btyd.fit import PurchaseFit
    from holdfast.models.btyd.purchase import PURCHASE_MODELS
    from holdfast.models.btyd.summary import PurchaseSummary

    truth = PurchaseFit(PURCHASE_MODELS[model](), np.log(np.array(TRUTH)), np.eye(4), 0.0, 0, 0, 7.0)
    ages = np.random.default_rng(5).integers(27 * 7, 39 * 7, customers).astype(np.float64)
    who, when = truth.simulate(ages, seed=2)
    summary = PurchaseSummary.from_times(who, when / 7, ages / 7, unit_days=7)
    np.savez(folder / f"{customers}.npz", x=summary.frequency, t_x=summary.t_x, T=summary.T)
    return {"orders": summary.orders}


def fit(model: str, customers: int, folder: Path) -> dict[str, Any]:
    """Group, fit with standard errors, and score: P(alive), P(no order) and expected orders of everybody."""
    from holdfast.models.btyd.purchase import PURCHASE_MODELS
    from holdfast.models.btyd.summary import PurchaseSummary

    with np.load(folder / f"{customers}.npz") as saved:
        summary = PurchaseSummary.of(saved["x"], saved["t_x"], saved["T"], unit_days=7)
    PURCHASE_MODELS[model]().fit(summary.take(np.arange(1000)))  # imports are not what is measured
    group, _ = seconds(lambda: summary.rows)
    fitting, found = seconds(lambda: PURCHASE_MODELS[model]().fit(summary))
    scoring, _ = seconds(
        lambda: (
            found.p_alive(summary),
            found.p_no_order(summary, HORIZON_DAYS),
            found.expected_orders(summary, HORIZON_DAYS),
        )
    )
    return {
        "group": group,
        "fit": fitting,
        "score": scoring,
        "groups": summary.groups,
        "parameters": found.parameters,
        "log_likelihood": found.log_likelihood,
        "intervals": found.intervals(),
    }


def seconds(of: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds and the answer."""
    start = time.process_time()
    answer = of()
    return time.process_time() - start, answer


def main(step: str, model: str, customers: str, folder: str) -> None:
    """Run one step and print what it found as JSON."""
    found = {"make": make, "fit": fit}[step](model, int(customers), Path(folder))
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:5])
