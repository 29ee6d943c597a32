"""Reasons: time of a counterfactual and of a local surrogate, and how near the surrogate comes to exact contributions.

Data: UCI Online Retail, LightGBM at 30 days on the slices closed at the newest test cutoff, 200 of its customers.
`milliseconds` is CPU time per customer of one thread, every action tried. Few are told: at 30 days of this shop silence
hardly counts beyond how often somebody orders, so nothing can be promised of one more order.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from holdfast.bench.registry import BENCHES
from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

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
    from holdfast.core.tables import FeatureTable
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

    counterfactuals(predict, some.take(np.arange(2)))  # the first call reads the declarations
    started = time.process_time()
    found = counterfactuals(predict, some, proven=False)
    spent = time.process_time() - started
    surrogate = Explained(fitted, closed.features)
    surrogate.fidelity(some.take(np.arange(2)))
    started = time.process_time()
    fidelity = surrogate.fidelity(some)
    explained_in = time.process_time() - started
    used = some.select(fitted.columns)
    names = sorted({one.family for one in used.columns})
    member = np.array([[float(one.family == name) for name in names] for one in used.columns])
    exact, ours = (one.contributions(some)[1] @ member for one in (fitted, surrogate))
    agree = float(np.corrcoef(exact.ravel(), ours.ravel())[0, 1])
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
