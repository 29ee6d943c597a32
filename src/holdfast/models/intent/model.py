"""A model of intent: one fit for every length of prefix, ready to answer for a single running session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import StateError, TooLittleData
from holdfast.core.models import FITTED, MODELS, Fitted
from holdfast.core.tables import FeatureTable, Key
from holdfast.models.intent.prefix import ONE_INSTANT, Prefixes
from holdfast.models.intent.state import COLUMNS, History, SessionState, state_of
from holdfast.models.pack import pack, unpack

Floats = NDArray[np.float64]
#: Each session counts as one row, however many of its prefixes teach.
LEAST_BUYERS = 10


@dataclass(frozen=True)
class IntentFit:
    """P(a purchase later in this session), after any number of events. Holds no sessions."""

    fitted: Fitted
    base_rate: float

    def predict(self, features: FeatureTable) -> Floats:
        """One probability for each row of a table with the columns of `state.COLUMNS`."""
        return np.asarray(self.fitted.predict(features).p_churn, np.float64)

    def after(self, state: SessionState) -> float:
        """The probability for one running session."""
        values = np.array([list(state.numbers().values())], np.float32)
        return float(self.predict(FeatureTable(Key.of(pa.array(["now"]), ONE_INSTANT), COLUMNS, values))[0])

    def to_bytes(self) -> bytes:
        inner = json.loads(self.fitted.to_bytes())
        return pack("intent", model=self.fitted.model_id, fitted=inner, base_rate=self.base_rate)

    @classmethod
    def from_bytes(cls, data: bytes) -> IntentFit:
        """The fit back; raises `StateError` where the bytes hold none."""
        saved = unpack(data)
        if saved["kind"] != "intent":
            raise StateError("this is no model of purchase intent", remedy="fit it again")
        fitted = FITTED[saved["model"]].from_bytes(json.dumps(saved["fitted"]).encode())
        return cls(fitted, float(saved["base_rate"]))


@dataclass(frozen=True)
class Intent:
    """Which model learns; every prefix of a session teaches, all of them together with the weight of one row.

    Logistic by default: it wins while buying sessions count in hundreds; `lightgbm` where they count in thousands.
    """

    model_id: ClassVar[str] = "intent"
    learner: str = "logistic"
    seed: int = 1

    def fit(self, rows: Prefixes) -> IntentFit:
        """Learn from prefixes of sessions; raises `TooLittleData` with fewer than ten buying sessions or others."""
        buyers = len(np.unique(rows.session[rows.bought]))
        others = len(np.unique(rows.session[~rows.bought]))
        if min(buyers, others) < LEAST_BUYERS:
            raise TooLittleData(
                f"{buyers} sessions bought and {others} did not: too few to tell them apart",
                remedy=f"give at least {LEAST_BUYERS} of each kind",
            )
        _, of, often = np.unique(rows.session, return_inverse=True, return_counts=True)
        weights = 1.0 / often[of]
        fitted = self._model().fit(rows.features, rows.outcomes, weights=weights)
        return IntentFit(fitted, float(weights @ rows.bought / weights.sum()))

    def _model(self) -> Any:
        own: dict[str, dict[str, Any]] = {
            "lightgbm": {"rounds": 120, "leaves": 8, "min_rows_in_leaf": 50, "column_share": 0.5, "seed": self.seed},
            "logistic": {"l2": 3.0},
        }
        return MODELS[self.learner](**own.get(self.learner, {}), half_life_days=0.0)  # type: ignore[call-arg]


def intent_after(fit: IntentFit, events: list[Mapping[str, Any]], history: History | None = None) -> float:
    """P(this session buys later), given its events so far: {event_type, occurred_at, item_id, category, unit_price}.

    `occurred_at` are aware datetimes; `history` is what was known of the visitor when the session began.
    """
    return fit.after(state_of(events, history))
