"""A rule in words: names of columns and of comparisons, in each language."""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast.core.rules.literals import Value
from holdfast.core.text import Language, Text

AND, OR = Text(", and ", "，且"), Text(", or ", "，或")
NOT = Text("not ({part})", "并非（{part}）")
_WITHIN = Text("{name} in the last {days} days", "最近{days}天的{name}")
_WINDOW = re.compile(r"_(\d+)d$")

#: Names of columns that rules often ask about; any other is called by its own name.
FIELDS: dict[str, Text] = {
    "p_churn": Text("churn probability", "流失概率"),
    "p_alive": Text("probability of being a customer", "仍是客户的概率"),
    "clv": Text("customer value", "客户价值"),
    "value_at_risk": Text("value at risk", "风险价值"),
    "expected_orders": Text("expected orders", "预期订单数"),
    "days_since_last_order": Text("days since the last order", "距上次下单天数"),
    "risk_band": Text("risk band", "风险等级"),
    "lifecycle": Text("life-cycle", "生命周期"),
    "segment": Text("segment", "分群"),
    "interests": Text("interests", "兴趣"),
    "rfm_cell": Text("RFM cell", "RFM 格"),
    "value_tier": Text("value tier", "价值层级"),
    "aipl": Text("AIPL stage", "AIPL 阶段"),
    "order_count": Text("orders", "订单数"),
    "revenue": Text("spend", "消费额"),
    "frequency": Text("repeat orders", "重复购买次数"),
    "monetary_value": Text("mean repeat order value", "重复订单均值"),
    "discount_share": Text("share of spend off by discount", "优惠占比"),
    "channel": Text("channel", "渠道"),
    "hour": Text("usual hour", "常用时段"),
    "weekday": Text("usual weekday", "常用星期"),
    "usual_gap_days": Text("usual gap in days", "平常间隔天数"),
    "price_sensitivity": Text("price sensitivity", "价格敏感度"),
    "ticket_count": Text("tickets", "工单数"),
    "visit_count": Text("visits", "访问次数"),
    "view_count": Text("views", "浏览次数"),
}

_WORDS: dict[str, Text] = {
    "==": Text("{name} {value}", "{name}为{value}"),
    "!=": Text("{name} other than {value}", "{name}不为{value}"),
    "<": Text("{name} below {value}", "{name}低于{value}"),
    "<=": Text("{name} at most {value}", "{name}至多{value}"),
    ">": Text("{name} above {value}", "{name}高于{value}"),
    ">=": Text("{name} at least {value}", "{name}至少{value}"),
    "contains": Text("{value} among {name}", "{name}包含{value}"),
    "in": Text("{name} one of {value}", "{name}为{value}之一"),
    "not in": Text("{name} none of {value}", "{name}不属于{value}"),
    "between": Text("{name} between {low} and {high}", "{name}在{low}到{high}之间"),
    "is known": Text("{name} known", "{name}已知"),
    "is unknown": Text("{name} not known", "{name}未知"),
}


def comparison(
    field: str, op: str, values: tuple[Value, ...], language: Language, names: Mapping[str, Text] | None = None
) -> str:
    """One comparison in words.

    >>> comparison("order_count_90d", ">=", (2,), "zh")
    '最近90天的订单数至少2'
    """
    said = [_value(one, language) for one in values]
    ends = {"low": said[0], "high": said[-1]} if said else {}
    joined = (", " if language == "en" else "、").join(said)
    return _WORDS[op].render(language, name=name_of(field, language, names), value=joined, **ends)


def name_of(field: str, language: Language, names: Mapping[str, Text] | None = None) -> str:
    """A column's name in words; a window is told as one.

    >>> name_of("order_count_90d", "en"), name_of("Tenure", "en")
    ('orders in the last 90 days', 'Tenure')
    """
    known = {**FIELDS, **(names or {})}
    if field in known:
        return known[field].render(language)
    window = _WINDOW.search(field)
    base = field[: window.start()] if window else field
    name = known[base].render(language) if base in known else base.replace("_", " ")
    return _WITHIN.render(language, name=name, days=window[1]) if window else name


def _value(value: Value, language: Language) -> str:
    if isinstance(value, bool):
        return Text("yes", "是").render(language) if value else Text("no", "否").render(language)
    return f"{value:g}" if isinstance(value, float) else str(value)
