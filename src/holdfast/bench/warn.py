"""Whom to alert, walk-forward: the alert score against recency, own-gap rules and its own parts, at capacity.

At each check, a week apart from the one before, the population is everybody who was still within the own rhythm at the
check before (silence under the 80% quantile of the shrunk gap). A ranking fills a list of 50, or of 5%. It is judged by
the share of all value lost that it caught (max(0, own shrunk spend rate x horizon - spend), the main figure), by
precision (no order within 30, 90, 180 days), by days to the own 95% quantile of silence, and by how much of the list
was there a week before. Models learn only from windows closed at the check before the one judged. What each candidate
caught at earlier cutoffs, closed before the first test, is reported too. Intervals resample customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.bench.registry import BENCHES
from holdfast.bench.warn_cases import CASES, EVERY, HORIZONS, Alertable, alertable, previous
from holdfast.bench.warn_methods import ALERT, CANDIDATES, OTHERS, Ranked, ranked
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score
from holdfast.warn.judge import METRICS, Check, lost, stability

Floats = NDArray[np.float64]
CAPACITIES = ("50", "5%")
#: The alert score is held against these.
RIVALS = ("recency", "own_gap", "own_spend")
REPLICATES = 200


@BENCHES.register("warn")
def warn(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Value lost that was caught, precision, lead time and stability of alerts against recency and own-gap rules."""
    from holdfast.bench.shops import open_shop
    from holdfast.engine.duck import Engine

    names = [one.data for one in CASES]
    if data is not None and data not in names:
        raise UsageError(f"the warn bench knows no data {data!r}", remedy=f"one of: {', '.join(names)}")
    found: list[Score] = []
    for case in CASES:
        if data in (None, case.data):
            with TemporaryDirectory() as folder, Engine() as engine:
                ledger = open_shop(case.data, engine, Path(folder), progress, customers=12_000 if full else 4_000)
                shop = alertable(ledger, case, progress)
                for at, horizon in enumerate(HORIZONS):
                    progress.step(f"{case.data}", at, len(HORIZONS))
                    found += judged(shop, horizon, 1000 if full else REPLICATES)
    return found


@dataclass(frozen=True)
class Judged:
    """One check, what became of everybody, and every ranking of them."""

    ranked: Ranked
    check: Check

    def capacity(self, name: str) -> int:
        return 50 if name == "50" else max(1, round(0.05 * len(self.check)))


def judged(shop: Alertable, horizon: str, count: int) -> list[Score]:
    """All rows of one shop and horizon; none where no check can be judged."""
    tests = shop.tests[horizon]
    if not tests:
        return []
    found = earlier(shop, horizon)
    checks = [_judged(shop, one, horizon) for one in tests]
    codes, people = _codes(checks)
    draws = np.random.default_rng([1, people]).poisson(1.0, (count, people)).astype(np.float64)
    what = f"no order within {horizon}"
    tail = f"mean of {len(tests)} cutoffs {_day(shop, 0, horizon)} to {_day(shop, -1, horizon)}, 95% by customers"
    found += _population(shop, checks, what)
    for name in CAPACITIES:
        drawn = {one: _values(checks, one, name, [draws[:, code] for code in codes]) for one in (*CANDIDATES, *OTHERS)}
        plain = {one: _values(checks, one, name, None) for one in drawn}
        for model in drawn:
            found += _rows(
                shop, f"{what}, capacity {name}, {tail}", model, plain[model], drawn[model], len(checks[-1].check)
            )
            found.append(_still(shop, f"{what}, capacity {name}, {tail}", model, checks, name))
        for rival in RIVALS:
            protocol = f"{what}, capacity {name}, gain over {rival}, {tail}"
            gain, gains = ({m: of[ALERT][m] - of[rival][m] for m in METRICS} for of in (plain, drawn))
            found += _rows(shop, protocol, ALERT, gain, gains, len(checks[-1].check))
        found += [
            *held(shop, f"{what}, capacity {name}, {tail}", checks, name),
            *_spread(shop, what, name, checks),
        ]
    return found


def held(shop: Alertable, protocol: str, checks: Sequence[Judged], capacity: str) -> list[Score]:
    """The alert score with its two thresholds: what a list that holds still catches, and how still it holds."""
    from holdfast.warn.alerts import as_earlier, check
    from holdfast.warn.settings import AlertSettings

    caught, still = [], []
    for one in checks:
        rules = AlertSettings(capacity=one.capacity(capacity))
        before, now = (
            pa.table({"customer_id": rows.key.customer_id, "score": scores[ALERT]})
            for rows, scores in (
                (one.ranked.before, one.ranked.scores_before),
                (one.ranked.features, one.ranked.scores),
            )
        )
        first = check(before, previous(one.ranked.cutoff), rules)
        earlier = as_earlier(first)
        silent = shop.rhythm(one.ranked.cutoff)
        still_silent = silent.customer_id.filter(pa.array(silent.silence >= EVERY.days))
        here = pc.is_in(earlier["customer_id"], value_set=still_silent)  # who has ordered since is off the list
        second = check(now, one.ranked.cutoff, rules, earlier.filter(here))
        listed = pc.is_in(one.check.customer_id, value_set=second.alerts["customer_id"].combine_chunks())
        names = [set(of.alerts["customer_id"].to_pylist()) for of in (first, second)]
        both = set(one.ranked.before.key.customer_id.to_pylist()) & set(one.check.customer_id.to_pylist())
        still.append(len(names[0] & names[1] & both) / max(len((names[0] | names[1]) & both), 1))
        value = one.check.judge(listed.to_numpy(zero_copy_only=False).astype(np.float64), rules.capacity)
        caught.append({metric: float(value[metric][0]) for metric in METRICS})
    rows = {metric: float(np.mean([one[metric] for one in caught])) for metric in METRICS}
    rows["stability"] = float(np.mean(still))
    return [Score("warn", shop.data, protocol, "alert_list", metric, value) for metric, value in rows.items()]


def earlier(shop: Alertable, horizon: str) -> list[Score]:
    """What each candidate caught at cutoffs that had closed before the first test."""
    checks = [_judged(shop, one, horizon) for one in shop.choosing[horizon]]
    protocol = f"no order within {horizon}, capacity 5%, {len(checks)} earlier cutoffs"
    return [
        Score("warn", shop.data, protocol, one, metric, float(value[0]))
        for one in CANDIDATES if checks
        for metric, value in _values(checks, one, "5%", None).items() if metric in ("value_recall", "precision")
    ]  # fmt: skip


def _judged(shop: Alertable, cutoff: Any, horizon: str) -> Judged:
    found = ranked(shop, cutoff, horizon)
    outcomes = shop.outcomes[horizon].at([cutoff])
    rhythm = shop.rhythm(cutoff)
    ids = found.features.key.customer_id
    missed = lost(found.usual, outcomes.revenue / 10_000)
    return Judged(found, Check(ids, missed, outcomes.churned, rhythm.lead_days[rhythm.rows_of(ids)]))


def _values(checks: Sequence[Judged], model: str, capacity: str, weights: Sequence[Floats] | None) -> dict[str, Floats]:
    """METRICS averaged over the checks: one value, or one for each replicate."""
    each = [
        one.check.judge(one.ranked.scores[model], one.capacity(capacity), None if weights is None else weights[at])
        for at, one in enumerate(checks)
    ]
    return {metric: np.mean([one[metric] for one in each], axis=0) for metric in METRICS}


def _rows(
    shop: Alertable, protocol: str, model: str, plain: Mapping[str, Floats], drawn: Mapping[str, Floats], n: int
) -> list[Score]:
    from holdfast.metrics.bootstrap import interval

    return [
        Score("warn", shop.data, protocol, model, metric, float(plain[metric][0]), *interval(drawn[metric]), n)
        for metric in METRICS
    ]


def _still(shop: Alertable, protocol: str, model: str, checks: Sequence[Judged], capacity: str) -> Score:
    """How much of a list was on the list a week before, among those who could be on both: mean and extremes."""
    each = [
        stability(
            (one.ranked.before.key.customer_id, one.ranked.scores_before[model]),
            (one.ranked.features.key.customer_id, one.ranked.scores[model]),
            one.capacity(capacity),
        )
        for one in checks
    ]
    return Score("warn", shop.data, protocol, model, "stability", float(np.mean(each)), min(each), max(each))


def _spread(shop: Alertable, what: str, capacity: str, checks: Sequence[Judged]) -> list[Score]:
    """Value caught at each cutoff by the alert score and its rivals."""
    found = []
    for one in checks:
        day = one.ranked.cutoff.local_day(shop.zone)
        for model in (ALERT, *RIVALS):
            score = one.ranked.scores[model]
            value = float(one.check.judge(score, one.capacity(capacity))["value_recall"][0])
            protocol = f"{what}, capacity {capacity}, test {day}"
            found.append(Score("warn", shop.data, protocol, model, "value_recall", value, n=len(one.check)))
    return found


def _population(shop: Alertable, checks: Sequence[Judged], what: str) -> list[Score]:
    """Who could be alerted: how many, how many then did not order, what was lost; and the most that 5% could catch."""
    figures = {
        "customers": [float(len(one.check)) for one in checks],
        "churned_share": [float(one.check.churned.mean()) for one in checks],
        "value_lost": [float(one.check.lost.sum()) for one in checks],
        "value_recall_ceiling_5pct": [
            float(one.check.judge(one.check.lost, one.capacity("5%"))["value_recall"][0]) for one in checks
        ],
    }
    protocol = f"{what}, population, mean of {len(checks)} cutoffs with extremes"
    return [
        Score("warn", shop.data, protocol, "everybody", name, float(np.mean(v)), min(v), max(v))
        for name, v in figures.items()
    ]


def _codes(checks: Sequence[Judged]) -> tuple[list[NDArray[np.int64]], int]:
    from holdfast.metrics.bootstrap import customer_codes

    return customer_codes([one.check.customer_id for one in checks])


def _day(shop: Alertable, at: int, horizon: str) -> str:
    return str(shop.tests[horizon][at].local_day(shop.zone))
