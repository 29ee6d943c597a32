"""Spend over the next 90 days, walk-forward: value models, the published one, its level, median and intervals.

Data: `--data online_retail`, `cdnow` or `synthetic`; by default all three. Every model learns from slices closed at the
test cutoff. `gini`, `bias`, `tweedie_deviance` and `decile_error` judge a mean; `mae` is right for `median_spend` alone and
printed of the others for comparison. `chosen` rows are what a release would have published. Equal forecasts share their
rank, which lowers the Gini of carry_forward (many zeros) a little below what row order would give.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from holdfast.bench.registry import BENCHES
from holdfast.core.clock import NO_GAP, Cutoff, Horizon
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from holdfast.core.tables import Slices
    from holdfast.snapshot.ledger import Ledger

    Floats = NDArray[np.float64]
    Told = dict[str, dict[Cutoff, Floats]]

DATA = ("online_retail", "cdnow", "synthetic")
HORIZON, SHORT = Horizon.parse("90d"), Horizon.parse("30d")
CUTOFFS = 6
#: Where a longer horizon than the learnt one has closed since: (data, cutoff, horizon).
LONGER = {"cdnow": ("1997-09-30", "273d"), "synthetic": ("2024-12-31", "365d")}
#: The purchase process as it is, its level untouched: the reference of the literature.
REFERENCE = "bg_nbd_gamma_gamma"
CHOSEN = "chosen"


@BENCHES.register("value")
def value(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Mean spend in 90 days: carry forward, purchase process, two-part, Tweedie, ZILN, their mean; intervals; a year."""
    from holdfast.bench.shops import open_shop, shop_of
    from holdfast.engine.duck import Engine

    names = DATA if data is None else (data,)
    for name in names:
        shop_of(name)
    found: list[Score] = []
    for name in names:
        with TemporaryDirectory() as folder, Engine() as engine:
            ledger = open_shop(name, engine, Path(folder), progress)
            found += _shop(name, ledger, progress)
            if name in LONGER:
                found += _longer(name, ledger, progress)
    return found


def _shop(name: str, ledger: Ledger, progress: Progress) -> list[Score]:
    from holdfast.models.clv.rolling import judgeable

    long, short = _slices(name, ledger, progress)
    newest = long.cutoffs[-1]
    tests = judgeable(long, newest.plus(HORIZON), NO_GAP, count=CUTOFFS)
    told, seconds, rows = _told(name, long, short, tests, progress)
    found = _by_cutoff(name, long, told, tests, seconds) + _paired(name, long, told, tests)
    return found + rows


def _slices(name: str, ledger: Ledger, progress: Progress) -> tuple[Slices, Slices]:
    """Every cutoff 15 days apart whose 90 days have closed, with what the purchase process says; and their first 30 days."""
    from holdfast.bench.shops import STEP, histories_of, shop_of, slices_of
    from holdfast.core.tables import Slices
    from holdfast.models.clv.purchase import spend_columns
    from holdfast.snapshot.folds import training_cutoffs
    from holdfast.snapshot.snapshot import Snapshot

    shop = shop_of(name)
    newest = Cutoff.parse(shop.newest[str(HORIZON)], shop.zone).plus(HORIZON)
    cutoffs = training_cutoffs(newest, HORIZON, NO_GAP, STEP, Cutoff.parse(shop.first, shop.zone), shop.zone)
    plain = slices_of(ledger, HORIZON, cutoffs, progress=progress)
    column = spend_columns(histories_of(ledger, cutoffs), plain.features.key, HORIZON, model="bg_nbd")
    long = Slices(plain.features.joined(column), plain.outcomes)
    return long, Slices(long.features, Snapshot(ledger, tuple(cutoffs)).outcomes(SHORT))


def _told(
    name: str, long: Slices, short: Slices, tests: Sequence[Cutoff], progress: Progress
) -> tuple[Told, dict[str, float], list[Score]]:
    """Forecasts of every model and of the published one at every test cutoff; rows on choice, coverage and median."""
    from holdfast.models.clv.purchase import PurchaseSpend
    from holdfast.models.clv.rolling import fit_all, known_at, usable
    from holdfast.models.clv.settings import ValueSettings, value_models
    from holdfast.models.clv.study import learn_value

    settings = ValueSettings(horizon=str(HORIZON))
    told: Told = {}
    seconds: dict[str, float] = {}
    published, rows = {}, []
    for done, cutoff in enumerate(tests):
        progress.step(f"value of {name}", done, len(tests))
        train, test = known_at(long, cutoff, NO_GAP, settings.max_train_rows), long.at([cutoff])
        started = time.process_time()
        fits = fit_all(usable(value_models(settings), train), train)
        fits[REFERENCE] = PurchaseSpend(balanced=False).fit(train.features, train.outcomes)
        for model, fit in fits.items():
            told.setdefault(model, {})[cutoff] = fit.predict(test.features)
        seconds["all models"] = time.process_time() - started
        started = time.process_time()
        study = learn_value(long, cutoff, settings, short=short, seed=1)
        published[cutoff] = study.published
        told.setdefault(CHOSEN, {})[cutoff] = study.published.predict(test.features).spend
        seconds[CHOSEN] = time.process_time() - started
        rows += _choice(name, cutoff, study)
    return told, seconds, rows + _coverage(name, long, published, told[CHOSEN])


def _choice(name: str, cutoff: Cutoff, study: Any) -> list[Score]:
    """Which model the slices closed by then chose, its level, and what it gains over the others there."""
    from holdfast.bench.shops import shop_of

    day = cutoff.local_day(shop_of(name).zone)
    level = study.published.level
    protocol = f"spend, {HORIZON}, level ({level.kind}) known at {day}"
    found = [Score("value", name, protocol, study.published.model_id, "level", level.factor)]
    for one in study.rivals:
        text = f"spend, {HORIZON}, level-free gain of the chosen model over {one.model} across customers, slices closed by {day}"
        found.append(
            Score("value", name, text, study.published.model_id, "tweedie_deviance", one.gain, one.low, one.high)
        )
    return found


def _by_cutoff(
    name: str, long: Slices, told: Told, tests: Sequence[Cutoff], seconds: Mapping[str, float]
) -> list[Score]:
    """Every metric of every model at every test cutoff, with 95% intervals at the newest, and the mean."""
    import numpy as np

    from holdfast.bench.shops import shop_of
    from holdfast.metrics.bootstrap import interval, replicates
    from holdfast.metrics.value import VALUE_METRICS, value_metrics
    from holdfast.models.clv.registry import spend_of

    zone, found = shop_of(name).zone, []
    for model, said in told.items():
        values = []
        for cutoff in tests:
            spend = spend_of(long.at([cutoff]).outcomes)
            values.append(value_metrics(spend, said[cutoff]))
            ends: dict[str, Any] = {}
            if cutoff == tests[-1]:
                drawn = [value_metrics(spend, said[cutoff], w) for w in replicates(len(spend), 300, 1)]
                ends = {m: interval(np.concatenate([one[m] for one in drawn])) for m in VALUE_METRICS}
            protocol = f"spend, {HORIZON}, test {cutoff.local_day(zone)}"
            for metric in VALUE_METRICS:
                low, high = ends.get(metric, (None, None))
                took = seconds.get(model) if cutoff == tests[-1] else None
                found.append(
                    Score("value", name, protocol, model, metric, values[-1][metric], low, high, len(spend), took)
                )
        for metric in VALUE_METRICS:
            protocol = f"spend, {HORIZON}, mean of {len(tests)} test cutoffs"
            found.append(Score("value", name, protocol, model, metric, float(np.mean([v[metric] for v in values]))))
    return found


def _paired(name: str, long: Slices, told: Told, tests: Sequence[Cutoff]) -> list[Score]:
    """How much better the published forecast is than each model, mean of the test cutoffs and at the newest (95%)."""
    import numpy as np

    from holdfast.metrics.bootstrap import customer_codes, interval, replicates
    from holdfast.metrics.value import bias, gini, value_gain
    from holdfast.models.clv.registry import spend_of

    found = []
    codes, customers = customer_codes([long.at([one]).features.key.customer_id for one in tests])
    counts = np.concatenate(list(replicates(customers, 200, 1)))
    spent = {one: spend_of(long.at([one]).outcomes) for one in tests}
    for measure in (gini, bias):
        metric = measure.__name__
        drawn = {
            m: [measure(spent[c], told[m][c], counts[:, k]) for c, k in zip(tests, codes, strict=True)] for m in told
        }
        point = {m: [measure(spent[c], told[m][c]) for c in tests] for m in told}
        for model in [one for one in told if one != CHOSEN]:
            gains = np.array([value_gain(metric, a, b) for a, b in zip(drawn[CHOSEN], drawn[model], strict=True)])
            seen = np.array([value_gain(metric, a, b) for a, b in zip(point[CHOSEN], point[model], strict=True)])
            for what, at in (
                (f"mean of {len(tests)} test cutoffs", slice(None)),
                ("newest test cutoff", slice(-1, None)),
            ):
                low, high = interval(gains[at].mean(axis=0))
                protocol = f"spend, {HORIZON}, paired gain over {model}, {what}"
                found.append(Score("value", name, protocol, CHOSEN, metric, float(seen[at].mean()), low, high))
    return found


def _coverage(name: str, long: Slices, published: Mapping[Cutoff, Any], said: Mapping[Cutoff, Floats]) -> list[Score]:
    """Share of customers whose realised spend lay inside the interval, and the error of the median forecast."""
    import numpy as np

    from holdfast.bench.shops import shop_of
    from holdfast.metrics.value import mae
    from holdfast.models.clv.conformal import LEVELS
    from holdfast.models.clv.registry import spend_of

    zone, found = shop_of(name).zone, []
    inside: dict[float, list[float]] = {level: [] for level in LEVELS}
    for cutoff, one in published.items():
        test = long.at([cutoff])
        spend, day = spend_of(test.outcomes), cutoff.local_day(zone)
        for level in LEVELS:
            low, high = one.spend_interval(test.features, said[cutoff], level)
            inside[level].append(float(((low <= spend) & (spend <= high)).mean()))
            protocol = f"spend, {HORIZON}, {level:.0%} intervals of realised spend, test {day}"
            found.append(Score("value", name, protocol, one.model_id, "coverage", inside[level][-1], n=len(spend)))
        median = mae(spend, one.median_spend(test.features, said[cutoff]))
        found.append(Score("value", name, f"spend, {HORIZON}, test {day}", "median_spend", "mae", median, n=len(spend)))
    for level, shares in inside.items():
        protocol = f"spend, {HORIZON}, {level:.0%} intervals of realised spend, mean of {len(shares)} test cutoffs"
        found.append(
            Score(
                "value",
                name,
                protocol,
                CHOSEN,
                "coverage",
                float(np.mean(shares)),
                min(shares),
                max(shares),
                len(shares),
            )
        )
    return found


def _longer(name: str, ledger: Ledger, progress: Progress) -> list[Score]:
    """A horizon beyond the learnt 90 days, at a cutoff after which it has closed: the stretched forecast held to truth."""
    from holdfast.bench.shops import STEP, shop_of, slices_of
    from holdfast.metrics.value import value_metrics
    from holdfast.models.clv.registry import spend_of
    from holdfast.models.clv.settings import ValueSettings
    from holdfast.models.clv.study import learn_value
    from holdfast.snapshot.folds import training_cutoffs

    day, text = LONGER[name]
    shop, asked = shop_of(name), Horizon.parse(text)
    cutoff = Cutoff.parse(day, shop.zone)
    closed = training_cutoffs(cutoff, HORIZON, NO_GAP, STEP, Cutoff.parse(shop.first, shop.zone), shop.zone)
    long = slices_of(ledger, HORIZON, closed, progress=progress)
    truth = slices_of(ledger, asked, [cutoff], progress=progress)
    study = learn_value(long, cutoff, ValueSettings(horizon=text), judge=False)
    said, spend = study.published.predict(truth.features).expected_revenue, spend_of(truth.outcomes)
    kind = f"{study.published.stretch.kind} {study.published.stretch.retained:.2f} a further {HORIZON}"
    protocol = f"spend, {asked} stretched from {HORIZON} ({kind}), test {day}"
    rows = value_metrics(spend, said)
    return [Score("value", name, protocol, study.published.model_id, m, v, n=len(spend)) for m, v in rows.items()]
