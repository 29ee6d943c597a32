"""What the model is and does, told to the shop that uses it and to the customer whom it is about.

Both are functions of facts that a release holds anyway, return plain data with a `markdown` beside it, and say what the
forecast must not be used for. Nothing here computes a forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.models.card import Card
from holdfast.models.counterfactual import CAUTION

#: Families of features in words.
FAMILIES = {
    "cadence": Text("rhythm: gaps between orders and days since the last one", "节奏：下单间隔与距上次下单的天数"),
    "frequency": Text("how often and how much was ordered", "下单次数与数量"),
    "money": Text("spending over time, discounts and refunds", "消费金额、折扣与退款"),
    "basket": Text("what one order is worth and holds", "每单的金额与内容"),
    "variety": Text("how many different things were bought", "购买商品的多样性"),
    "mix": Text("when and where: evenings, weekends, channels", "时间与渠道：晚间、周末、各渠道"),
    "service": Text("reviews, tickets, messages and deliveries", "评价、工单、消息与配送"),
    "engagement": Text("visits, views and searches", "访问、浏览与搜索"),
    "first_order": Text("how it began: the first order", "首单情况"),
    "season": Text("time of the year", "所处季节"),
    "own": Text("the shop's own numbers", "商家自有数据"),
    "btyd": Text("what a model of the purchase rhythm says", "购买节奏模型的结果"),
    "sequence": Text("what a model of the event sequence says", "事件序列模型的结果"),
}
MUST_NOT = (
    Text(
        "It must not decide about credit, prices for one person, work, insurance or access to anything people need.",
        "不得用于授信、针对个人的定价、雇佣、保险，或决定个人能否获得必需的服务。",
    ),
    Text(
        "It must not be read as a cause: that a customer is likely to leave does not say that a message would keep them.",
        "不得当作因果：客户可能流失，并不说明一条消息就能挽留。",
    ),
    Text(
        "It must not replace a person where a customer objects: leave out whoever does not want to be forecast.",
        "客户提出异议时不得以模型代替人工：不愿被预测的人应予排除。",
    ),
    Text(
        "It holds for the shop and the period it learnt from: check the backtest again after every large change.",
        "仅适用于其训练所用的店铺与时期：发生重大变化后应重新检验。",
    ),
)
_SHOP = {
    "title": Text("# How the forecast is made: {model}", "# 预测如何产生：{model}"),
    "data": Text("## What data", "## 使用哪些数据"),
    "used": Text(
        "The shop's own events before the cutoff, turned into {columns} numbers for each customer; no data from elsewhere. "
        "Learnt from {rows} rows of {customers} customers at {slices} earlier dates, {first} to {last}.",
        "仅使用截止时刻之前本店自己的事件，每位客户转为{columns}个数值，不含外部数据。训练数据为{slices}个较早时刻"
        "（{first}至{last}）、{customers}位客户、共{rows}行。",
    ),
    "protected": Text(
        "Not used: {names}. They are declared as protected and never become features. Other features can still go together "
        "with them; the scores by group, where the shop knows the groups, are in the backtest.",
        "未使用：{names}。它们被声明为受保护属性，从不作为特征。其他特征仍可能与之相关；若店铺掌握分组信息，各组结果见回测。",
    ),
    "no_protected": Text(
        "No protected attribute was declared. Name, age, sex, address and the like are not among the features; declare any "
        "others that must not be used.",
        "未声明受保护属性。姓名、年龄、性别、地址等不在特征之中；如有其他不得使用的属性，请予声明。",
    ),
    "matters": Text("## What matters", "## 哪些信息重要"),
    "share": Text("- {share}: {family}", "- {share}：{family}"),
    "good": Text("## How good it was", "## 准确度如何"),
    "at": Text("At {cutoff}, on customers whose next {horizon} it had not seen:", "在{cutoff}，针对其未见过的随后{horizon}："),
    "untested": Text("It has not been tested yet.", "尚未检验。"),
    "value": Text(
        "Customer value: {model}, over {horizon}. At {cutoff} it said {said} and {spent} was spent.",
        "客户价值：{model}，期限{horizon}。在{cutoff}预测{said}，实际{spent}。",
    ),
    "not": Text("## What it must not be used for", "## 不得用于"),
    "limits": Text("## Known limits", "## 已知局限"),
}  # fmt: skip
_CUSTOMER = {
    "title": Text("# What we forecast about you", "# 关于您的预测"),
    "what": Text(
        "From your orders and visits before {cutoff} we estimate how likely it is that you will not order within {horizon}: "
        "{p} (between {low} and {high}). It is an estimate by a computer program, and it can be wrong.",
        "我们根据您在{cutoff}之前的订单与访问，估计您在{horizon}内不再下单的可能性为{p}（介于{low}与{high}之间）。"
        "这是由计算机程序作出的估计，可能出错。",
    ),
    "why": Text("## The main reasons", "## 主要原因"),
    "no_reason": Text("Nothing about your orders stands out.", "您的订单没有特别之处。"),
    "change": Text("## What would change it", "## 什么会改变这一估计"),
    "no_change": Text("We know of nothing simple that would change it much.", "没有发现能明显改变它的简单因素。"),
    "used": Text("## What it is used for", "## 用途"),
    "use": Text(
        "It is meant for deciding whom to write to and whether to make an offer, and must not be used for prices, for credit "
        "or for refusing anything.",
        "它仅用于决定是否联系您或提供优惠，不得用于定价、授信或拒绝服务。",
    ),
    "from": Text("It was made from: {names}.", "依据的信息：{names}。"),
    "not_from": Text("Not used: {names}.", "未使用：{names}。"),
    "object": Text("## How to object", "## 如何提出异议"),
    "how": Text(
        "You may see the data behind this, have it corrected or erased, and object to being forecast at all; a person will "
        "answer. Write to {contact}. You need give no reason, and it costs nothing.",
        "您可以查看所依据的数据，要求更正或删除，也可以拒绝被预测；会有专人答复。请联系{contact}。无需说明理由，也不收取费用。",
    ),
    "contact": Text("the shop", "本店"),
}  # fmt: skip
#: Metrics told to the shop, with what they mean.
_METRICS = {
    "auc": Text(
        "chance that of two customers the one who leaves is ranked higher: {value}",
        "随机取一位流失与一位未流失客户，前者排序更靠前的概率：{value}",
    ),
    "ece": Text(
        "forecast and actual rates differ by {value} on average over ten groups",
        "十组客户的预测比例与实际比例平均相差{value}",
    ),
    "lift_at_10pct": Text(
        "the riskiest tenth holds {value} times as many who leave as a random tenth",
        "风险最高的十分之一客户中，流失者是随机情形的{value}倍",
    ),
}


def shop_report(
    card: Card, families: Mapping[str, float], *, protected: Sequence[str] = (), value: Mapping[str, Any] | None = None,
    language: Language = "en",
) -> dict[str, Any]:  # fmt: skip
    """What data, which model, what matters, how good, and what it must not be used for.

    `families` is the share of each family (`surrogate.family_weights`), `value` is `ValueStudy.as_dict()`.
    Returns {model, families, protected, must_not, limits, metrics, markdown}.
    """
    say = _speaker(_SHOP, language)
    told = {name: family_name(name, language) for name in families}
    facts = card.as_dict(language)
    lines = [say("title", model=card.model), "", say("data"), say(
        "used", columns=len(card.columns), rows=f"{card.rows:,}", customers=f"{card.customers:,}", slices=card.slices,
        first=card.first_cutoff, last=card.last_cutoff,
    ), say("protected", names=", ".join(protected)) if protected else say("no_protected")]  # fmt: skip
    if families:
        lines += ["", say("matters")]
        lines += [
            say("share", share=f"{share:.0%}", family=told[name]) for name, share in families.items() if share >= 0.005
        ]
    lines += ["", say("good"), *_quality(card, value, language)]
    lines += ["", say("not"), *(f"- {one.render(language)}" for one in MUST_NOT)]
    lines += ["", say("limits"), *(f"- {one}" for one in facts["limits"]), ""]
    return {
        "model": card.model, "families": dict(families), "protected": list(protected),
        "must_not": [one.render(language) for one in MUST_NOT], "limits": facts["limits"], "metrics": facts["metrics"],
        "markdown": "\n".join(lines),
    }  # fmt: skip


def _quality(card: Card, value: Mapping[str, Any] | None, language: Language) -> list[str]:
    say = _speaker(_SHOP, language)
    known = {name: card.metrics[name][0] for name in _METRICS if name in card.metrics}
    lines = [say("at", cutoff=card.tested_at, horizon=card.horizon)] if known and card.tested_at else [say("untested")]
    for name, number in known.items():
        if number is not None:
            shown = f"{number:.1%}" if name == "ece" else f"{number:.2f}"
            lines.append(f"- {_METRICS[name].render(language, value=shown)}")
    if value and value.get("cutoffs"):
        last = value["cutoffs"][-1]
        lines.append("- " + say(
            "value", model=last["model"], horizon=value["learnt_horizon"], cutoff=str(last["cutoff"])[:10],
            said=f"{last['said']:,.0f}", spent=f"{last['spent']:,.0f}",
        ))  # fmt: skip
    return lines


def customer_report(
    p_churn: float, low: float, high: float, *, cutoff: str, horizon: str, reasons: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]] = (), families: Sequence[str] = (), protected: Sequence[str] = (),
    contact: str = "", language: Language = "en",
) -> dict[str, Any]:  # fmt: skip
    """In plain words: what was forecast, why, what would change it, what it is used for, and how to object.

    `reasons` as from `models.reasons`, `changes` as from `models.counterfactual`, `families` of the model's features,
    `protected` what was declared as never used. Returns {p_churn, reasons, changes,
    markdown}; no customer id, so that it can be shown to the customer and to nobody else.
    """
    say = _speaker(_CUSTOMER, language)
    why = [str(one["text"]) for one in reasons]
    what_if = [str(one["text"]) for one in changes]
    comma = "、" if language == "zh" else "; "
    made_from = comma.join(family_name(one, language) for one in families)
    lines = [
        say("title"), "",
        say("what", cutoff=cutoff, horizon=horizon, p=f"{p_churn:.0%}", low=f"{low:.0%}", high=f"{high:.0%}"), "",
        say("why"), *(f"- {one}" for one in why or [say("no_reason")]), "",
        say("change"), *(f"- {one}" for one in what_if or [say("no_change")]),
        *([CAUTION.render(language)] if what_if else []), "",
        say("used"), say("use"), *([say("from", names=made_from)] if families else []),
        *([say("not_from", names=comma.join(protected))] if protected else []), "",
        say("object"), say("how", contact=contact or say("contact")), "",
    ]  # fmt: skip
    return {
        "p_churn": p_churn,
        "low": low,
        "high": high,
        "reasons": why,
        "changes": what_if,
        "markdown": "\n".join(lines),
    }


def family_name(name: str, language: Language = "en") -> str:
    """A family of features in words.

    >>> family_name("season"), family_name("shoe_size")
    ('time of the year', 'shoe size')
    """
    return FAMILIES[name].render(language) if name in FAMILIES else name.replace("_", " ")


def _speaker(words: Mapping[str, Text], language: Language) -> Any:
    return lambda key, **values: words[key].render(language, **values)
