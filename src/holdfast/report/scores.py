"""Reading a backtest's rows: one number of one model at one cutoff, or over all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.core.text import Text
from holdfast.report.voice import Voice

Row = Mapping[str, Any]
#: Models that any shop could have without learning anything: what a forecast has to beat.
BASELINES = ("base_rate", "own_gap", "recency", "rfm_logistic")
#: Metrics of which less is better.
LESS = frozenset({"log_loss", "brier", "ece"})
_TEST = re.compile(r"\btest (\d{4}-\d{2}-\d{2})$")
_PAIRED = re.compile(r"\bpaired gain over (\w+)")
MODELS = {
    "base_rate": Text("base rate", "平均流失率"),
    "own_gap": Text("silent longer than usual", "沉默超过平常间隔"),
    "recency": Text("days since last order", "距上次下单天数"),
    "rfm_logistic": Text("RFM logistic", "RFM 逻辑回归"),
    "logistic": Text("logistic regression", "逻辑回归"),
    "lightgbm": Text("LightGBM", "LightGBM"),
    "linear_svm": Text("linear SVM", "线性 SVM"),
    "decision_tree": Text("decision tree", "决策树"),
    "random_forest": Text("random forest", "随机森林"),
    "mlp": Text("neural network", "神经网络"),
    "hazard": Text("hazard by trees", "树模型风险率"),
    "small_shop": Text("small-shop prior", "小店先验模型"),
    "sequence": Text("event sequences", "事件序列模型"),
    "ensemble": Text("ensemble", "集成"),
    "stacked": Text("stacked ensemble", "堆叠集成"),
    "btyd": Text("purchase process", "购买过程模型"),
    "nbd": Text("NBD", "NBD"),
    "bg_nbd": Text("BG/NBD", "BG/NBD"),
    "mbg_nbd": Text("MBG/NBD", "MBG/NBD"),
    "pareto_nbd": Text("Pareto/NBD", "Pareto/NBD"),
    "cnbd_k": Text("CNBD-k", "CNBD-k"),
    "bg_cnbd_k": Text("BG/CNBD-k", "BG/CNBD-k"),
    "mbg_cnbd_k": Text("MBG/CNBD-k", "MBG/CNBD-k"),
    "carry_forward": Text("carry forward", "沿用过去"),
    "two_part_lognormal": Text("two-part, log-normal", "两部分模型（对数正态）"),
    "two_part_gamma": Text("two-part, gamma", "两部分模型（伽马）"),
    "tweedie": Text("Tweedie trees", "Tweedie 树"),
    "ziln": Text("zero-inflated log-normal", "零膨胀对数正态"),
    "value_mean": Text("mean of value models", "价值模型平均"),
    "btyd_gamma_gamma": Text("purchase process × Gamma-Gamma", "购买过程 × Gamma-Gamma"),
}
_BEATS = Text(
    "Published: {model}. It beats {over} by {gain} AUC (95%: {low} to {high}), over {n}.",
    "发布的模型是{model}：AUC 比{over}高{gain}（95%区间：{low}至{high}），基于{n}。",
)
_NO_BETTER = Text(
    "Published: {model}. It is not surely better than {over}: {gain} AUC (95%: {low} to {high}), over {n}.",
    "发布的模型是{model}，但不能肯定它优于{over}：AUC 差{gain}（95%区间：{low}至{high}），基于{n}。",
)
_SIMPLE = Text(
    "Published: {model}, because no other model was surely better at earlier cutoffs.",
    "发布的模型是{model}，因为在较早的时刻没有其他模型明显优于它。",
)
_CUTOFFS = Text("{n} test cutoffs", "{n}个检验时刻")


@dataclass(frozen=True)
class Scores:
    """The rows of `backtest.json` by what they are about."""

    models: tuple[str, ...]
    chosen: str
    cutoffs: tuple[str, ...]
    rows: Mapping[tuple[str, str, str], Row]

    @classmethod
    def read(cls, backtest: Mapping[str, Any]) -> Scores:
        """Index the rows by (kind, model, metric); kind is an ISO day, mean, worst, spread or `over MODEL`."""
        rows = {(kind_of(r["protocol"]), r["model"], r["metric"]): r for r in backtest.get("scores") or []}
        days = sorted({kind for kind, _, _ in rows if kind[:1].isdigit()})
        models = backtest.get("models") or list(dict.fromkeys(model for _, model, _ in rows))
        chosen = str(backtest.get("chosen") or (models[-1] if models else ""))
        return cls(tuple(models), chosen, tuple(days), rows)

    def row(self, model: str, metric: str, kind: str | None = None) -> Row | None:
        """One row: by default at the newest test cutoff."""
        return self.rows.get((kind or (self.cutoffs[-1] if self.cutoffs else "mean"), model, metric))

    def value(self, model: str, metric: str, kind: str | None = None) -> float | None:
        found = self.row(model, metric, kind)
        return None if found is None or found["value"] is None else float(found["value"])

    def best_baseline(self, metric: str = "auc") -> str | None:
        """The baseline that is hardest to beat, by the mean over the test cutoffs."""
        known = [(m, v) for m in self.models if m in BASELINES and m != self.chosen
                 and (v := self.value(m, metric, "mean")) is not None]  # fmt: skip
        sign = -1 if metric in LESS else 1
        return max(known, key=lambda pair: sign * pair[1])[0] if known else None

    def verdict(self, voice: Voice) -> str:
        """Does the published model beat the best baseline, over all test cutoffs? Empty where there was only one model."""
        over = self.best_baseline()
        row = self.row(self.chosen, "auc", f"over {over}") if over else None
        if over is None or row is None or row.get("low") is None:
            return voice.say(_SIMPLE, model=model_name(self.chosen, voice)) if len(self.models) > 1 else ""
        return voice.say(
            _BEATS if row["low"] > 0 else _NO_BETTER,
            model=model_name(self.chosen, voice),
            over=model_name(over, voice),
            gain=voice.number(row["value"], 3),
            low=voice.number(row["low"], 3),
            high=voice.number(row["high"], 3),
            n=voice.say(_CUTOFFS, n=len(self.cutoffs)),
        )


def kind_of(protocol: str) -> str:
    """What a row's protocol is about.

    >>> kind_of("churned, 30d, test 2011-11-09"), kind_of("churned, 30d, paired gain over recency, mean of 5 test cutoffs")
    ('2011-11-09', 'over recency')
    """
    if paired := _PAIRED.search(protocol):
        return f"over {paired[1]}"
    if test := _TEST.search(protocol):
        return test[1]
    return next((kind for word, kind in _KINDS if word in protocol), protocol)


_KINDS = (("mean of", "mean"), ("worst of", "worst"), ("standard deviation", "spread"))


def model_name(model: str, voice: Voice) -> str:
    """A model's id in words."""
    return voice.say(MODELS[model]) if model in MODELS else model
