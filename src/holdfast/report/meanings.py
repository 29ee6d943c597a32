"""What each number of the report means: the words of `core.terms` that the page uses, and its metrics."""

from __future__ import annotations

from holdfast.core.terms import TERMS
from holdfast.core.text import Text

_SHOWN = (
    "population", "cutoff", "horizon", "gap", "churned", "p_churn", "value_at_risk", "risk_band",
    "days_since_last_order", "survival", "holdout", "fold", "release",
)  # fmt: skip
#: Metrics of a forecast; the ids are those of `backtest.json`.
METRICS: dict[str, Text] = {
    "auc": Text(
        "Of all pairs of one customer who left and one who ordered, the share in which the leaver was given the higher "
        "chance; 0.5 is a coin.",
        "在一位流失客户与一位下单客户组成的所有配对中，流失者得到更高概率的比例；0.5等于抛硬币。",
    ),
    "average_precision": Text(
        "Mean share of leavers among the first k of the list, over every place k at which a leaver stands.",
        "名单前k位中流失客户的比例，对每个流失客户所在位置k取平均。",
    ),
    "log_loss": Text(
        "Mean surprise at what happened, -log of the chance given to it; less is better, a wrong certainty costs most.",
        "对实际结果的平均“意外程度”（所给概率的负对数）；越低越好，错误的断言代价最高。",
    ),
    "brier": Text(
        "Mean squared distance between the chance given and what happened (0 or 1); less is better.",
        "所给概率与实际结果（0或1）之差的平方的平均；越低越好。",
    ),
    "ece": Text(
        "Mean distance between said and happened over groups of equal size; less is better.",
        "按等分组比较预测与实际，其差距的平均；越低越好。",
    ),
    "accuracy": Text("Share of customers called rightly at the threshold.", "在给定阈值下判断正确的客户比例。"),
    "precision": Text("Share of leavers among those called leavers.", "被判为流失者中真正流失的比例。"),
    "recall": Text("Share of the leavers that were called leavers.", "真正流失者中被判出的比例。"),
    "f1": Text("Harmonic mean of precision and recall.", "精确率与召回率的调和平均。"),
    "lift": Text(
        "Share of leavers among the riskiest k% over their share among everybody; 1 is a random list.",
        "风险最高的k%中流失者的比例，除以全体的流失比例；1等于随机名单。",
    ),
    "spread": Text(
        "Standard deviation over the test cutoffs: how much one period differs from the next.",
        "各检验时刻之间的标准差：时段之间的差异有多大。",
    ),
}
MEANINGS: dict[str, Text] = {**{t.name: t.meaning for t in TERMS if t.name in _SHOWN}, **METRICS}


def defined(word: str) -> str | None:
    """The word under which a metric or term is defined: `lift_at_10pct` under lift, `recall_at_10pct` under recall.

    >>> defined("lift_at_10pct"), defined("p_churn"), defined("nothing")
    ('lift', 'p_churn', None)
    """
    stem = word.split("_at_")[0]
    return word if word in MEANINGS else stem if stem in MEANINGS else None
