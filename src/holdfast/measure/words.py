"""What this room says, in both languages: why a number is missing, and what the numbers are called."""

from __future__ import annotations

from holdfast.core.text import Text

FEW_CUSTOMERS = Text(
    "the smaller arm is worth {n} customers with a closed follow-up; under {least} nothing can be said",
    "较小的一组只相当于{n}位跟踪期已结束的客户；少于{least}位无法下结论",
)
FEW_CONVERSIONS = Text(
    "only {n} customers ordered in both arms together, {fewer} in the arm with fewer; under {least} and {third} the interval would not hold",
    "两组合计只有{n}位客户下单，较少的一组{fewer}位；少于{least}位和{third}位时区间不可靠",
)
NO_CHANCES = Text(
    "nobody logged the chances of the arms, so the groups may differ in more than the treatment",
    "没有记录各组的分配概率，组间差异可能不只来自措施",
)
NO_OVERLAP = Text(
    "no customer could have drawn both arms, so they cannot be compared", "没有客户可能被分到任一组，无法比较"
)
NOT_CLOSED = Text(
    "no follow-up of {length} has closed yet; the first closes on {day}", "尚无{length}的跟踪期结束；最早于{day}结束"
)
NO_ORDERS = Text("an arm has no order at all, so nothing per order can be said", "有一组没有任何订单，无法计算每单数值")
NO_COST = Text("nothing was spent, so there is no return on it", "没有支出，谈不上投资回报")
NO_CONTROL = Text(
    "nobody was assigned to do nothing, so there is nothing to compare with", "没有“不采取措施”的对照组，无从比较"
)

ESTIMANDS = {
    "retention": Text("customers who ordered again", "再次下单的客户比例"),
    "orders": Text("orders per customer", "每位客户的订单数"),
    "revenue": Text("revenue per customer", "每位客户的收入"),
    "margin": Text("margin per customer", "每位客户的毛利"),
    "revenue_per_order": Text("revenue per order", "每单收入"),
    "unsubscribed": Text("customers who unsubscribed", "退订客户比例"),
    "complaints": Text("complaints per customer", "每位客户的投诉数"),
    "returns": Text("lines sent back per customer", "每位客户的退货行数"),
}
PROFIT = Text("margin gained less cost", "增量毛利减成本")
ROI = Text("return on cost", "投资回报率")
