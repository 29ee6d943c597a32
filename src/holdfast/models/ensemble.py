"""Several models as one: their log-odds averaged with equal shares (`ensemble`).

Models that err in different ways err less together. The average is taken in log-odds, where the contributions of all
members add up exactly; shares and intercept are part of the fit. `stacked` learns the shares (models/stacked.py).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.models import FITTED, MODELS, Fitted, Model
from holdfast.core.tables import FeatureTable, Outcomes, Predictions, Slices
from holdfast.models.calibration import Evidence
from holdfast.models.fitting import fit_on
from holdfast.models.lightgbm import LightGbm
from holdfast.models.logistic import Logistic
from holdfast.models.logit import logit, sigmoid
from holdfast.models.pack import pack, unpack
from holdfast.models.rfm_logistic import RfmLogistic

Floats = NDArray[np.float64]
#: Beyond these odds a member is not asked how much surer it is.
_EDGE = 1e-9


@dataclass(frozen=True)
class EnsembleFit:
    """Fitted members and how much each counts. `columns` are those of all members, in order of appearance."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    members: tuple[Fitted, ...]
    shares: tuple[float, ...]
    intercept: float = 0.0

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn of each row; refuses a table that lacks a column of any member."""
        said = [one.predict(features).p_churn for one in self.members]
        return Predictions(features.key, self.horizon, self.model_id, mixed(said, self.shares, self.intercept))

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """The members' contributions, each times its share: exact wherever theirs are."""
        baseline, parts = self.intercept, np.zeros((len(features), len(self.columns)))
        for one, share in zip(self.members, self.shares, strict=True):
            base, own = one.contributions(features)
            baseline += share * base
            parts[:, [self.columns.index(name) for name in one.columns]] += share * own
        return baseline, parts

    def to_bytes(self) -> bytes:
        saved = [{"id": one.model_id, **_text(one.to_bytes())} for one in self.members]
        return pack(
            self.model_id, horizon=str(self.horizon), columns=list(self.columns), members=saved,
            shares=list(self.shares), intercept=self.intercept,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> EnsembleFit:
        saved = unpack(data)
        members = tuple(FITTED[one["id"]].from_bytes(_bytes(one)) for one in saved["members"])
        return cls(
            saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), members,
            tuple(saved["shares"]), saved["intercept"],
        )  # fmt: skip


def mixed(said: Sequence[Floats], shares: Sequence[float], intercept: float = 0.0) -> Floats:
    """Probabilities averaged in log-odds.

    >>> mixed([np.array([0.5]), np.array([0.9])], [0.5, 0.5]).round(2).tolist()
    [0.75]
    """
    score = np.full(len(said[0]), intercept)
    for one, share in zip(said, shares, strict=True):
        score += share * logit(one, _EDGE)
    return sigmoid(score)


def _text(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:  # tensors
        return {"base64": base64.b64encode(data).decode()}


def _bytes(saved: Mapping[str, str]) -> bytes:
    return saved["text"].encode() if "text" in saved else base64.b64decode(saved["base64"])


@dataclass(frozen=True)
class Ensemble:
    """Members by id; without any, three that every shop can fit. Equal shares, so there is nothing to overfit."""

    model_id: ClassVar[str] = "ensemble"
    members: tuple[tuple[str, Model], ...] = ()
    shares: tuple[float, ...] | None = None
    intercept: float = 0.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> EnsembleFit:  # fmt: skip
        slices = Slices(features, outcomes, weights)
        settled = self if self.shares is not None else self.alone(slices)
        fits = tuple(fit_on(one, slices) for _, one in settled.members)
        columns = tuple(dict.fromkeys(name for one in fits for name in one.columns))
        shares = settled.shares or settled.equal()
        return EnsembleFit(self.model_id, columns, outcomes.horizon, fits, shares, settled.intercept)

    def light(self) -> Ensemble:
        """The same of the members' light forms."""
        members = self.named().members
        return replace(
            self, members=tuple((name, one.light() if hasattr(one, "light") else one) for name, one in members)
        )

    def alone(self, slices: Slices) -> Ensemble:
        """Members and shares where no predictions at earlier cutoffs are at hand."""
        return self.named()

    def settled(self, evidence: Sequence[Evidence]) -> Ensemble:
        """Shares as learnt from what each member said, out of time, and what happened. Here: equal, whatever happened."""
        return replace(self, shares=self.equal())

    def combine(self, said: Sequence[Floats]) -> Floats:
        """The ensemble's p_churn from its members'."""
        return mixed(said, self.shares or self.equal(), self.intercept)

    def only(self, usable: Sequence[str]) -> Ensemble:
        """The same of the members that can be used here; refuses to be an ensemble of one."""
        kept = tuple((name, one) for name, one in self.members if name in usable)
        if len(kept) < 2:
            raise UsageError(
                f"{self.model_id} needs two members and has {len(kept)}",
                remedy=f"add models to [models] use, or leave {self.model_id} out",
            )
        return replace(self, members=kept)

    def named(self) -> Ensemble:
        """This, with the default members where none were given."""
        if self.members:
            return self
        return replace(self, members=tuple((one.model_id, one) for one in (RfmLogistic(), Logistic(), LightGbm())))

    def equal(self) -> tuple[float, ...]:
        return tuple(1.0 / len(self.members) for _ in self.members)


MODELS.add(Ensemble.model_id, Ensemble)
FITTED.add(Ensemble.model_id, EnsembleFit)
