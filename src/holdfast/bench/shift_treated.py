"""The truth test of treated rows: a shop that contacts its riskiest customers with offers that work.

Judged against the exact risk if nothing is done from the cutoff on, which the synthetic world knows of everybody, in
three groups: the holdout, customers whose last contact no longer works, and those still under one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.bench.shift_world import OrderDays, slices_at
from holdfast.core.assignments import Assignments
from holdfast.core.clock import NO_GAP, Horizon
from holdfast.core.models import Model
from holdfast.core.results import Score
from holdfast.core.tables import Slices
from holdfast.models.fitting import fit_on
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logit import fit_logit, logit
from holdfast.models.treated import untreated
from holdfast.snapshot.assignments import assigned
from holdfast.snapshot.treated_settings import BY_EXPOSURES
from holdfast.synth.world import Arm, Made, World, make

Floats = NDArray[np.float64]
HORIZON = Horizon.parse("30d")
ARMS = (Arm("nothing", 0.4), Arm("offer", 0.4, effect=3.0), Arm("call", 0.2, effect=2.5))
#: Trees deep enough for what contacts and orders do together.
LEARNER = LightGbm(rounds=80, leaves=8, learning_rate=0.08, column_share=0.3, half_life_days=0.0)
TRAIN, TEST = range(200, 640, 20), (655, 670, 685, 700)


def targeted(effect: float = 1.0, *, customers: int = 3000, seed: int = 3) -> Made:
    """The shop: the longer the silence the likelier the contact, one customer in ten held out, no seasons."""
    world = World(
        customers=customers, seed=seed, effect=effect, arms=ARMS, target="risk", target_days=30.0,
        season=0.0, promotion=0.0, leave_days=3000.0, slumber_days=40.0,
    )  # fmt: skip
    return make(world)


@dataclass(frozen=True)
class Trial:
    """What is learnt from, what is asked, and the truth: exact P(no order) of each test row if nothing is done."""

    train: Slices
    train_assignments: Assignments
    test: Slices
    truth: Floats
    groups: Mapping[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, made: Made) -> Trial:
        orders = OrderDays.of(made)
        train, test = slices_at(made, TRAIN, 30, orders), slices_at(made, TEST, 30, orders)
        seen, later = (treatments(made, one) for one in (train, test))
        held = np.asarray(later.holdout, bool)
        silent = np.nan_to_num(test.features.column("days_since_last_message"), nan=np.inf) >= made.world.effect_days
        groups = {"holdout": held, "contacted before": ~held & silent, "under a contact": ~held & ~silent}
        return cls(train, seen, test, truth_of(made, test), groups)

    def ways(self) -> dict[str, tuple[Slices, str]]:
        """Training slices by how treated rows are handled, and what `untreated` called the way."""
        seen, n = self.train_assignments, len(self.train)
        unlogged = replace(seen, p_untreated=np.full(n, np.nan))
        found: dict[str, tuple[Slices, str]] = {"naive": (self.train, "naive")}
        for name, given in (("logged", seen), ("fitted", unlogged)):
            weighted, note = untreated(self.train, given)
            found[name] = weighted, note.way
        dropped = replace(self.train, weights=(~np.asarray(seen.treated, bool)).astype(np.float64))
        alone = np.asarray(seen.holdout, bool) & ~np.asarray(seen.treated, bool)
        held = replace(self.train, weights=alone.astype(np.float64))
        return {**found, "treated rows dropped": (dropped, "dropped"), "holdout alone": (held, "holdout")}

    def said(self, slices: Slices, model: Model | None = None) -> Floats:
        return fit_on(model or LEARNER, slices).predict(self.test.features).p_churn


def treatments(made: Made, slices: Slices) -> Assignments:
    """Who was treated, from the world's own exposures."""
    tables = made.tables
    key, ends = slices.features.key, made.world.ends
    return assigned(key, tables["exposures"], tables["customers"], HORIZON, NO_GAP, BY_EXPOSURES, ends)


def truth_of(made: Made, slices: Slices) -> Floats:
    """Exact P(no order in the horizon) of each row without any campaign from its cutoff on, hidden state included."""
    key, truth = slices.features.key, np.full(len(slices), np.nan)
    for cutoff in slices.cutoffs:
        mine = key.at([cutoff])
        found = made.true_p_churn(cutoff, HORIZON, campaigns=False)
        place = pc.index_in(key.customer_id.filter(pa.array(mine)), value_set=found["customer_id"].combine_chunks())
        truth[mine] = found["p_churn"].to_numpy()[place.to_numpy()]
    return truth


def line(truth: Floats, said: Floats) -> tuple[float, float]:
    """Calibration intercept and slope: logit(truth) = intercept + slope x logit(said), by likelihood (Cox 1958)."""
    x = logit(said)
    twice = np.r_[np.ones(len(x), bool), np.zeros(len(x), bool)]
    slope = fit_logit(np.r_[x, x][:, None], twice, l2=0.0, weights=np.r_[truth, 1 - truth])[1]
    level = fit_logit(np.zeros((2 * len(x), 0)), twice, l2=0.0, weights=np.r_[truth, 1 - truth], offset=np.r_[x, x])[0]
    return float(level), float(slope)


def tenths(truth: Floats, said: Floats, parts: int = 10) -> Floats:
    """Mean said less mean truth, by tenth of what was said."""
    groups = np.array_split(np.argsort(said, kind="stable"), parts)
    return np.array([said[one].mean() - truth[one].mean() for one in groups])


def scores(effect: float, seed: int, customers: int) -> list[Score]:
    """Calibration of every way in every group; one world."""
    trial = Trial.of(targeted(effect, customers=customers, seed=seed))
    found = []
    for way, (slices, _) in trial.ways().items():
        said = trial.said(slices)
        for group, mine in trial.groups.items():
            level, slope = line(trial.truth[mine], said[mine])
            off = tenths(trial.truth[mine], said[mine])
            protocol = f"p_churn 30d if nothing is done, {group}, effect x {effect:g}, seed {seed}, exact truth"
            n = int(mine.sum())
            for metric, value in (
                ("calibration_intercept", level), ("calibration_slope", slope), ("gap_mean", float(off.mean())),
                ("gap_worst_tenth", float(off[np.abs(off).argmax()])),
            ):  # fmt: skip
                found.append(Score("shift", "synthetic", protocol, f"lightgbm, {way}", metric, value, n=n))
    return found
