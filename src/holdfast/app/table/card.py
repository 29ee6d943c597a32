"""The card of a table's model: what it says, what it learnt from, how it was checked, and where not to trust it."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Any

from holdfast.app.table.folds import FOLDS
from holdfast.app.table.study import TableStudy
from holdfast.core.text import Language, Text
from holdfast.models.card import CALIBRATION_WORDS

_ASKS = Text(
    "It gives the probability that {label} is {positive}{rest}.",
    "它给出“{label}”为“{positive}”的概率{rest}。",
)
_REST = Text(" rather than {others}", "（而非{others}）")
_LEARNT = Text(
    "Learnt from {rows} labelled rows, {rate} of them positive.", "训练数据：{rows}个有标签的行，其中{rate}为正例。"
)
_CHECKED = Text(
    "Checked on rows the model had not seen: {folds} parts, each predicted from the others, {repeats} times; each part "
    "holds its share of both kinds.",
    "用模型未见过的行检验：分为{folds}份，每份由其余各份预测，重复{repeats}次；每份两类比例一致。",
)
_FORWARD = Text(
    "Checked forward in time: newer rows predicted from older ones only, in {parts} steps.",
    "按时间向前检验：只用较早的行预测较新的行，共{parts}步。",
)
_CORRECTION = Text("Correction of the probability: {kind}.", "概率校正：{kind}。")
_PROTECTED = Text("Never features, by wish: {columns}.", "按要求从不作为特征：{columns}。")
LIMITS = (
    Text(
        "A table says nothing about when each column was known. A column filled in after the outcome makes a forecast "
        "look good and useless.",
        "表格不说明每一列是何时知道的。结果发生之后才填写的列会使预测看似很好、实则无用。",
    ),
    Text(
        "The intervals hold for rows drawn from where these came from. Next year's may differ; without a time column "
        "nothing here was checked forward in time.",
        "区间只适用于与这些行来源相同的行。明年的情况可能不同；没有时间列时，本报告未按时间向前检验。",
    ),
    Text(
        "It says who is at risk, not whom an offer, a tutor or a call would help: that needs an experiment.",
        "它说明谁有风险，而不是谁会因优惠、辅导或电话而改变：后者需要实验。",
    ),
)


def card(study: TableStudy, language: Language) -> dict[str, Any]:
    """Facts and sentences about the published model."""
    table, model = study.table, study.models[study.verdict.chosen]
    others = ("、" if language == "zh" else " or ").join(table.label.others)
    word = CALIBRATION_WORDS[study.chosen.correction].render(language)
    checked = (
        _FORWARD.render(language, parts=int(study.fold.max()) + 1)
        if table.micros is not None
        else _CHECKED.render(language, folds=FOLDS, repeats=study.repeats)
    )
    sentences = [
        _ASKS.render(
            language, label=table.label.column, positive=table.label.positive,
            rest=_REST.render(language, others=others),
        ),
        _LEARNT.render(language, rows=f"{len(table.labelled):,}", rate=f"{table.label.rate:.1%}"),
        checked,
        _CORRECTION.render(language, kind=word),
    ]  # fmt: skip
    if table.protected:
        sentences.append(_PROTECTED.render(language, columns=", ".join(one.name for one in table.protected)))
    return {
        "model": study.verdict.chosen, "model_id": study.fitted.model_id,
        "parameters": asdict(model) if is_dataclass(model) and not isinstance(model, type) else {},
        "sentences": sentences, "checked": checked, "limits": [one.render(language) for one in LIMITS],
    }  # fmt: skip
