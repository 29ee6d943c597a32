"""The textbook case: does logistic regression reach 85% accuracy, and what would that mean?

1,000 customers and 500 goods with events of type browse, search and purchase (`bench/case_world.py` states the process).
The same log and the same model, divided in several ways: as textbooks do it, and as a shop would have to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from holdfast.bench.case_world import Log, Minds
    from holdfast.core.tables import FeatureTable, Outcomes

HORIZON = 60
TEST, TRAIN = 240, 180  # days: labels of the training cutoff close on the day of the test cutoff
#: An assumed contact costs 1, wins one leaver in four back, and a customer won back is worth 20.
COST, EFFECT, WORTH = 1.0, 0.25, 20.0
METRICS = ("accuracy", "precision", "recall", "f1", "auc", "lift_at_10pct", "log_loss")
WORLDS = 20


@dataclass(frozen=True)
class Way:
    """One way of dividing: which features, which customers teach and test."""

    protocol: str
    leaky: bool  # features over the whole log, the days of the label included
    split: str  # random or forward
    active: bool  # only customers with an event in the 60 days before the cutoff

    @property
    def name(self) -> str:
        return f"churned, {HORIZON}d, {self.protocol}"


WAYS = (
    Way("random split, features of the whole log (a leak, shown once as a lesson)", True, "random", False),
    Way("random split, known at the cutoff, everybody", False, "random", False),
    Way("random split, known at the cutoff, customers active in 60 days", False, "random", True),
    Way("honest cut, everybody", False, "forward", False),
    Way("honest cut, customers active in 60 days", False, "forward", True),
)


@BENCHES.register("case")
def case(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """The textbook case of 1,000 customers: logistic accuracy beside the majority, random split and honest cut."""
    import numpy as np

    if data not in (None, "textbook"):
        raise UsageError(f"the case bench knows no data {data!r}", remedy="it makes its own: leave --data out")
    worlds = 5 * WORLDS if full else WORLDS
    found: list[Score] = []
    over: dict[tuple[str, str, str], list[float]] = {}
    for seed in range(1, worlds + 1):
        progress.step("worlds", seed - 1, worlds)
        started = time.perf_counter()
        rows = one_world(seed)
        if seed == 1:
            found += [replace(one, seconds=round(time.perf_counter() - started, 1)) for one in rows]
        for one in rows:
            if one.metric in ("accuracy", "policy_value"):
                over.setdefault((one.protocol, one.model, one.metric), []).append(one.value)
    progress.step("worlds", worlds, worlds)
    for (protocol, model, metric), values in over.items():
        low, high = (float(end) for end in np.quantile(values, [0.025, 0.975]))
        mean, protocol = float(np.mean(values)), f"{protocol}, mean of {worlds} worlds"
        found.append(Score("case", "textbook", protocol, model, metric, mean, low, high, worlds))
    return found


def one_world(seed: int) -> list[Score]:
    """All ways of dividing one log; intervals resample the customers tested."""
    from holdfast.bench.case_world import simulate

    log, minds = simulate(seed)
    return [score for way in WAYS for score in _judged(way, log, minds, seed)]


def _judged(way: Way, log: Log, minds: Sequence[Minds], seed: int) -> list[Score]:
    import numpy as np

    from holdfast.bench.case_world import p_silent
    from holdfast.core.models import MODELS

    train, test, who = _parts(way, log, seed)
    fitted = MODELS["logistic"](l2=1.0, half_life_days=0.0).fit(*train)  # type: ignore[call-arg]
    y = test[1].churned
    commoner = float(y.mean() >= 0.5)  # the test's own: the hardest majority to beat
    said = {
        "majority": np.full(len(y), commoner), "logistic": fitted.predict(test[0]).p_churn,
        "truth": p_silent(minds[TEST], HORIZON, seed)[who],
    }  # fmt: skip
    found = [score for model, p in said.items() for score in _scores(way, model, y, p)]
    return found + _policies(way, y, said)


def _parts(way: Way, log: Log, seed: int) -> tuple[tuple[FeatureTable, Outcomes], tuple[FeatureTable, Outcomes], Any]:
    """Training and test rows, and which customers are tested."""
    import numpy as np

    test_rows = rows_at(log, TEST, leaky=way.leaky, active=way.active)
    if way.split == "forward":
        return (
            _labelled(log, TRAIN, rows_at(log, TRAIN, leaky=False, active=way.active)),
            _labelled(log, TEST, test_rows),
            test_rows[1],
        )
    held = np.random.default_rng([seed, 47]).permutation(len(test_rows[1])) < 0.2 * len(test_rows[1])
    features, who = test_rows
    parts = [_labelled(log, TEST, (features.take(one), who[one])) for one in (~held, held)]
    return parts[0], parts[1], who[held]


def rows_at(log: Log, cutoff: int, *, leaky: bool, active: bool) -> tuple[FeatureTable, NDArray[np.int64]]:
    """Features of every customer who came before the cutoff. `leaky`: counted to the end of the log."""
    import numpy as np
    import pyarrow as pa

    from holdfast.bench.case_world import CUSTOMERS, DAYS, TYPES
    from holdfast.core.clock import Cutoff, Gap
    from holdfast.core.tables import FeatureColumn, FeatureTable, Key
    from holdfast.core.text import Text

    known = log.before(cutoff)
    last = np.full(CUSTOMERS, -1)
    np.maximum.at(last, known.customer, known.day)
    who = np.flatnonzero(last >= (cutoff - HORIZON if active else 0))
    seen, until = (log, DAYS) if leaky else (known, cutoff)
    columns = {}
    for days, word in ((30, "30d"), (90, "90d"), (until, "all")):
        late = seen.day >= until - days
        for at, name in enumerate(TYPES):
            of = seen.customer[late & (seen.kind == at)]
            columns[f"{name}_count_{word}"] = np.bincount(of, minlength=CUSTOMERS)[who]
        spent = np.bincount(seen.customer[late], seen.seconds[late], minlength=CUSTOMERS)
        columns[f"seconds_{word}"] = spent[who]
    first, newest = np.full(CUSTOMERS, DAYS), np.full(CUSTOMERS, 0)
    np.minimum.at(first, seen.customer, seen.day)
    np.maximum.at(newest, seen.customer, seen.day)
    columns |= {"days_since_last_event": (until - newest)[who], "age_days": (until - first)[who]}
    pairs = np.unique(seen.customer * 1000 + seen.good)
    columns["different_goods"] = np.bincount(pairs // 1000, minlength=CUSTOMERS)[who]
    made = tuple(FeatureColumn(name, "", "", "none", "case", Text(name, name)) for name in columns)
    key = Key.of(pa.array([f"c{one:04d}" for one in who]), Cutoff.parse("2024-01-01").plus(Gap.parse(f"{cutoff}d")))
    return FeatureTable(key, made, np.column_stack(list(columns.values())).astype(np.float32)), who


def _labelled(log: Log, cutoff: int, rows: tuple[FeatureTable, Any]) -> tuple[FeatureTable, Outcomes]:
    """Whether any event fell into the horizon."""
    import numpy as np

    from holdfast.core.clock import Horizon
    from holdfast.core.tables import Outcomes

    features, who = rows
    future = log.customer[(log.day >= cutoff) & (log.day < cutoff + HORIZON)]
    came = np.isin(who, future)
    ones = came.astype(np.int64)
    duration = np.where(came, 1.0, float(HORIZON))
    return features, Outcomes(features.key, Horizon.parse(f"{HORIZON}d"), ~came, ones, 0 * ones, duration, came)


def _scores(way: Way, model: str, y: NDArray[np.bool_], p: NDArray[np.float64]) -> list[Score]:
    import numpy as np

    from holdfast.metrics.bootstrap import interval, replicates
    from holdfast.metrics.forecast import forecast_metrics

    points = forecast_metrics(y, p)
    draws = [forecast_metrics(y, p, w) for w in replicates(len(y), 400, 1)]
    wanted = ("accuracy",) if model == "majority" else METRICS
    found = []
    for metric in wanted:
        if np.isfinite(points[metric]):
            low, high = interval(np.concatenate([one[metric] for one in draws]))
            found.append(Score("case", "textbook", way.name, model, metric, float(points[metric]), low, high, len(y)))
    return found


def _policies(way: Way, y: NDArray[np.bool_], said: dict[str, NDArray[np.float64]]) -> list[Score]:
    """Money won per customer by whom one contacts: nobody, everybody, whom the model calls, whom it pays to call."""
    import numpy as np

    p = said["logistic"]
    contacted = {
        "contact_nobody": np.zeros(len(y), bool), "contact_everybody": np.ones(len(y), bool),
        "contact_called_at_half": p >= 0.5, "contact_where_it_pays": p * EFFECT * WORTH > COST,
    }  # fmt: skip
    return [
        Score(
            "case",
            "textbook",
            way.name,
            name,
            "policy_value",
            float((at * (EFFECT * WORTH * y - COST)).mean()),
            n=len(y),
        )
        for name, at in contacted.items()
    ]
