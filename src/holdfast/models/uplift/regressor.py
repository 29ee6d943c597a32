"""What every learner is built of: a regression that fits fast and says itself in plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from holdfast.models.uplift.experiment import Experiment

Floats = NDArray[np.float64]


class Regressor(Protocol):
    """A fitted regression: customers x columns to one number each."""

    def predict(self, X: Floats) -> Floats:
        """One number for each row."""

    def plain(self) -> dict[str, Any]:
        """The fit as plain data, for `to_bytes`."""


class Regression(Protocol):
    """A frozen way to fit one: on some rows of an experiment, to any target."""

    def fit(self, experiment: Experiment, rows: NDArray[np.int64], target: Floats) -> Regressor:
        """`rows` index the experiment; `target` has one number for each of them."""

    def fit_with_arms(self, experiment: Experiment) -> tuple[Regressor, ...]:
        """One regression of the outcome on columns and arm; what it says at each arm."""


@dataclass(frozen=True)
class Flat:
    """The same for everybody: where there is too little to tell anybody apart.

    >>> Flat(2.0).predict(np.zeros((3, 1))).tolist()
    [2.0, 2.0, 2.0]
    """

    value: float

    def predict(self, X: Floats) -> Floats:
        return np.full(len(X), self.value)

    def plain(self) -> dict[str, Any]:
        return {"kind": "flat", "value": self.value}


class Said:
    """What regressions say of the same customers: each is asked once, however many learners share it."""

    def __init__(self, X: Floats) -> None:
        self.X = X
        self._said: dict[int, tuple[Regressor, Floats]] = {}

    def by(self, models: Sequence[Regressor]) -> Floats:
        """Customers x models.

        >>> Said(np.zeros((2, 1))).by([Flat(1.0), Flat(2.0)]).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
        """
        for one in models:
            if id(one) not in self._said:
                self._said[id(one)] = one, one.predict(self.X)  # the model is kept, so that its id stays its own
        columns = [self._said[id(one)][1] for one in models]
        return np.column_stack(columns) if columns else np.zeros((len(self.X), 0))


def read_regressor(saved: dict[str, Any]) -> Regressor:
    """A regressor back from its plain data."""
    from holdfast.models.uplift.ridge import Line
    from holdfast.models.uplift.trees import Trees

    if saved["kind"] == "flat":
        return Flat(float(saved["value"]))
    return Line.read(saved) if saved["kind"] == "line" else Trees.read(saved)
