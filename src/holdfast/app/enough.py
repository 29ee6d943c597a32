"""Is there enough history? What each kind of forecast needs, and what this shop has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from holdfast.core.text import Language, Text

#: Days of behaviour before the oldest training cutoff, so that its features are not all "new customer".
WARM_UP_DAYS = 60


@dataclass(frozen=True)
class History:
    """What a shop has: days of data, customers, customers with a second order day, randomised exposures."""

    days: int
    customers: int
    repeaters: int
    exposures: int


@dataclass(frozen=True)
class Need:
    """One kind of forecast: whether the history is enough for it, and the sentence that says why."""

    forecast: Text
    needs: Text
    met: Callable[[History], bool]


def _churn(days: int) -> Need:
    wanted = WARM_UP_DAYS + 3 * days
    return Need(
        Text(f"who will not order within {days} days", f"谁在{days}天内不会下单"),
        Text(
            f"{wanted} days of orders (warm-up, one slice to learn, one to calibrate, one to test), 200 customers",
            f"{wanted}天的订单（预热、学习、校准、检验各一段），200位客户",
        ),
        lambda have: have.days >= wanted and have.customers >= 200,
    )


NEEDS: tuple[Need, ...] = (
    _churn(30),
    _churn(60),
    _churn(90),
    _churn(180),
    Need(
        Text("a model of purchase rhythm (buy till you die)", "购买节奏模型（BTYD）"),
        Text("50 customers with a second order day", "50位有第二个下单日的客户"),
        lambda have: have.repeaters >= 50,
    ),
    Need(
        Text("seasons", "季节"),
        Text("two years of orders", "两年的订单"),
        lambda have: have.days >= 730,
    ),
    Need(
        Text("what an offer changes (uplift)", "优惠带来的改变（增量效果）"),
        Text("1,000 customers whose treatment was drawn at random", "1,000位随机分配措施的客户"),
        lambda have: have.exposures >= 1000,
    ),
)


_HAS = Text(
    "{days:,} days, {customers:,} customers, {repeaters:,} with a second order day, {exposures:,} exposures",
    "{days:,}天，{customers:,}位客户，其中{repeaters:,}位有第二个下单日，{exposures:,}次曝光",
)


def enough(have: History, language: Language = "en") -> list[dict[str, Any]]:
    """Every kind of forecast with what it needs, what there is, and whether that is enough.

    >>> [row["enough"] for row in enough(History(days=400, customers=4000, repeaters=2000, exposures=0))][:4]
    [True, True, True, False]
    """
    has = _HAS.render(language, **asdict(have))
    return [
        {
            "forecast": need.forecast.render(language),
            "needs": need.needs.render(language),
            "has": has,
            "enough": need.met(have),
        }
        for need in NEEDS
    ]
