"""Reading the facts of a labelled table: one score, one model's name, the label in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.core.text import Text
from holdfast.report.scores import MODELS
from holdfast.report.voice import Voice, isolated

_MODELS = {
    **MODELS,
    "base_rate": Text("base rate", "平均比例"),
    "one_column": Text("best single column", "最佳单列"),
    "lightgbm": Text("LightGBM, small trees", "LightGBM（小树）"),
    "lightgbm_large": Text("LightGBM, large trees", "LightGBM（大树）"),
    "random_forest": Text("random forest", "随机森林"),
}


@dataclass(frozen=True)
class Told:
    """The facts of `table.json` with the voice that tells them."""

    facts: Mapping[str, Any]
    voice: Voice

    @property
    def chosen(self) -> str:
        return str(self.facts["chosen"])

    @property
    def positive(self) -> str:
        """The label's value that is asked for, as `Churn = 1`."""
        label = self.facts["label"]
        return f"{isolated(label['column'])} = {isolated(label['positive'])}"

    def score(self, metric: str, model: str | None = None) -> Mapping[str, Any]:
        """{value, low, high} of one metric, by default of the chosen model."""
        wanted = model or self.chosen
        return next(one for one in self.facts["scores"] if one["model"] == wanted and one["metric"] == metric)

    def number(self, metric: str, model: str | None = None, digits: int = 3) -> str:
        return self.voice.number(self.score(metric, model)["value"], digits)

    def bounds(self, metric: str, model: str | None = None, digits: int = 3) -> str:
        """The interval as `0.91–0.95`; empty where none was computed."""
        found = self.score(metric, model)
        if found["low"] is None or found["high"] is None:
            return ""
        return f"{self.voice.number(found['low'], digits)}–{self.voice.number(found['high'], digits)}"

    def model(self, name: str | None = None) -> str:
        wanted = name or self.chosen
        return self.voice.say(_MODELS[wanted]) if wanted in _MODELS else wanted

    def group(self, name: str) -> str:
        """A group's name; the empty one holds the rows that are not filled in."""
        return isolated(name) if name else self.voice.pick("not filled in", "未填写")
