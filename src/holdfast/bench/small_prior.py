"""Where the prior of `small_shop` comes from: `python -m holdfast.bench.small_prior [SHOPS] > small_prior.json`.

Simulated shops of many kinds (how often people buy, how long they stay, seasons, campaigns), asked at many cutoffs for
30, 60 and 90 days. Each is fitted on its own, with plenty of customers; the prior is how the fits differ. No real data.
"""

from __future__ import annotations

import json
import sys
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.bench.shift_world import OrderDays, lived, slices_at
from holdfast.core.clock import Horizon
from holdfast.core.tables import Slices
from holdfast.models.columns import column_of
from holdfast.models.logit import fit_logit, logit
from holdfast.models.prepare import Recipe
from holdfast.models.small import ROLES
from holdfast.synth.parameters import World
from holdfast.synth.world import Made

Floats = NDArray[np.float64]
SHOPS, CUSTOMERS = 60, 1500


def shop(number: int) -> tuple[World, int]:
    """Parameters of one simulated shop, and the horizon it is asked for."""
    random = np.random.default_rng([number, 41])
    world = World(
        customers=CUSTOMERS, seed=10_000 + number,
        gap_days=float(34 * np.exp(random.normal(0, 0.45))),
        engaged_days=float(150 * np.exp(random.normal(0, 0.4))),
        slumber_days=float(75 * np.exp(random.normal(0, 0.4))),
        leave_days=float(900 * np.exp(random.normal(0, 0.6))),
        season=float(random.uniform(0, 0.4)), promotion=float(random.uniform(0, 0.8)),
        effect=float(random.choice([0.0, 1.0])),
    )  # fmt: skip
    return world, int(random.choice([30, 60, 90]))


def fitted(number: int) -> tuple[Floats, float]:
    """Intercept and standardised coefficients of one shop, and the mean square by which its curves are no lines."""
    world, horizon = shop(number)
    made = lived(world)
    orders = OrderDays.lived(made)
    days = range(240, world.days - horizon, 40)
    slices = slices_at(made, days, horizon, orders)
    columns = [column_of(slices.features.names, role, "small_prior") for role in ROLES]
    recipe = replace(Recipe.learn(slices.features, columns), marked=())
    beta = fit_logit(recipe.apply(slices.features), slices.outcomes.churned, l2=1.0)
    asked = slices.at([world.cutoff(day) for day in days[-6::2]])
    truth = exact(made, asked, horizon)
    score = beta[0] + recipe.apply(asked.features) @ beta[1:]
    return beta, bent(asked, truth, score)


def exact(made: Made, asked: Slices, horizon: int) -> Floats:
    """P(no order in the horizon) of each row, by all that events show to somebody who knows the world."""
    truth = np.empty(len(asked))
    for cutoff in asked.cutoffs:
        mine = asked.features.key.at([cutoff])
        found = made.true_p_churn(cutoff, Horizon.parse(f"{horizon}d"), knows="events")
        ids = asked.features.key.take(mine).customer_id
        place = pc.index_in(ids, value_set=found["customer_id"].combine_chunks()).to_numpy()
        truth[mine] = found["p_churn"].to_numpy()[place]
    return truth


def bent(asked: Slices, truth: Floats, score: Floats) -> float:
    """Mean square distance, in log-odds, from a linear score to the mean truth of customers alike in all columns.

    That mean is learnt by trees twice, on two thirds of the customers that share nobody; on the last third the errors of
    the two are independent, so the product of their distances from the score holds no noise of theirs.
    """
    part = np.array([zlib.crc32(one.encode()) % 3 for one in asked.features.key.customer_id.to_pylist()])
    apart = [logit(told(asked.take(part == one), truth[part == one], asked.take(part == 2)), 1e-3) for one in (0, 1)]
    return float(np.mean([(apart[0] - score[part == 2]) * (apart[1] - score[part == 2])]))


def told(known: Slices, truth: Floats, asked: Slices) -> Floats:
    """What the columns can tell of the exact truth: boosted trees fitted to the probabilities themselves."""
    import lightgbm

    data = lightgbm.Dataset(known.features.values.astype(np.float64), truth)
    options = {
        "objective": "cross_entropy", "num_leaves": 8, "learning_rate": 0.05, "min_data_in_leaf": 40, "verbosity": -1,
        "num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": 1,
    }  # fmt: skip
    return np.asarray(lightgbm.train(options, data, 150).predict(asked.features.values.astype(np.float64)))


def prior(shops: int = SHOPS) -> dict[str, Any]:
    """Mean and covariance of the shops' coefficients, and how far (log-odds) curves are from the lines they draw."""
    found = [fitted(number) for number in range(shops)]
    betas = np.array([one[0] for one in found])
    return {
        "command": f"python -m holdfast.bench.small_prior {shops}",
        "roles": ["intercept", *ROLES],
        "shops": shops,
        "mean": np.round(betas.mean(axis=0), 3).tolist(),
        "covariance": np.round(np.cov(betas.T), 4).tolist(),
        "spread": round(float(np.sqrt(max(np.median([one[1] for one in found]), 0.0))), 3),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(prior(int(sys.argv[1]) if len(sys.argv) > 1 else SHOPS), indent=1) + "\n")
