"""Reasons: time of a counterfactual and of a local surrogate, and how near the surrogate comes to exact contributions.

Data: UCI Online Retail, LightGBM at 30 days on the slices closed at the newest test cutoff, 200 of its customers.
`milliseconds` is CPU time per customer of one thread, every action tried. Few are told: at 30 days of this shop silence
hardly counts beyond how often somebody orders, so nothing can be promised of one more order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from holdfast.bench.registry import BENCHES
from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import numpy as np

    from holdfast.core.models import Fitted
    from holdfast.core.tables import FeatureTable
    from holdfast.models.surrogate import Explained

T = TypeVar("T")
DATA = "online_retail"
_ASKED = 200


@BENCHES.register("reasons")
def explained(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Counterfactuals and local surrogates of a black box: milliseconds per customer, fidelity, agreement."""
    if data not in (None, DATA):
        raise UsageError(f"the reasons bench knows no data {data!r}", remedy=f"use --data {DATA}")
    import numpy as np

    from holdfast.bench.shops import cutoffs_of, open_shop, slices_of
    from holdfast.core.models import MODELS
    from holdfast.engine.duck import Engine
    from holdfast.models.counterfactual import counterfactuals
    from holdfast.models.surrogate import Explained

    horizon = Horizon.parse("30d")
    with TemporaryDirectory() as folder, Engine() as engine:
        train, tests = cutoffs_of(DATA, horizon)
        slices = slices_of(open_shop(DATA, engine, Path(folder), progress), horizon, (*train, tests[-1]))
    closed = slices.at(train)
    fitted = MODELS["lightgbm"]().fit(closed.features, closed.outcomes)
    now = slices.features.at([tests[-1]])
    some = now.take(np.linspace(0, len(now) - 1, _ASKED).astype(np.int64))

    def predict(table: FeatureTable) -> np.ndarray:
        return fitted.predict(table).p_churn

    surrogate = Explained(fitted, closed.features)
    for warm in (lambda rows: counterfactuals(predict, rows), surrogate.fidelity):
        warm(some.take(np.arange(2)))  # the first call reads the declarations
    found, spent = _timed(lambda: counterfactuals(predict, some, proven=False))
    fidelity, explained_in = _timed(lambda: surrogate.fidelity(some))
    agree = _agreement(some, fitted, surrogate)
    told = float(np.mean([bool(one) for one in counterfactuals(predict, some)]))
    able = float(np.mean([bool(one) for one in found]))

    def row(model: str, metric: str, value: float) -> Score:
        return Score("reasons", DATA, f"churned, {horizon}, explained at {tests[-1]}", model, metric, value, n=_ASKED)

    return [
        row("counterfactual", "milliseconds", 1000 * spent / _ASKED),
        row("counterfactual", "share_with_any", able),
        row("counterfactual", "share_told", told),
        row("surrogate", "milliseconds", 1000 * explained_in / _ASKED),
        row("surrogate", "fidelity_median", float(np.median(fidelity))),
        row("surrogate", "fidelity_5pct", float(np.quantile(fidelity, 0.05))),
        row("surrogate", "correlation_with_exact", agree),
    ]


def _timed(what: Callable[[], T]) -> tuple[T, float]:
    """The answer, and the CPU seconds it took."""
    started = time.process_time()
    return what(), time.process_time() - started


def _agreement(rows: FeatureTable, exact: Fitted, surrogate: Explained) -> float:
    """Correlation of the two's contributions, summed by family of features."""
    import numpy as np

    used = rows.select(exact.columns)
    names = sorted({one.family for one in used.columns})
    member = np.array([[float(one.family == name) for name in names] for one in used.columns])
    theirs, ours = (one.contributions(rows)[1] @ member for one in (exact, surrogate))
    return float(np.corrcoef(theirs.ravel(), ours.ravel())[0, 1])
