"""The model card: what the model is, what it learnt from, how good it was, and where it must not be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.text import Language, Text

_TITLE = Text("# Model card: {model}", "# 模型卡：{model}")
_ASKS = Text(
    "It gives the probability that a customer places no order within {horizon} after the cutoff, if nothing is done.",
    "它给出客户在截止时刻之后{horizon}内不下单的概率（不采取任何措施时）。",
)
_GAP = Text("Between cutoff and horizon lie {gap} of dead time.", "截止时刻与预测期之间有{gap}的空档。")
_DATA = Text(
    "Learnt from {rows} rows of {customers} customers at {slices} cutoffs from {first} to {last}; "
    "{rate} of these rows churned.",
    "训练数据：{slices}个时刻（{first}至{last}）、{customers}位客户、共{rows}行；其中{rate}流失。",
)
_POPULATION = Text("Population: {population}", "人群：{population}")
_CALIBRATION = Text("Correction of the probability: {kind}.", "概率校正：{kind}。")
_LEVEL = Text(
    "Whole slices were off by about {sd} in log-odds beyond chance; the 90% intervals include that.",
    "整个时刻的水平偏差约为{sd}（对数几率，已扣除偶然误差）；90%区间已计入。",
)
_METRICS = Text("## How good it was at {cutoff}", "## 在{cutoff}的检验结果")
_HEAD = Text("| metric | value | interval |", "| 指标 | 数值 | 区间 |")
_LIMITS = Text("## Known limits", "## 已知局限")
CALIBRATION_WORDS = {
    "none": Text("none, as no correction helped at earlier cutoffs", "无（在较早时刻没有校正能带来改善）"),
    "shrunken_intercept": Text(
        "the level is moved by the newest closed slice's error, as far as such errors were seen to last",
        "按最近一个已结束时刻的误差移动总体水平，幅度取决于以往误差的持续程度",
    ),
    "platt": Text("Platt scaling", "Platt 校正"),
    "beta": Text("beta calibration", "Beta 校正"),
    "isotonic": Text("isotonic regression", "保序回归"),
    "seasonal": Text("a level that follows the time of year", "随季节变化的总体水平"),
}
LIMITS = (
    Text(
        "With under two years of history the level of the coming season cannot be known; the order of customers can.",
        "历史不足两年时，无法得知下一个季节的总体水平；客户之间的排序仍然可信。",
    ),
    Text(
        "It says who is likely not to order, not whom a message would bring back: that needs an experiment.",
        "它说明谁可能不再下单，而不是谁会被消息挽回：后者需要实验。",
    ),
)


@dataclass(frozen=True)
class Card:
    """Facts about one published model, as data and as Markdown."""

    model: str
    horizon: str
    gap: str
    calibration: str
    level_sd: float
    rows: int
    customers: int
    slices: int
    first_cutoff: str
    last_cutoff: str
    churn_rate: float
    parameters: Mapping[str, Any]
    columns: tuple[str, ...]
    population: str = ""
    tested_at: str = ""
    metrics: Mapping[str, tuple[float | None, float | None, float | None]] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        """For programs and the report."""
        word = CALIBRATION_WORDS.get(self.calibration)
        return {
            "model": self.model, "horizon": self.horizon, "gap": self.gap, "calibration": self.calibration,
            "calibration_text": word.render(language) if word else self.calibration, "level_sd": self.level_sd,
            "rows": self.rows, "customers": self.customers, "slices": self.slices,
            "first_cutoff": self.first_cutoff, "last_cutoff": self.last_cutoff, "churn_rate": self.churn_rate,
            "parameters": dict(self.parameters), "columns": list(self.columns), "population": self.population,
            "tested_at": self.tested_at,
            "metrics": {k: {"value": v[0], "low": v[1], "high": v[2]} for k, v in self.metrics.items()},
            "limits": [one.render(language) for one in (*LIMITS, *self.notes)],
        }  # fmt: skip

    def markdown(self, language: Language = "en") -> str:
        """For people."""
        word = CALIBRATION_WORDS.get(self.calibration)
        lines = [_TITLE.render(language, model=self.model), "", _ASKS.render(language, horizon=self.horizon)]
        if self.gap not in ("", "0d"):
            lines.append(_GAP.render(language, gap=self.gap))
        lines += [
            _DATA.render(
                language, rows=f"{self.rows:,}", customers=f"{self.customers:,}", slices=self.slices,
                first=self.first_cutoff, last=self.last_cutoff, rate=f"{self.churn_rate:.1%}",
            )
        ]  # fmt: skip
        if self.population:
            lines.append(_POPULATION.render(language, population=self.population))
        lines.append(_CALIBRATION.render(language, kind=word.render(language) if word else self.calibration))
        lines.append(_LEVEL.render(language, sd=f"{self.level_sd:.2f}"))
        if self.metrics:
            lines += [
                "",
                _METRICS.render(language, cutoff=self.tested_at),
                "",
                _HEAD.render(language),
                "| --- | --- | --- |",
            ]
            lines += [f"| {name} | {_number(v[0])} | {_span(v[1], v[2])} |" for name, v in self.metrics.items()]
        lines += ["", _LIMITS.render(language), ""]
        return "\n".join([*lines, *(f"- {one.render(language)}" for one in (*LIMITS, *self.notes)), ""])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{low:.4f}, {high:.4f}]"
