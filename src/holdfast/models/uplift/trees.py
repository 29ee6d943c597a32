"""Small boosted trees (LightGBM) that share one binning: an experiment is binned once and then fitted many times."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.models.uplift.regressor import Flat, Floats, Regressor

if TYPE_CHECKING:
    from holdfast.models.uplift.experiment import Experiment

#: No learner may grow more.
MOST_TREES = 100
_BINNING = {"max_bin": 63, "bin_construct_sample_cnt": 20_000, "min_data_in_bin": 3, "feature_pre_filter": False}
_ALWAYS = {
    "objective": "regression", "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
    "enable_bundle": False, **_BINNING,
}  # fmt: skip


class Bins:
    """The columns of all rows in LightGBM's bins, with the arms beside them where asked; made when first needed."""

    def __init__(self, X: Floats, arm: NDArray[np.int64], arms: int) -> None:
        self._X, self._arm, self._arms = X, arm, arms

    @cached_property
    def plain(self) -> Any:
        return _binned(for_trees(self._X))

    @cached_property
    def with_arms(self) -> Any:
        return _binned(with_arm(self._X, self._arm, self._arms))


def _binned(rows: Floats) -> Any:
    import lightgbm

    return lightgbm.Dataset(rows, np.zeros(len(rows)), params=dict(_ALWAYS)).construct()


def for_trees(X: Floats) -> Floats:
    """Infinity is missing; where there is no column there is one of zeros."""
    return np.where(np.isinf(X), np.nan, X) if X.shape[1] else np.zeros((len(X), 1))


def with_arm(X: Floats, arm: NDArray[np.int64] | int, arms: int) -> Floats:
    """The columns, and one more for each arm but the first."""
    given = np.zeros((len(X), arms))
    given[np.arange(len(X)), arm] = 1.0
    return np.hstack([for_trees(X), given[:, 1:]])


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees as LightGBM holds them; `at` is the arm they are asked at where they were taught with arms."""

    booster: Any
    at: int = -1
    arms: int = 0

    def predict(self, X: Floats) -> Floats:
        rows = for_trees(X) if self.at < 0 else with_arm(X, self.at, self.arms)
        return np.asarray(self.booster.predict(rows, num_threads=1), np.float64) if len(X) else np.zeros(0)

    def plain(self) -> dict[str, Any]:
        return {"kind": "trees", "trees": self.booster.model_to_string(), "at": self.at, "arms": self.arms}

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Trees:
        import lightgbm

        return cls(lightgbm.Booster(model_str=saved["trees"]), int(saved["at"]), int(saved["arms"]))


@dataclass(frozen=True)
class Boosting:
    """Few small trees. A leaf holds enough rows for about `rare_in_leaf` of the rarer outcome, so that a handful of buyers
    is no pattern; the trees of an effect are smaller than those of an outcome, for there is less of it to learn."""

    rounds: int = 50
    leaves: int = 6
    learning_rate: float = 0.1
    leaf_share: float = 0.02
    rare_in_leaf: float = 8.0
    l2: float = 5.0

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= MOST_TREES:
            raise UsageError(f"an uplift learner grows 1 to {MOST_TREES} trees, not {self.rounds}")

    def fit(self, experiment: Experiment, rows: NDArray[np.int64], target: Floats) -> Regressor:
        leaf = self.leaf_rows(len(rows), experiment.rare_share)
        if len(rows) < 2 * leaf:
            return Flat(float(target.mean()) if len(target) else 0.0)
        return Trees(self._grow(experiment.bins.plain, experiment.rows[rows], target, leaf, experiment.seed))

    def fit_with_arms(self, experiment: Experiment) -> tuple[Regressor, ...]:
        rows, target = experiment.rows, experiment.outcome
        leaf = self.leaf_rows(len(rows), experiment.rare_share)
        if len(rows) < 2 * leaf:
            return (Flat(float(target.mean())),) * experiment.arms
        booster = self._grow(experiment.bins.with_arms, rows, target, leaf, experiment.seed)
        return tuple(Trees(booster, one, experiment.arms) for one in range(experiment.arms))

    def leaf_rows(self, rows: int, rare_share: float) -> int:
        """The fewest rows a leaf may hold.

        >>> Boosting().leaf_rows(10_000, 0.01)
        800
        """
        return int(max(20, rows * self.leaf_share, self.rare_in_leaf / max(rare_share, 1e-4)))

    def _grow(self, bins: Any, rows: NDArray[np.int64], target: Floats, leaf: int, seed: int) -> Any:
        import lightgbm

        data = bins.subset(rows).construct()
        data.set_label(target)
        parameters = {
            **_ALWAYS, "num_leaves": self.leaves, "learning_rate": self.learning_rate, "min_data_in_leaf": leaf,
            "lambda_l2": self.l2, "seed": seed,
        }  # fmt: skip
        booster = lightgbm.Booster(params=parameters, train_set=data)
        for _ in range(self.rounds):
            if booster.update():
                break
        booster.free_dataset()
        return booster
