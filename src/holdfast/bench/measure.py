"""Do measured effects hold? Intervals that are looked at every day, and a synthetic shop whose true effects are known."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.core.trials import Trial
    from holdfast.synth.world import Made

LOOKS, EXPERIMENTS = 60, 1000


@dataclass(frozen=True)
class Setting:
    """An experiment: share who order, share held out, customers, whether money is measured (else: who ordered)."""

    rate: float
    holdout: float
    customers: int
    spend: bool

    @property
    def name(self) -> str:
        what = "spend" if self.spend else "ordered"
        return f"{what}, {self.rate:.1%} order, {self.holdout:.0%} held out, {self.customers:,} customers"


SETTINGS = tuple(
    Setting(rate, holdout, customers, spend)
    for rate, holdout, customers in ((0.3, 0.5, 3000), (0.3, 0.1, 4000), (0.005, 0.5, 10_000), (0.005, 0.1, 30_000))
    for spend in (False, True)
)


@BENCHES.register("measure")
def measure(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Non-coverage at any of 60 daily looks over 1,000 experiments; measured against true effects on the synthetic shop."""
    if data not in (None, "synthetic"):
        raise UsageError(f"the measure bench knows no data {data!r}", remedy="it makes its own: leave --data out")
    found: list[Score] = []
    for at, one in enumerate(SETTINGS):
        progress.step("looks", at, len(SETTINGS))
        started = time.perf_counter()
        wrong, plain, said = looked_at_daily(one)
        seconds = round(time.perf_counter() - started, 1)
        protocol = f"{LOOKS} daily looks, {one.name}"
        for model, value in (("confidence_sequence", wrong), ("plain_interval", plain)):
            low, high = share_interval(round(value * EXPERIMENTS), EXPERIMENTS)
            found.append(
                Score("measure", "synthetic", protocol, model, "ever_wrong", value, low, high, EXPERIMENTS, seconds)
            )
        found.append(Score("measure", "synthetic", protocol, "confidence_sequence", "said", said, n=EXPERIMENTS))
    progress.step("looks", len(SETTINGS), len(SETTINGS))
    return found + shop_scores(20_000 if full else 5000, progress)


def looked_at_daily(setting: Setting, lift: float = 0.2, seed: int = 1) -> tuple[float, float, float]:
    """Shares of experiments: the sequence missed the truth at some look; a plain 95% interval did; anything was said at all.

    Spend is log-normal and capped at a quantile of what others spent before. Refusals, caution and the line are those
    of `measure.always_valid`.
    """
    import numpy as np

    from holdfast.measure.always_valid import cap_of, cautious, winsorised
    from holdfast.measure.settings import BY_DEFAULT
    from holdfast.metrics.confidence_sequence import multiplier

    rng, customers = np.random.default_rng([seed, setting.customers]), setting.customers
    look = np.arange(1, LOOKS + 1) * customers // LOOKS
    cap = cap_of(np.exp(rng.normal(3.0, 1.2, 4000)), BY_DEFAULT.winsorise) if setting.spend else math.inf
    size = winsorised(np.exp(rng.normal(3.0, 1.2, 400_000)), cap).mean() if setting.spend else 1.0
    truth, counts = setting.rate * lift * size, np.zeros(3)
    for _ in range(EXPERIMENTS):
        treated = rng.random(customers) >= setting.holdout
        converted = (rng.random(customers) < setting.rate * np.where(treated, 1 + lift, 1.0)).astype(float)
        y = converted
        if setting.spend:
            y = converted * winsorised(np.exp(rng.normal(3.0, 1.2, customers)), cap)
        n, k, total, square = (
            np.stack([np.cumsum(v * one)[look - 1] for one in (treated, ~treated)], axis=-1)
            for v in (np.ones(customers), converted, y, y * y)
        )
        n = np.maximum(n, 2)
        allowed = (n.min(axis=1) >= BY_DEFAULT.least_customers) & (k.sum(axis=1) >= BY_DEFAULT.least_conversions)
        allowed &= k.min(axis=1) >= BY_DEFAULT.least_conversions / 3
        variance = ((square / n - (total / n) ** 2) / (n - 1)).sum(axis=1)
        off = np.abs(total[:, 0] / n[:, 0] - total[:, 1] / n[:, 1] - truth)
        half = multiplier(look, customers) * np.sqrt(variance * cautious(n, k, total, square))
        seen = (off > half, off > 1.959964 * np.sqrt(variance), True)
        counts += [float((allowed & one).any()) for one in seen]
    wrong, plain, said = (counts / EXPERIMENTS).tolist()
    return wrong, plain, said


def shop_scores(customers: int, progress: Progress = SILENT) -> list[Score]:
    """Each arm's pooled effect on P(an order in 30 days) with its interval, beside the true mean effect."""
    from holdfast.app.shop import Shop
    from holdfast.app.study import history
    from holdfast.core.clock import Horizon
    from holdfast.core.results import Effect
    from holdfast.measure.effects import compare
    from holdfast.snapshot.folds import default_cutoff
    from holdfast.snapshot.ledger import Ledger
    from holdfast.snapshot.trials import trials
    from holdfast.synth.parameters import World
    from holdfast.synth.raw import write_raw
    from holdfast.synth.world import make

    made, found = make(World(customers=customers), progress), []
    with tempfile.TemporaryDirectory() as place:
        shop = Shop.create(Path(place) / "shop", preset="holdfast", zone=made.world.zone, currency=made.world.currency)
        shop.add(*write_raw(made, Path(place) / "raw"), progress=progress)
        with shop.engine() as engine:
            log, _ = history(shop, engine, progress=progress)
            trial = trials(Ledger.open(engine, log, shop.cache, progress), default_cutoff(log), Horizon.parse("30d"))
    done, protocol = trial.finished, f"ordered within 30d of the assignment, {customers:,} customers"
    for arm in trial.arms[1:]:
        said = compare(done, arm, assigned=trial).effects["retention"]
        if isinstance(said, Effect):
            n = int((done.arm == trial.arms.index(arm)).sum())
            found.append(Score("measure", "synthetic", protocol, arm, "effect", said.estimate, said.low, said.high, n))
        found.append(
            Score("measure", "synthetic", protocol, arm, "true_effect", true_effect(made, done, arm), n=len(done))
        )
    return found


def true_effect(made: Made, done: Trial, arm: str) -> float:
    """Mean true effect of one contact over the assignments of a trial, of customers who had ordered by that day."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from holdfast.core.clock import Cutoff

    uplift = []
    for at in np.unique(done.assigned_at):
        day = Cutoff.midnight(Cutoff.from_micros(int(at)).local_day(made.world.zone), made.world.zone)
        found = made.true_effect(arm, day, done.follow_up)
        who = done.customer_id.filter(pa.array(done.assigned_at == at))
        place = pc.drop_null(pc.index_in(who, value_set=found["customer_id"].combine_chunks()))
        uplift.append(found["uplift"].to_numpy()[place.to_numpy()])
    return float(np.concatenate(uplift).mean())


def share_interval(k: int, n: int) -> tuple[float, float]:
    """95%, Wilson (1927)."""
    z = 1.959964
    middle, half = (k + z * z / 2) / (n + z * z), z * (k * (n - k) / n + z * z / 4) ** 0.5 / (n + z * z)
    return max(0.0, middle - half), min(1.0, middle + half)
