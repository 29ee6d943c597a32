"""Whom does a mail change? Uplift learners ranked, and what policies made of them are worth, on a real experiment.

Data: `hillstrom`, from the folder that HOLDFAST_DATA names. First each mail against nothing: Qini, AUUC and uplift at 10%
of every learner, by fold and repeat. Then all three arms: the doubly robust value of every policy and how it compares,
customer by customer, with the best uniform arm; the guarded policy over 20 divisions into folds. Mails cost nothing here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

#: (repeats of 5 folds when ranking, seeds of the full table, seeds of the guard, folds of the guard)
USUAL, FULL = (3, 3, 20, 2), (10, 10, 20, 5)


@BENCHES.register("uplift")
def uplift(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Uplift learners on an e-mail experiment: Qini and AUUC, and policy values with the guard, three outcomes."""
    from holdfast.bench.uplift_data import hillstrom
    from holdfast.bench.uplift_policy import guarded, values
    from holdfast.bench.uplift_rank import ranked

    if data not in (None, "hillstrom"):
        raise UsageError(f"the uplift bench knows no data {data!r}", remedy="one of: hillstrom")
    trial = hillstrom()
    repeats, seeds, guard_seeds, guard_folds = FULL if full else USUAL
    parts: list[Callable[[], list[Score]]] = [
        lambda: ranked(trial, repeats, progress),
        lambda: values(trial, seeds, progress),
        lambda: guarded(trial, guard_seeds, guard_folds, progress),
    ]
    found: list[Score] = []
    for part in parts:
        started = time.perf_counter()
        rows = part()
        seconds = round(time.perf_counter() - started, 1)
        found += [replace(one, seconds=seconds) for one in rows]
    return found
