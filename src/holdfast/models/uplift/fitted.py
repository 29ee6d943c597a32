"""A learner that has learnt: the effect of each arm as a weighted sum of regressions. Saved without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from holdfast.core.errors import UsageError
from holdfast.models.pack import pack, unpack
from holdfast.models.uplift.regressor import Floats, Regressor, Said, read_regressor


@dataclass(frozen=True, eq=False)
class FittedEffects:
    """`effect of arm a = offset[a] + sum of weights[a, j] x models[j]`; arm 0 (nothing) changes nothing."""

    learner_id: str
    columns: int
    models: tuple[Regressor, ...]
    weights: Floats
    offset: Floats

    @property
    def arms(self) -> int:
        return len(self.offset)

    def effects(self, X: Any) -> Floats:
        """Customers x arms, in units of the outcome over doing nothing; column 0 is 0."""
        X = np.asarray(X, np.float64)
        if X.ndim != 2 or X.shape[1] != self.columns:
            raise UsageError(f"{self.learner_id} learnt from {self.columns} columns and is shown {X.shape}")
        return self.effects_from(Said(X))

    def effects_from(self, said: Said) -> Floats:
        """The same, sharing what other learners have already asked of these customers."""
        found = said.by(self.models)
        return np.asarray(found @ self.weights.T + self.offset, np.float64)

    def to_bytes(self) -> bytes:
        texts: dict[str, int] = {}  # a model that is used twice is written once
        at = [texts.setdefault(json.dumps(one.plain(), sort_keys=True), len(texts)) for one in self.models]
        return pack(
            "uplift", learner_id=self.learner_id, columns=self.columns, models=[json.loads(one) for one in texts],
            at=at, weights=self.weights.tolist(), offset=self.offset.tolist(),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedEffects:
        saved = unpack(data)
        models = [read_regressor(one) for one in saved["models"]]
        arms = len(saved["offset"])
        return cls(
            saved["learner_id"], int(saved["columns"]), tuple(models[one] for one in saved["at"]),
            np.asarray(saved["weights"], np.float64).reshape(arms, len(saved["at"])), np.asarray(saved["offset"], np.float64),
        )  # fmt: skip
