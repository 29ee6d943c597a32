"""Small shops: what 50, 100, 200 and 500 customers are worth to each model, judged on thousands of others.

A large synthetic shop is the truth. Customers are drawn from it as if they were the whole shop, models learn from them
alone, and all other customers at later cutoffs are forecast.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.bench.shift_world import OrderDays, lived, slices_at
from holdfast.bench.small_prior import exact, told
from holdfast.core.models import Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score
from holdfast.core.tables import Slices
from holdfast.metrics.probability import log_loss
from holdfast.models.base_rate import BaseRate
from holdfast.models.fitting import fit_on
from holdfast.models.logistic import Logistic
from holdfast.models.rfm_logistic import RfmLogistic
from holdfast.models.small import SmallShop
from holdfast.synth.parameters import World

Floats = NDArray[np.float64]
SIZES = (50, 100, 200, 500)
TRAIN, TEST, HORIZON = range(300, 541, 30), (600, 650, 700), 30
MODELS: dict[str, Model] = {
    "base_rate": BaseRate(), "rfm_logistic": RfmLogistic(), "logistic": Logistic(), "logistic, l2=1": Logistic(l2=1.0),
    "small_shop": SmallShop(),
}  # fmt: skip


def large(seed: int = 1, customers: int = 4000, **more: float) -> tuple[Slices, Slices, Floats]:
    """Training and test slices of the large shop, and the exact p_churn of each test row (by events)."""
    world = World(customers=customers, seed=seed, effect=0.0, **more)  # type: ignore[arg-type]  # numbers all
    made = lived(world)
    orders = OrderDays.lived(made)
    train, test = slices_at(made, TRAIN, HORIZON, orders), slices_at(made, TEST, HORIZON, orders)
    return train, test, exact(made, test, HORIZON)


def drawn(train: Slices, size: int, seed: int) -> tuple[Slices, pa.Array]:
    """The rows of so many repeat buyers and of as many others as go with them; and who they are."""
    key = train.features.key
    repeat = train.features.column("order_count") > 1.5
    buyers = key.customer_id.filter(pa.array(repeat)).unique()
    everybody = key.customer_id.unique()
    random = np.random.default_rng([seed, size, 43])
    count = min(len(everybody), round(size * len(everybody) / max(len(buyers), 1)))
    chosen = everybody.take(pa.array(np.sort(random.choice(len(everybody), count, replace=False))))
    return train.take(pc.is_in(key.customer_id, value_set=chosen).to_numpy(zero_copy_only=False)), chosen


def judged(model: Model, shop: Slices, test: Slices, truth: Floats, best: Floats) -> dict[str, float]:
    """Log loss, and its excess over the exact truth; coverage where the model gives 90% intervals.

    `best` is what the columns can tell of the truth (trees fitted to the exact probabilities of the whole shop): that is
    what an interval has to hold, customer by customer. By tenth of risk it has to hold the mean of the truth itself.
    """
    said = fit_on(model, shop).predict(test.features)
    p = np.clip(said.p_churn, 1e-12, 1 - 1e-12)
    found = {
        "log_loss": log_loss(test.outcomes.churned, p),
        "excess_log_loss": float((truth * np.log(np.maximum(truth, 1e-12) / p)
                                  + (1 - truth) * np.log(np.maximum(1 - truth, 1e-12) / (1 - p))).mean()),
    }  # fmt: skip
    if said.low is not None and said.high is not None:
        found["coverage"] = float(((said.low <= best) & (best <= said.high)).mean())
        found["width"] = float((said.high - said.low).mean())
        parts = np.array_split(np.argsort(p, kind="stable"), 10)
        held = [said.low[one].mean() <= truth[one].mean() <= said.high[one].mean() for one in parts]
        found["coverage_by_tenth"] = float(np.mean(held))
    return found


def scores(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Mean over draws of every figure, with the middle 90% of the draws."""
    draws, found = (20 if full else 8), []
    train, test, truth = large()
    best = told(test, truth, test)
    for at, size in enumerate(SIZES):
        progress.step("bench shift: small shops", at, len(SIZES))
        shops = [drawn(train, size, seed) for seed in range(draws)]
        for name, model in MODELS.items():
            rows = []
            for shop, members in shops:
                others = ~pc.is_in(test.features.key.customer_id, value_set=members).to_numpy(zero_copy_only=False)
                rows.append(judged(model, shop, test.take(others), truth[others], best[others]))
            for metric in rows[0]:
                values = np.array([one[metric] for one in rows])
                low, high = np.quantile(values, [0.05, 0.95])
                protocol = (
                    f"churned, 30d, shop of {size} repeat buyers, {draws} draws, other customers at 3 later cutoffs"
                )
                found.append(
                    Score(
                        "shift",
                        "synthetic",
                        protocol,
                        name,
                        metric,
                        float(values.mean()),
                        float(low),
                        float(high),
                        size,
                    )
                )
    progress.step("bench shift: small shops", len(SIZES), len(SIZES))
    return found
