"""Will this session buy? On finished sessions (with and without what only the end knows) and after its first events.

Data: `online_shoppers` (UCI, session totals), `rees46` and `taobao` (event streams), read from the folder that
HOLDFAST_DATA names. The default is the first two; `taobao` (two hours, 1.5 events a session) by name or with --full.
Sessions of one customer, or equal rows, are never torn apart.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from holdfast.models.intent.prefix import Prefixes

SHOPPERS = "online_shoppers/online_shoppers_intention.csv.gz"
STREAMS = {"rees46": "rees46/2019-Oct.csv.gz", "taobao": "taobao/UserBehavior.csv.gz"}
#: Sessions that began in the last minutes of a file may go on behind it. REES46 holds little more than the half hour that
#: is usual; there 95% of sessions end within ten minutes.
CLOSING = {"rees46": 10, "taobao": 30}
#: Columns of `online_shoppers` that are totals over the whole session, its purchase pages included.
LATE = {
    "all columns (a leak: totals of the finished session)": (),
    "without PageValues": ("PageValues",),
    "without PageValues, BounceRates, ExitRates": ("PageValues", "BounceRates", "ExitRates"),
    "only what is known when it begins": (
        "PageValues", "BounceRates", "ExitRates", "Administrative*", "Informational*", "ProductRelated*",
    ),
}  # fmt: skip
METRICS = ("auc", "average_precision", "log_loss", "ece", "lift_at_10pct")
FOLDS = 5


@BENCHES.register("intent")
def intent(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Purchase intent: finished sessions with and without late columns; event streams by events seen so far."""
    known = ("online_shoppers", *STREAMS)
    if data is not None and data not in known:
        raise UsageError(f"the intent bench knows no data {data!r}", remedy=f"one of: {', '.join(known)}")
    found: list[Score] = []
    usual = known if full else ("online_shoppers", "rees46")
    for name in usual if data is None else (data,):
        found += shoppers(progress) if name == "online_shoppers" else stream(name, progress)
    return found


def shoppers(progress: Progress = SILENT) -> list[Score]:
    """Finished sessions: the same models with ever fewer of the columns that only the end of the session knows."""
    from holdfast.app.table.ask import TableAsk
    from holdfast.app.table.fit import candidates, unseen
    from holdfast.app.table.folds import folded
    from holdfast.app.table.judge import judge
    from holdfast.app.table.look import alone
    from holdfast.app.table.read import read_raw
    from holdfast.app.table.table import build_table
    from holdfast.bench.shops import data_file

    path = data_file(SHOPPERS)
    raw = read_raw(path)
    models = {name: model for name, model in candidates(1).items() if name not in ("one_column", "lightgbm_large")}
    whole = build_table(raw, TableAsk(path, label="Revenue", positive="true"))
    happened, copies = whole.label.happened, whole.kin.group  # the same parts whatever columns are left out
    splits = folded(whole.labelled, happened, copies, repeats=1, seed=1)
    found: list[Score] = []
    for what, drop in LATE.items():
        started = time.perf_counter()
        table = build_table(raw, TableAsk(path, label="Revenue", positive="true", drop=drop))
        verdict = judge(unseen(table, models, splits, 1, progress), happened, copies, seed=1)
        seconds = round(time.perf_counter() - started, 1)
        protocol = f"bought, {FOLDS}-fold, {what}"
        scores = verdict.scores("intent", "online_shoppers", protocol)
        found += [replace(one, seconds=seconds) for one in scores if one.metric in METRICS]
        if not drop:
            for name, value in sorted(alone(table).items(), key=lambda pair: -pair[1])[:6]:
                found.append(
                    Score("intent", "online_shoppers", "bought, one column alone", name, "auc", value, n=table.rows)
                )
    return found


def stream(name: str, progress: Progress = SILENT) -> list[Score]:
    """An event stream after k events: folds by customer, and the later sessions from the earlier ones."""
    from holdfast.models.intent.prefix import prefixes
    from holdfast.models.intent.sessions import sessionise

    sessions = sessionise(events_of(name, progress))
    rows = prefixes(sessions, closing_minutes=CLOSING[name])
    counted = f"{len(sessions):,} sessions, {int((sessions.buys() > 0).sum()):,} bought"
    found: list[Score] = []
    for split, parts in {"5-fold by customer": by_customer(rows), "later sessions": forward(rows)}.items():
        started = time.perf_counter()
        said = learnt(rows, parts, progress)
        seconds = round(time.perf_counter() - started, 1)
        for k in sorted(set(rows.length.tolist())):
            found += _scores(name, rows, said, k, f"bought later, {split}, after {k} events ({counted})", seconds)
    return found


def events_of(name: str, progress: Progress = SILENT) -> pa.Table:
    """The stream's events, with each item's category beside them."""
    import pyarrow as pa

    from holdfast.bench.shops import data_file
    from holdfast.log.sources.open import open_source

    batches = list(open_source(data_file(STREAMS[name]), preset=name).batches(progress))
    events = pa.concat_tables([one.tables["events"] for one in batches if "events" in one.tables])
    items = pa.concat_tables([one.tables["items"] for one in batches if "items" in one.tables]).to_pylist()
    category = {one["item_id"]: one["category"] for one in items}
    return events.append_column(
        "category", pa.array([category.get(one) for one in events["item_id"].to_pylist()], pa.string())
    )


def by_customer(rows: Prefixes) -> list[tuple[Any, Any]]:
    """Five parts of the customers."""
    import numpy as np

    from holdfast.app.table.folds import fold_of

    fold = fold_of(rows.bought, rows.customer, seed=1, folds=FOLDS)
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(FOLDS)]


def forward(rows: Prefixes) -> list[tuple[Any, Any]]:
    """Sessions that had ended before the last two fifths of the time teach; those that began in it test."""
    import numpy as np

    cut = np.quantile(rows.begins, 0.6)
    return [(np.flatnonzero(rows.ends < cut), np.flatnonzero(rows.begins >= cut))]


def learnt(rows: Prefixes, parts: Sequence[tuple[Any, Any]], progress: Progress) -> dict[str, NDArray[np.float64]]:
    """What each model says of rows it has not seen; NaN where a row is never tested."""
    import numpy as np

    from holdfast.models.intent.model import Intent

    said = {one: np.full(len(rows), np.nan) for one in ("base_rate", "logistic", "lightgbm")}
    for done, (train, test) in enumerate(parts):
        progress.step("learn intent", done, len(parts))
        for name, of in said.items():
            of[test] = Intent(learner=name).fit(rows.take(train)).predict(rows.features.take(test))
    progress.step("learn intent", len(parts), len(parts))
    of = said["base_rate"]  # one rate for all parts: rates by part would rank rows by part
    said["base_rate"] = np.where(np.isnan(of), np.nan, np.nanmean(of))
    return said


def _scores(
    data: str, rows: Prefixes, said: Mapping[str, NDArray[np.float64]], k: int, protocol: str, seconds: float
) -> list[Score]:
    """Metrics of the tested rows of one length, customers resampled. Too few buyers: only how many there are."""
    import numpy as np

    from holdfast.metrics.bootstrap import interval, replicates
    from holdfast.metrics.forecast import forecast_metrics

    at = (rows.length == k) & ~np.isnan(said["base_rate"])
    y, code = rows.bought[at], np.unique(rows.customer[at], return_inverse=True)[1]
    if min(int(y.sum()), int((~y).sum())) < 10:
        return []
    found = []
    for model, of in said.items():
        points = forecast_metrics(y, of[at])
        draws = [forecast_metrics(y, of[at], w[:, code]) for w in replicates(int(code.max()) + 1, 400, 1)]
        for metric in METRICS:
            low, high = interval(np.concatenate([one[metric] for one in draws]))
            value = float(points[metric])
            found.append(Score("intent", data, protocol, model, metric, value, low, high, len(y), seconds))
    return found
