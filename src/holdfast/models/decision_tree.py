"""One small decision tree: rules that a person can read, check and argue with.

last order more than 74 days ago, fewer than 2 orders -> 81% (n=412)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.core.text import Language, Text
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.logit import logit
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.reasons import number_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MORE = Text("more than {value}", "多于{value}")
_LESS = Text("at most {value}", "至多{value}")
_PLAIN = {
    True: Text("{name} above {value}", "{name}大于{value}"),
    False: Text("{name} up to {value}", "{name}不超过{value}"),
}
_MISSING = Text("{name} unknown", "{name}未知")
_KNOWN = Text("{name} known", "{name}已知")
_EVERYBODY = Text("everybody", "全部客户")
_RULE = Text("{path} -> {rate} (n={n})", "{path} -> {rate}（n={n}）")
_AND = Text(", ", "，")
_OR_UNKNOWN = Text(" or unknown", "或未知")


@dataclass(frozen=True)
class TreeFit:
    """Nodes as parallel lists, the root first. `column` is -1 at a leaf; `rate` is the (shrunken) churn rate of a node."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    column: Ints
    threshold: Floats
    unknown_left: NDArray[np.bool_]
    left: Ints
    right: Ints
    rate: Floats
    rows: Ints
    words: Mapping[str, tuple[str, str, str]]  # column -> unit and sentences in English and Chinese
    gaps: tuple[str, ...]  # columns that had missing values among the rows learnt from

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn of each row: the churn rate of its leaf; refuses a table that lacks a column it splits on."""
        leaf = self._paths(features)[-1]
        return Predictions(features.key, self.horizon, self.model_id, self.rate[leaf])

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Along a row's path each split adds what it changed in log-odds to its column (Saabas 2014); sums exactly."""
        paths, score = self._paths(features), logit(self.rate)
        parts = np.zeros((len(features), len(self.columns)))
        everyone = np.arange(len(features))
        for here, below in pairwise(paths):
            parts[everyone, np.maximum(self.column[here], 0)] += score[below] - score[here]
        return float(score[0]), parts

    def _paths(self, features: FeatureTable) -> list[Ints]:
        """The node of each row at every depth; a row that has reached its leaf stays there."""
        values = features.select(self.columns).values.astype(np.float64)
        everyone = np.arange(len(features))
        paths = [np.zeros(len(features), np.int64)]
        while (self.column[paths[-1]] >= 0).any():
            at = paths[-1]
            value = values[everyone, np.maximum(self.column[at], 0)]
            goes_left = np.where(np.isfinite(value), value <= self.threshold[at], self.unknown_left[at])
            below = np.where(goes_left, self.left[at], self.right[at])
            paths.append(np.where(self.column[at] >= 0, below, at))
        return paths

    def rules(self, language: Language = "en") -> list[str]:
        """One line for each leaf, the riskiest first."""
        found: list[tuple[float, str]] = []

        def walk(node: int, told: tuple[tuple[int, bool, float, bool], ...]) -> None:
            if self.column[node] < 0:
                path = _AND.render(language).join(self._said(told, language)) or _EVERYBODY.render(language)
                rate, n = f"{self.rate[node]:.0%}", f"{self.rows[node]:,}"
                found.append((float(self.rate[node]), _RULE.render(language, path=path, rate=rate, n=n)))
                return
            step = int(self.column[node]), float(self.threshold[node]), bool(self.unknown_left[node])
            walk(int(self.left[node]), (*told, (step[0], False, step[1], step[2])))
            walk(int(self.right[node]), (*told, (step[0], True, step[1], not step[2])))

        walk(0, ())
        return [line for _, line in sorted(found, key=lambda one: -one[0])]

    def _said(self, told: Sequence[tuple[int, bool, float, bool]], language: Language) -> list[str]:
        """The narrowest bound in each direction, once for each column, in order of first mention."""
        bounds: dict[tuple[int, bool], tuple[float, bool]] = {}
        for column, above, threshold, unknown in told:
            old, before = bounds.get((column, above), (threshold, True))
            bounds[column, above] = (max(old, threshold) if above else min(old, threshold)), before and unknown
        return [
            self._condition(column, above, threshold, unknown, language)
            for (column, above), (threshold, unknown) in bounds.items()
        ]

    def _condition(self, column: int, above: bool, threshold: float, unknown: bool, language: Language) -> str:
        name = self.columns[column]
        unit, english, chinese = self.words[name]
        sentence = chinese if language == "zh" else english
        if not np.isfinite(threshold):
            return (_KNOWN if not above else _MISSING).render(language, name=name)
        value = _edge(threshold, unit)
        if sentence.count("{") == 1 and "{value}" in sentence:
            text = sentence.format(value=(_MORE if above else _LESS).render(language, value=value))
        else:
            text = _PLAIN[above].render(language, name=name, value=value)
        return text + (_OR_UNKNOWN.render(language) if unknown and name in self.gaps else "")

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), columns=list(self.columns), column=self.column.tolist(),
            threshold=[one if np.isfinite(one) else None for one in self.threshold.tolist()],
            unknown_left=self.unknown_left.tolist(), left=self.left.tolist(), right=self.right.tolist(),
            rate=self.rate.tolist(), rows=self.rows.tolist(), words={k: list(v) for k, v in self.words.items()},
            gaps=list(self.gaps),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> TreeFit:
        saved = unpack(data)
        threshold = np.array([np.inf if one is None else one for one in saved["threshold"]], np.float64)
        words = {name: (one[0], one[1], one[2]) for name, one in saved["words"].items()}
        return cls(
            saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]),
            np.array(saved["column"], np.int64), threshold, np.array(saved["unknown_left"], bool),
            np.array(saved["left"], np.int64), np.array(saved["right"], np.int64), np.array(saved["rate"], np.float64),
            np.array(saved["rows"], np.int64), words, tuple(saved["gaps"]),
        )  # fmt: skip


def _edge(threshold: float, unit: str) -> str:
    """A bound as people write it: halves between whole numbers become the whole number below."""
    if abs(threshold - np.floor(threshold) - 0.5) < 1e-6 and unit != "share":
        return number_text(float(np.floor(threshold)), unit)
    return number_text(threshold, unit)


@dataclass(frozen=True)
class DecisionTree:
    """Best splits first, until there are `leaves` leaves; no leaf holds less than a share of the rows."""

    model_id: ClassVar[str] = "decision_tree"
    leaves: int = 12
    least_share: float = 0.02
    half_life_days: float = 90.0
    #: Rows of the average customer that every node is given, so that a leaf is never certain.
    shrink: float = 10.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> TreeFit:  # fmt: skip
        from sklearn.tree import DecisionTreeClassifier

        require_rows(outcomes, self.model_id)
        columns = customer_columns(features)
        table = features.select(columns)
        values = np.where(np.isfinite(table.values), table.values, np.nan)
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        if not columns:
            values = np.zeros((len(features), 1), np.float32)
        tree = DecisionTreeClassifier(
            max_leaf_nodes=self.leaves, min_samples_leaf=max(5, int(self.least_share * len(values))), random_state=1
        )
        grown = tree.fit(values, outcomes.churned, sample_weight=weight).tree_
        rate = self._rates(grown, values, outcomes.churned, weight)
        return _used(
            grown, table, np.asarray(np.isnan(values).any(axis=0), bool), rate, outcomes.horizon, self.model_id
        )

    def _rates(self, grown: Any, values: NDArray[Any], churned: NDArray[np.bool_], weight: Floats) -> Floats:
        """The weighted churn rate of each node, held towards that of everybody."""
        passed = grown.decision_path(np.ascontiguousarray(values, np.float32)).T
        total, gone = np.asarray(passed @ weight), np.asarray(passed @ (weight * churned))
        base = (gone[0] + 0.5) / (total[0] + 1.0)
        return np.asarray((gone + self.shrink * base) / (total + self.shrink))


def _used(
    grown: Any, table: FeatureTable, gaps: NDArray[np.bool_], rate: Floats, horizon: Horizon, model_id: str
) -> TreeFit:
    """The grown tree over the columns that it splits on alone."""
    split = np.asarray(grown.feature, np.int64)
    places = sorted({int(one) for one in split if one >= 0})
    short = {place: number for number, place in enumerate(places)}
    used = [table.columns[place] for place in places]
    return TreeFit(
        model_id, tuple(one.name for one in used), horizon, np.array([short.get(int(one), -1) for one in split]),
        np.where(split >= 0, grown.threshold, 0.0), np.asarray(grown.missing_go_to_left, bool),
        np.asarray(grown.children_left, np.int64), np.asarray(grown.children_right, np.int64), rate,
        np.asarray(grown.n_node_samples, np.int64),
        {one.name: (one.unit, one.sentence.en, one.sentence.zh) for one in used},
        tuple(table.names[place] for place in places if gaps[place]),
    )  # fmt: skip


MODELS.add(DecisionTree.model_id, DecisionTree)
FITTED.add(DecisionTree.model_id, TreeFit)
