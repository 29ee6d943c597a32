"""What the drift report says."""

from __future__ import annotations

from holdfast.core.text import Text

LEVEL = Text(
    "Refit now: the model said {said} would leave at cutoffs since closed, {happened} did, and the difference has added "
    "up beyond what seasons explain.",
    "请立即重新训练：在已结束的时刻，模型预计{said}流失，实际为{happened}，差异累计已超出季节波动。",
)
INPUTS = Text(
    "Refit now: a classifier tells today's customers from those learnt from (AUC {auc}, usually {usual}); most by {named}.",
    "请立即重新训练：分类器能区分今天的客户与训练时的客户（AUC {auc}，通常为{usual}），主要差别：{named}。",
)
ONE_FEATURE = Text(
    "Refit now, after checking the source: {name} is distributed unlike anything before (PSI {psi}, usually {usual}).",
    "请先检查数据来源，然后立即重新训练：{name}的分布与以往完全不同（PSI {psi}，通常为{usual}）。",
)
STEADY = Text(
    "No refit needed: the present differs from the past no more than slices usually do.",
    "无需重新训练：目前与以往的差异没有超出通常的时刻间波动。",
)
UNTESTED = Text(
    "Too few earlier slices tell what change is usual; only the customary marks (PSI 0.25) were used.",
    "较早的时刻太少，无法得知通常的变化幅度；仅使用了惯用界限（PSI 0.25）。",
)
ASSUMES = Text(
    "Expected without labels: right as long as p_churn is calibrated, that is, as long as customers who look alike still "
    "behave alike. A change of behaviour shows only once outcomes close.",
    "无需结果的预期表现：前提是流失概率仍然准确，即相似的客户仍有相似的行为。行为的改变要等结果出来才能看到。",
)
