"""The sampler: how faithful its customers are, whether it copies anybody, and whether training on them hurts.

Augmentation is judged walk-forward: at each test cutoff the sampler and the model know only what came before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.bench.shift_world import slices_of_lines
from holdfast.core.models import Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score
from holdfast.core.tables import FeatureTable, Key, Outcomes, Slices
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.probability import log_losses
from holdfast.models.fitting import fit_on
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.synth.fidelity import closeness, fidelity
from holdfast.synth.sampler import COLUMNS, Sampler
from holdfast.synth.world import Made, World, make

Floats = NDArray[np.float64]
MODELS: dict[str, Model] = {"logistic": Logistic(), "lightgbm": LightGbm()}


def lines_of(made: Made) -> pa.Table:
    """The order lines of a world, as a sampler reads them."""
    events = made.tables["events"]
    sold = events.filter(pc.equal(events["event_type"], "purchase"))
    local = pc.local_timestamp(sold["occurred_at"].cast(pa.timestamp("us", tz=made.world.zone)))
    kept = ["customer_id", "order_id", "item_id", "quantity", "unit_price"]
    return sold.select(kept).append_column("local_day", pc.cast(local, pa.date32())).select(COLUMNS)


def before(lines: pa.Table, day: int) -> pa.Table:
    """Lines of days before that day (days since 1970)."""
    return lines.filter(pc.less(lines["local_day"].cast(pa.int32()), day))


def augmented(
    lines: pa.Table, tests: Sequence[int], model: Model, *, times: float = 1.0, share: float = 0.5, slices: int = 8,
    horizon: int = 30, seed: int = 1,
) -> tuple[float, float, float, int]:  # fmt: skip
    """Mean gain in log loss by adding synthetic customers, its 95% interval over customers, and the rows judged.

    `times` as many synthetic as real customers, each counting for `share` of a real one. Positive is better.
    """
    gains, ids = [], []
    for day in tests:
        known = before(lines, day)
        cutoffs = [day - horizon - 15 * back for back in range(slices)][::-1]
        real = slices_of_lines(known, cutoffs, horizon)
        count = round(times * len(known["customer_id"].unique()))
        made = slices_of_lines(Sampler.fit(known).sample(count, seed), cutoffs, horizon)
        both = _joined(real, made, share)
        test = slices_of_lines(lines, [day], horizon)
        losses = [
            log_losses(test.outcomes.churned, fit_on(model, one).predict(test.features).p_churn) for one in (real, both)
        ]
        gains.append(losses[0] - losses[1])
        ids.append(test.features.key.customer_id)
    code, customers = customer_codes(ids)
    gain, who = np.concatenate(gains), np.concatenate(code)
    top, size = np.bincount(who, gain, customers), np.bincount(who, minlength=customers).astype(np.float64)
    drawn = np.concatenate([(w @ top) / np.maximum(w @ size, 1.0) for w in replicates(customers, 400, seed)])
    low, high = interval(drawn)
    return float(gain.mean()), float(low or 0.0), float(high or 0.0), len(gain)


def _joined(real: Slices, made: Slices, share: float) -> Slices:
    """Both tables below each other; synthetic rows count for `share`."""
    parts = [one.outcomes for one in (real, made)]
    key = Key(
        pa.concat_arrays([one.key.customer_id for one in parts]), np.concatenate([one.key.cutoff for one in parts])
    )
    columns = {
        name: np.concatenate([getattr(one, name) for one in parts])
        for name in ("churned", "orders", "revenue", "duration", "event_observed")
    }
    values = np.concatenate([one.features.values for one in (real, made)])
    weights = np.r_[np.ones(len(real)), np.full(len(made), share)]
    table = FeatureTable(key, real.features.columns, values)
    return Slices(table, Outcomes(key, real.outcomes.horizon, **columns), weights)


def halves(lines: pa.Table, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """Customers split at random: what a sampler learns, and strangers."""
    ids = lines["customer_id"].unique()
    order = np.random.default_rng(seed).permutation(len(ids))
    first = ids.take(pa.array(order[: len(ids) // 2]))
    mine = pc.is_in(lines["customer_id"], value_set=first)
    return lines.filter(mine), lines.filter(pc.invert(mine))


def scores(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Fidelity, closeness and augmentation on a synthetic shop, and on Online Retail where its file is there."""
    progress.step("bench shift: sampler", 0, 2)
    shops: dict[str, tuple[pa.Table, Sequence[int]]] = {}
    made = make(World(customers=2000, seed=5))
    start = int(np.datetime64(made.world.start).astype(np.int64))
    shops["synthetic"] = lines_of(made), tuple(start + day for day in (480, 540, 600, 660))
    real = online_retail()
    if real is not None:
        last = int(pc.max(real["local_day"].cast(pa.int32())).as_py()) + 1
        shops["online_retail"] = real, tuple(last - 30 * back for back in (4, 3, 2, 1))
    found = [one for name, (lines, tests) in shops.items() for one in _of(name, lines, tests)]
    progress.step("bench shift: sampler", 2, 2)
    return found


def _of(name: str, lines: pa.Table, tests: Sequence[int]) -> list[Score]:
    learnt, strangers = halves(lines)
    n = len(learnt["customer_id"].unique())
    sample = Sampler.fit(learnt).sample(n, 1)
    ours, theirs = fidelity(learnt, sample), fidelity(learnt, strangers)
    found = []
    for metric, value in ours.items():
        found.append(Score("shift", name, "synthetic beside the half learnt from", "sampler", metric, value, n=n))
        found.append(Score("shift", name, "the other half beside it", "real_half", metric, theirs[metric], n=n))
    for metric, value in closeness(learnt, strangers, sample).items():
        found.append(
            Score("shift", name, "closest real customer, over that of strangers", "sampler", metric, value, n=n)
        )
    ids = lines["customer_id"].unique()
    few = ids.take(pa.array(np.sort(np.random.default_rng(3).choice(len(ids), min(len(ids), 300), replace=False))))
    sizes = {"all customers": lines, "300 customers": lines.filter(pc.is_in(lines["customer_id"], value_set=few))}
    for size, table in sizes.items():
        for model_id, model in MODELS.items():
            gain, low, high, rows = augmented(table, tests, model)
            protocol = f"churned, 30d, {size}, log loss gained by as many synthetic customers, {len(tests)} cutoffs"
            found.append(Score("shift", name, protocol, model_id, "gain", gain, low, high, rows))
    return found


def online_retail() -> pa.Table | None:
    """Order lines of Online Retail, cleaned like any shop's; None where the data folder is absent."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from holdfast.bench.shops import open_shop
    from holdfast.core.errors import InputRefused
    from holdfast.engine.duck import Engine

    with TemporaryDirectory() as folder, Engine() as engine:
        try:
            events = open_shop("online_retail", engine, Path(folder)).log.events
        except InputRefused:
            return None
        sold = events.filter((events.event_type == "purchase") & events.customer_id.notnull())
        return engine.arrow(sold.select(*COLUMNS))
