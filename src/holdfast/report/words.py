"""Words that several parts of the report share, in every language."""

from __future__ import annotations

from holdfast.core.text import Text

BANDS = {
    "critical": Text("critical", "危急"),
    "high": Text("high", "高"),
    "watch": Text("watch", "关注"),
    "low": Text("low", "低"),
}
STATES = {
    "new": Text("new", "新客"),
    "returned": Text("returned", "回归"),
    "active": Text("active", "活跃"),
    "slowing": Text("slowing", "放缓"),
    "dormant": Text("dormant", "沉睡"),
    "lost": Text("lost", "失联"),
    "none": Text("not yet a customer", "尚非客户"),
}
LANES = {
    "again": Text("buy again", "再次购买"),
    "explore": Text("something to discover", "值得发现"),
    "complement": Text("goes with it", "搭配购买"),
    "new": Text("new in the shop", "新品"),
}
CUSTOMER = Text("Customer", "客户")
CUSTOMERS = Text("Customers", "客户数")
BAND = Text("Risk band", "风险等级")
P_CHURN = Text("Chance of no order", "不下单概率")
VALUE_AT_RISK = Text("Value at risk", "风险价值")
LAST_ORDER = Text("Last order", "上次下单")
LIFECYCLE = Text("Life-cycle", "生命周期")
REASONS = Text("Why", "原因")
INTERVAL_90 = Text("90%: {low} to {high}", "90%区间：{low}至{high}")
AGO = Text("{days} ago", "{days}前")


def band(name: str) -> Text:
    """A band's word, or the name itself where it is not one of ours."""
    return BANDS.get(name) or Text(name, name)


def state(name: str) -> Text:
    """A life-cycle state's word, or the name itself."""
    return STATES.get(name) or Text(name, name)


def lane(name: str) -> Text:
    """A lane in plain words, or the name itself where it is not one of ours."""
    return LANES.get(name) or Text(name, name)


def named(item_id: str, title: str | None) -> str:
    """An item as people know it: its title, and its id so that it can be found.

    >>> named("i1", "green tea"), named("i1", None)
    ('green tea (i1)', 'i1')
    """
    return f"{title} ({item_id})" if title and title != item_id else item_id
