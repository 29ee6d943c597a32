"""A small neural network: one hidden layer, dropout, weight decay, stopped when customers it does not learn from get worse.

Plain numpy: at some thousands of customers and a hundred columns this takes seconds, and the digits are the same
everywhere. A few networks from different starts are averaged in log-odds, since one alone is at the mercy of its start.
Contributions compare a row with the average customer, layer by layer (the rescale rule of DeepLIFT, Shrikumar et al.
2017): each hidden unit hands what it changed back to its inputs in proportion, so that they add up exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.core.threads import one_thread
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.logit import logit, sigmoid
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.parts import parts_of
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]
#: One part in so many of the customers says when to stop.
_HELD = 8


@dataclass(frozen=True)
class Net:
    """inputs -> hidden (ReLU) -> one log-odds."""

    first: Floats  # inputs x hidden
    bias: Floats
    second: Floats  # hidden
    level: float

    def hidden(self, X: Floats) -> Floats:
        """What the hidden units add up to, before ReLU."""
        return np.asarray(X @ self.first + self.bias)

    def score(self, X: Floats) -> Floats:
        """Log-odds of churn of each row."""
        return np.asarray(np.maximum(self.hidden(X), 0.0) @ self.second + self.level)

    def parts(self, X: Floats) -> tuple[float, Floats]:
        """Log-odds of the all-zero row (the average customer), and what each input adds."""
        start, here = self.bias, self.hidden(X)
        moved = here - start
        rise = np.maximum(here, 0.0) - np.maximum(start, 0.0)
        slope = np.divide(
            rise, moved, out=(start > 0).astype(np.float64) * np.ones_like(moved), where=np.abs(moved) > 1e-9
        )
        pull = (slope * self.second) @ self.first.T
        return float(np.maximum(start, 0.0) @ self.second + self.level), X * pull

    def as_dict(self) -> dict[str, Any]:
        return {
            "first": self.first.tolist(), "bias": self.bias.tolist(), "second": self.second.tolist(), "level": self.level
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Net:
        first = np.array(saved["first"], np.float64).reshape(-1, len(saved["bias"]))
        return cls(first, np.array(saved["bias"], np.float64), np.array(saved["second"], np.float64), saved["level"])


@dataclass(frozen=True)
class MlpFit:
    """Networks on prepared columns; their log-odds are averaged."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    recipe: Recipe
    nets: tuple[Net, ...]

    @one_thread
    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn of each row; refuses a table that lacks a column it was fitted on."""
        X = self.recipe.apply(features)
        score = np.mean([one.score(X) for one in self.nets], axis=0)
        return Predictions(features.key, self.horizon, self.model_id, sigmoid(score))

    @one_thread
    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Log-odds of the average training customer, and what each column adds for each row."""
        X = self.recipe.apply(features)
        found = [one.parts(X) for one in self.nets]
        return float(np.mean([base for base, _ in found])), self.recipe.by_column(
            np.mean([p for _, p in found], axis=0)
        )

    def to_bytes(self) -> bytes:
        nets = [one.as_dict() for one in self.nets]
        return pack(self.model_id, horizon=str(self.horizon), recipe=self.recipe.as_dict(), nets=nets)

    @classmethod
    def from_bytes(cls, data: bytes) -> MlpFit:
        saved = unpack(data)
        recipe = Recipe.from_dict(saved["recipe"])
        nets = tuple(Net.from_dict(one) for one in saved["nets"])
        return cls(saved["kind"], recipe.columns, Horizon.parse(saved["horizon"]), recipe, nets)


@dataclass(frozen=True)
class Mlp:
    """`decay` shrinks the weights of the first layer a little at each step (AdamW, Loshchilov & Hutter 2019)."""

    model_id: ClassVar[str] = "mlp"
    hidden: int = 32
    dropout: float = 0.5
    decay: float = 0.2
    learning_rate: float = 0.003
    epochs: int = 40
    patience: int = 4
    batch: int = 512
    nets: int = 3
    half_life_days: float = 90.0
    seed: int = 1

    def light(self) -> Mlp:
        """One network: what resampling asks for."""
        return replace(self, nets=1)

    @one_thread
    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> MlpFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        recipe = Recipe.learn(features, customer_columns(features))
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        X, y = recipe.apply(features), outcomes.churned.astype(np.float64)
        nets = []
        for number in range(self.nets):
            held = (parts_of(features.key.customer_id, _HELD) + number) % _HELD == 0
            held = held if held.any() and not held.all() else np.zeros(len(y), bool)
            nets.append(self._learn(X, y, weight, held, np.random.default_rng([self.seed, number])))
        return MlpFit(self.model_id, recipe.columns, outcomes.horizon, recipe, tuple(nets))

    def _learn(self, X: Floats, y: Floats, weight: Floats, held: NDArray[np.bool_], random: np.random.Generator) -> Net:
        """Epochs until the held-out loss has not fallen for `patience` of them; the best epoch is kept."""
        taught = np.flatnonzero(~held)
        state = _Adam(_start(X.shape[1], self.hidden, y, weight, random), self.learning_rate, self.decay)
        best, kept, since = np.inf, state.net(), 0
        for _ in range(self.epochs):
            for rows in _batches(taught, self.batch, random):
                state.step(*_slopes(state.net(), X[rows], y[rows], weight[rows], self.dropout, random))
            net = state.net()
            loss = _loss(net, X, y, weight, held if held.any() else ~held)
            since = 0 if loss < best - 1e-5 else since + 1
            best, kept = (loss, net) if loss < best else (best, kept)
            if since >= self.patience:
                break
        return Net(kept.first.round(9), kept.bias.round(9), kept.second.round(9), round(kept.level, 9))


def _start(inputs: int, hidden: int, y: Floats, weight: Floats, random: np.random.Generator) -> Net:
    """Random first layer (He et al. 2015), a small second one, and the base rate as level."""
    base = float(logit(np.array([(weight @ y + 0.5) / (weight.sum() + 1.0)]))[0])
    first = random.normal(0.0, np.sqrt(2.0 / max(inputs, 1)), (inputs, hidden))
    return Net(first, np.zeros(hidden), random.normal(0.0, 0.1, hidden), base)


def _batches(rows: NDArray[np.int64], size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = random.permutation(rows)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _slopes(
    net: Net, X: Floats, y: Floats, weight: Floats, dropout: float, random: np.random.Generator
) -> tuple[Floats, Floats, Floats, float]:
    """Gradient of the weighted log loss on one batch; dropped units count for nothing, the others for more."""
    hidden = net.hidden(X)
    kept = (random.random(hidden.shape) >= dropout) / (1.0 - dropout)
    active = np.maximum(hidden, 0.0) * kept
    off = weight * (sigmoid(active @ net.second + net.level) - y) / max(float(weight.sum()), 1e-12)
    back = off[:, None] * net.second * kept * (hidden > 0)
    return X.T @ back, back.sum(axis=0), active.T @ off, float(off.sum())


def _loss(net: Net, X: Floats, y: Floats, weight: Floats, rows: NDArray[np.bool_]) -> float:
    score = net.score(X[rows])
    return float(weight[rows] @ (np.logaddexp(0.0, score) - y[rows] * score) / max(float(weight[rows].sum()), 1e-12))


class _Adam:
    """Adam with decoupled weight decay on both layers' weights (not on biases); moments kept between steps."""

    def __init__(self, net: Net, rate: float, decay: float) -> None:
        self._at = [net.first, net.bias, net.second, np.array([net.level])]
        self._mean = [np.zeros_like(one) for one in self._at]
        self._square = [np.zeros_like(one) for one in self._at]
        self._rate, self._decay, self._steps = rate, (decay, 0.0, decay, 0.0), 0

    def step(self, *slopes: Any) -> None:
        self._steps += 1
        fix_mean, fix_square = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        for place, slope in enumerate(slopes):
            grad = np.asarray(slope, np.float64).reshape(self._at[place].shape)
            self._mean[place] = 0.9 * self._mean[place] + 0.1 * grad
            self._square[place] = 0.999 * self._square[place] + 0.001 * grad * grad
            move = (self._mean[place] / fix_mean) / (np.sqrt(self._square[place] / fix_square) + 1e-8)
            shrunk = self._at[place] * (1 - self._rate * self._decay[place])
            self._at[place] = shrunk - self._rate * move

    def net(self) -> Net:
        first, bias, second, level = self._at
        return Net(first, bias, second, float(level[0]))


MODELS.add(Mlp.model_id, Mlp)
FITTED.add(Mlp.model_id, MlpFit)
