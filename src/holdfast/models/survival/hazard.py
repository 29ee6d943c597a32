"""`hazard`: when the next order will come, by trees on person-period rows; p_churn is survival at the horizon.

One small LightGBM for all bins learns how a customer's hazard differs from everybody's in the same bin, so a slice of
90 days old tells of the first 90 days and one of 180 days of them all: nothing is thrown away because it is young.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.survival.clock_columns import CLOCKS, folded, role_places, values_of, with_clock
from holdfast.models.survival.grouped import base_hazards, slopes
from holdfast.models.survival.periods import Periods, checked, edges_with, periods

Floats = NDArray[np.float64]
#: Cumulative hazard at the horizon stays inside, so that p_churn is never 0 or 1 and has log-odds.
_LEAST, _MOST = 1e-7, 30.0
#: Rows scored or explained at once.
_CHUNK = 20_000
#: With fewer person-period rows trees are not grown: everybody gets the hazard of the bin.
_LEAST_ROWS = 100


@dataclass(frozen=True)
class HazardFit:
    """`base`: log cumulative hazard of each bin over everybody. `trees` (may be empty): the customer's difference.

    `typical` is what the columns add for the average training customer, bin by bin; `seen` bins were old enough to show.
    """

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    edges: tuple[float, ...]
    base: Floats
    seen: int
    trees: str
    typical: Floats

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)

    @cached_property
    def _places(self) -> tuple[int, int]:
        return role_places(self.columns)

    @property
    def known_days(self) -> float:
        """The last day that some training slice was old enough to show; beyond it the curve goes on at its last pace."""
        return self.edges[self.seen]

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn = survival(horizon) of each row; refuses a table that lacks a column it was fitted on."""
        summed = np.clip(self.cumulative(features, (self.horizon.days,))[:, 0], _LEAST, _MOST)
        return Predictions(features.key, self.horizon, self.model_id, np.exp(-summed))

    def survival(self, features: FeatureTable, days: tuple[float, ...]) -> Floats:
        """Rows x days: P(no order within so many days)."""
        return np.exp(-self.cumulative(features, days))

    def cumulative(self, features: FeatureTable, days: tuple[float, ...]) -> Floats:
        """Rows x days: cumulative hazard, straight within a bin and beyond the last edge."""
        mix = self._mix(days)
        used = int(np.max(np.flatnonzero(mix.any(axis=1)), initial=0)) + 1
        values = values_of(features, self.columns)
        found = np.empty((len(features), len(days)))
        for start in range(0, len(features), _CHUNK):
            rows = slice(start, start + _CHUNK)
            found[rows] = np.exp(self._scores(values[rows], used)) @ mix[:used]
        return found

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Log-odds of p_churn: the average customer's, and what each column adds; exact to rounding.

        The trees' Shapley values say what each column adds to the log hazard of each bin. From there to the log-odds
        leads one path, the same for every column: in each bin the hazard's change over the log hazard's change, then
        the log-odds' change over the cumulative hazard's change (the rescale rule, Shrikumar et al. 2017).
        """
        mix = self._mix((self.horizon.days,))[:, 0]
        used = int(np.max(np.flatnonzero(mix), initial=0)) + 1
        level = self.base[:used] + self.typical[:used].sum(axis=1)
        middle = float(np.clip(np.exp(level) @ mix[:used], _LEAST, _MOST))
        found = np.zeros((len(features), len(self.columns)))
        values = values_of(features, self.columns)
        for start in range(0, len(features) if self.trees else 0, _CHUNK // 4):
            rows = slice(start, start + _CHUNK // 4)
            found[rows] = self._explained(values[rows], level, mix[:used], middle)
        return float(_log_odds(np.array([middle]))[0]), found

    def _explained(self, values: NDArray[np.float32], level: Floats, mix: Floats, middle: float) -> Floats:
        added = np.zeros((len(values), len(self.columns)))
        rise = np.zeros(len(values))
        for at in range(len(level)):
            wide = with_clock(values, np.full(len(values), at), np.array(self.edges[:-1]), self._places)
            parts = np.asarray(self._booster.predict(wide, pred_contrib=True, num_threads=1))
            own = folded(parts[:, :-1], self._places, self.typical[at, :-1])
            step = own.sum(axis=1)
            slope = np.exp(level[at]) * mix[at] * _ratio(np.expm1(step), step, np.ones(len(values)))
            added += own * slope[:, None]
            rise += slope * step
        total = np.clip(rise + np.exp(level) @ mix, _LEAST, _MOST)
        before = _log_odds(np.array([middle]))[0]
        slope = -1.0 / -np.expm1(-np.full(len(values), middle))  # of the log-odds where nothing differs
        return np.asarray(added * _ratio(_log_odds(total) - before, rise, slope)[:, None])

    def _scores(self, values: NDArray[np.float32], used: int) -> Floats:
        """Log cumulative hazard of each row in each of the first `used` bins."""
        found = np.tile(self.base[:used], (len(values), 1))
        if self.trees and len(values):
            for at in range(used):
                wide = with_clock(values, np.full(len(values), at), np.array(self.edges[:-1]), self._places)
                found[:, at] += np.asarray(self._booster.predict(wide, raw_score=True, num_threads=1))
        return found

    def _mix(self, days: tuple[float, ...]) -> Floats:
        """Bins x days: the share of each bin that lies before each day; of the last bin more than 1 beyond its end."""
        left, right = np.array(self.edges[:-1]), np.array(self.edges[1:])
        share = (np.asarray(days, np.float64) - left[:, None]) / (right - left)[:, None]
        most = np.ones(len(left))
        most[-1] = np.inf
        return np.asarray(np.clip(share, 0.0, most[:, None]))

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), columns=list(self.columns), edges=list(self.edges),
            base=self.base.tolist(), seen=self.seen, trees=self.trees, typical=self.typical.tolist(),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> HazardFit:
        saved = unpack(data)
        return cls(
            saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), tuple(saved["edges"]),
            np.array(saved["base"], np.float64), int(saved["seen"]), saved["trees"],
            np.array(saved["typical"], np.float64).reshape(len(saved["base"]), -1),
        )  # fmt: skip


@dataclass(frozen=True)
class Hazard:
    """Small trees on person-period rows. At most about `max_rows` of these are used: customer rows are drawn by lot."""

    model_id: ClassVar[str] = "hazard"
    rounds: int = 50
    leaves: int = 8
    learning_rate: float = 0.08
    min_rows_in_leaf: int = 400
    column_share: float = 0.2
    l2: float = 50.0
    half_life_days: float = 90.0
    max_rows: int = 250_000
    threads: int = 1
    seed: int = 1

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> HazardFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        duration, happened = checked(outcomes.duration, outcomes.event_observed)
        edges = edges_with(outcomes.horizon.days)
        rows = self._drawn(periods(duration, happened, features.key.cutoff, edges), len(features))
        own = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        weight = _even(own[rows.row], rows.bin)
        base, seen = base_hazards(rows, weight, edges)
        columns = customer_columns(features)
        plain = HazardFit(self.model_id, columns, outcomes.horizon, edges, base, seen, "", np.zeros((len(base), 0)))
        if len(rows) < _LEAST_ROWS or not columns or not rows.happened.any():
            return _replaced(plain, "", np.zeros((len(base), len(columns) + CLOCKS + 1)))
        values = values_of(features, columns)
        trees = self._grown(values, rows, weight, plain)
        return _replaced(plain, trees, self._typical(values, plain, trees))

    def _drawn(self, rows: Periods, customers: int) -> Periods:
        """Whole customer rows by lot, so that about `max_rows` person-period rows are left."""
        if len(rows) <= self.max_rows:
            return rows
        kept = np.random.default_rng([self.seed, 13]).random(customers) < self.max_rows / len(rows)
        keep = kept[rows.row]
        return Periods(rows.row[keep], rows.bin[keep], rows.happened[keep], rows.seen[keep])

    def _grown(self, values: NDArray[np.float32], rows: Periods, weight: Floats, fit: HazardFit) -> str:
        import lightgbm

        wide = with_clock(values[rows.row], rows.bin, np.array(fit.edges[:-1]), role_places(fit.columns))
        start = fit.base[rows.bin]
        parameters = self._parameters(len(rows)) | {"objective": _objective(rows, weight)}
        data = lightgbm.Dataset(wide, np.zeros(len(rows)), init_score=start, params=self._parameters(len(rows)))
        return str(lightgbm.train(parameters, data, num_boost_round=self.rounds).model_to_string())

    def _typical(self, values: NDArray[np.float32], fit: HazardFit, trees: str) -> Floats:
        """Mean contributions of up to 400 training rows in each bin, with the trees' own constant behind."""
        few = values[np.unique(np.linspace(0, len(values) - 1, 400).round().astype(np.int64))]
        booster = _replaced(fit, trees, fit.typical)._booster
        starts, places = np.array(fit.edges[:-1]), role_places(fit.columns)
        means = [
            np.asarray(booster.predict(with_clock(few, np.full(len(few), at), starts, places), pred_contrib=True, num_threads=1)).mean(axis=0)
            for at in range(len(starts))
        ]  # fmt: skip
        return np.array(means)

    def _parameters(self, rows: int) -> dict[str, Any]:
        return {
            "num_leaves": self.leaves, "learning_rate": self.learning_rate,
            "min_data_in_leaf": min(self.min_rows_in_leaf, max(5, rows // 50)), "feature_fraction": self.column_share,
            "lambda_l2": self.l2, "min_sum_hessian_in_leaf": 1.0,
            "max_bin": 63, "bin_construct_sample_cnt": 20_000, "deterministic": True, "force_row_wise": True,
            "num_threads": self.threads, "seed": self.seed, "verbosity": -1, "feature_pre_filter": False,
        }  # fmt: skip


def _objective(rows: Periods, weight: Floats) -> Any:
    """The grouped likelihood as LightGBM asks for it: slope and bend of each row at the present score."""

    def objective(score: Floats, data: Any) -> tuple[Floats, Floats]:
        down, bend = slopes(np.asarray(score, np.float64), rows.happened, rows.seen)
        return down * weight, bend * weight

    return objective


def _even(weight: Floats, bins: NDArray[np.int64]) -> Floats:
    """Weights with mean 1 in every bin: late bins, which only old slices show, count as much as early ones."""
    total, count = np.bincount(bins, weight), np.bincount(bins)
    mean = np.divide(total, count, out=np.ones(len(total)), where=total > 0)
    return np.asarray(weight / mean[bins])


def _replaced(fit: HazardFit, trees: str, typical: Floats) -> HazardFit:
    return HazardFit(fit.model_id, fit.columns, fit.horizon, fit.edges, fit.base, fit.seen, trees, typical)


def _log_odds(summed: Floats) -> Floats:
    """Log-odds of exp(-H)."""
    return np.asarray(-np.log(np.expm1(summed)))


def _ratio(top: Floats, bottom: Floats, limit: Floats) -> Floats:
    """top / bottom, with its limit where both vanish."""
    near = np.abs(bottom) < 1e-9
    return np.asarray(np.where(near, limit, top / np.where(near, 1.0, bottom)))


MODELS.add(Hazard.model_id, Hazard)
FITTED.add(Hazard.model_id, HazardFit)
