"""The words of Holdfast: one concept, one name. `docs/glossary.md` is written from this page."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.text import Language, Text


@dataclass(frozen=True, slots=True)
class Term:
    """One word: what it means, in each language, and the words it replaces."""

    name: str
    meaning: Text
    instead_of: str = ""


TERMS: tuple[Term, ...] = (
    Term(
        "customer_id",
        Text(
            "Who, after identity resolution; raw ids are `source_id`.", "身份合并之后的客户；原始编号是 `source_id`。"
        ),
        "user, client, uid",
    ),
    Term(
        "item_id",
        Text("What is sold, read or taken: goods, courses, articles.", "被购买、阅读或学习的东西：商品、课程、文章。"),
    ),
    Term("order_id", Text("The order that purchase lines belong to.", "购买明细所属的订单。")),
    Term(
        "source_id",
        Text("The customer's id in one source, before resolution.", "身份合并之前，客户在某个来源中的编号。"),
    ),
    Term("occurred_at", Text("When it happened.", "事情发生的时刻。"), "ts, date, created"),
    Term("recorded_at", Text("When the shop's source knew it.", "商家的数据源得知此事的时刻。"), "ts, created"),
    Term(
        "cutoff",
        Text(
            "The instant of knowledge: only what was recorded strictly before it may be used.",
            "知识截止的时刻：只能使用严格早于它被记录的数据。",
        ),
        "as_of",
    ),
    Term("window", Text("The length of time looked back.", "向前回看的时长。"), "lookback"),
    Term("horizon", Text("The length of time looked ahead.", "向后预测的时长。"), "target window"),
    Term("gap", Text("Dead time between cutoff and horizon.", "截止时刻与预测期之间的空档。")),
    Term("outcome", Text("What happened in the horizon.", "预测期内实际发生的结果。"), "target"),
    Term(
        "population",
        Text(
            "Who gets a prediction: by default everybody with an order in the 180 days before the cutoff.",
            "得到预测的人群：默认是截止时刻之前180天内下过单的客户。",
        ),
    ),
    Term("churned", Text("No order in the horizon.", "预测期内没有下单。")),
    Term(
        "p_churn",
        Text(
            "Probability of no order in the horizon, if Holdfast does nothing.",
            "在不采取措施的情况下，预测期内不下单的概率。",
        ),
        "risk",
    ),
    Term(
        "p_alive",
        Text(
            "Probability of still being a customer at all; not the complement of p_churn.",
            "仍然是客户的（潜在）概率；它不是 p_churn 的补数。",
        ),
    ),
    Term("frequency", Text("Repeat orders (Fader & Hardie).", "重复购买次数（Fader & Hardie）。")),
    Term("t_x", Text("Age at the last order, days since the first.", "最后一次下单时的客龄（距首单天数）。")),
    Term("T", Text("Age at the cutoff, days since the first order.", "截止时刻的客龄（距首单天数）。")),
    Term("monetary_value", Text("Mean value of repeat orders.", "重复订单的平均金额。")),
    Term(
        "days_since_last_order",
        Text("Days from the last order to the cutoff.", "最后一次下单到截止时刻的天数。"),
        "recency",
    ),
    Term("duration", Text("Days until the event, or until observation ended.", "到事件发生（或观察结束）的天数。")),
    Term(
        "event_observed",
        Text("False: censored, the event had not happened yet.", "为假表示删失：事件尚未发生。"),
        "status",
    ),
    Term("survival", Text("survival(d) = P(no order within d days).", "survival(d) = d 天内不下单的概率。")),
    Term(
        "value_at_risk",
        Text(
            "max(0, own spend rate x horizon x season - expected revenue), in money.",
            "max(0，自身消费速率×预测期×季节系数 − 预期收入)，以货币计。",
        ),
        "p x CLV",
    ),
    Term(
        "next_order_at",
        Text(
            "First date with P(order by then) >= 0.5; null beyond 180 days.",
            "下单概率首次达到0.5的日期；超过180天为空。",
        ),
    ),
    Term("clv", Text("Discounted expected margin over the stated horizon.", "在给定期限内折现的预期利润。"), "ltv"),
    Term(
        "risk_band",
        Text("low, watch, high or critical, by a cost rule.", "按成本规则划分的风险等级：低、关注、高、危急。"),
    ),
    Term(
        "treatment", Text("What may be done; doing nothing is one.", "可以采取的措施；什么都不做也是一种。"), "action"
    ),
    Term("holdout", Text("Customers never treated, long-lived.", "长期保留、从不干预的对照客户。")),
    Term("uplift", Text("Effect per customer; good is positive.", "每位客户的增量效果；正值为好。"), "lift"),
    Term("signal", Text("A number over time.", "随时间变化的数值。")),
    Term("alert", Text("A raised message.", "已发出的提醒。"), "warning"),
    Term(
        "lane",
        Text(
            "Where a recommendation came from: again, explore, complement, new.",
            "推荐的来源：再次购买、探索、搭配、新品。",
        ),
    ),
    Term("release", Text("An immutable published folder of results.", "不可更改的已发布结果文件夹。")),
    Term("fold", Text("Which cutoffs train, calibrate and test.", "哪些截止时刻用于训练、校准和检验。")),
)


def glossary(language: Language = "en") -> str:
    """The glossary as a Markdown table.

    >>> glossary().splitlines()[2]
    '| word | meaning | not |'
    """
    head = {
        "en": ("# Glossary", "| word | meaning | not |"),
        "zh": ("# 术语表", "| 词 | 含义 | 不用 |"),
    }[language]
    rows = [f"| `{t.name}` | {t.meaning.render(language)} | {t.instead_of} |" for t in TERMS]
    return "\n".join([head[0], "", head[1], "| --- | --- | --- |", *rows, ""])
