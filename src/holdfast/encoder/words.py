"""How events are called in sentences, in both languages."""

from __future__ import annotations

from datetime import date

from holdfast.core.text import Language, Text

#: Event type -> one of it, several of it.
EVENT_WORDS: dict[str, tuple[Text, Text]] = {
    name: (Text(one, f"1次{zh}"), Text(f"{{count}} {many}", f"{{count}}次{zh}"))
    for name, one, many, zh in (
        ("visit", "1 visit", "visits", "到访"),
        ("view", "1 page view", "page views", "浏览"),
        ("list_view", "1 look at a list", "looks at lists", "列表浏览"),
        ("search", "1 search", "searches", "搜索"),
        ("cart_add", "1 item put into the cart", "items put into the cart", "加购"),
        ("cart_remove", "1 item taken out of the cart", "items taken out of the cart", "移出购物车"),
        ("wishlist", "1 wish", "wishes", "收藏"),
        ("checkout", "1 checkout begun", "checkouts begun", "结算"),
        ("purchase", "1 order", "orders", "下单"),
        ("refund", "1 refund", "refunds", "退款"),
        ("cancel", "1 cancellation", "cancellations", "取消"),
        ("coupon", "1 coupon", "coupons", "领券"),
        ("review", "1 review", "reviews", "评价"),
        ("message", "1 message from the shop", "messages from the shop", "店铺消息"),
        ("message_open", "1 opened message", "opened messages", "打开消息"),
        ("unsubscribe", "1 unsubscription", "unsubscriptions", "退订"),
        ("ticket", "1 complaint or question", "complaints or questions", "咨询投诉"),
        ("delivery", "1 delivery", "deliveries", "送达"),
        ("delivery_failed", "1 failed delivery", "failed deliveries", "配送失败"),
        ("share", "1 share", "shares", "分享"),
        ("exposure", "1 offer shown", "offers shown", "曝光"),
        ("click", "1 click", "clicks", "点击"),
        ("dismiss", "1 item turned down", "items turned down", "表示不感兴趣"),
    )
}
SILENT_WEEKS = (
    Text("no event for less than a week, since {day}", "自{day}以来不到一周没有动静"),
    Text("the silent week since {day}", "自{day}以来沉默了一周"),
    Text("the {count} silent weeks since {day}", "自{day}以来沉默了{count}周"),
)
NEVER = Text("no event at all", "没有任何行为")
HISTORY = Text("{count} events in {days} days as a customer", "成为顾客{days}天以来共{count}次行为")
IN_WEEK = Text("{what} in the week of {day}", "{day}当周的{what}")
ABOUT = Text("{count} events about {name}", "{count}次与“{name}”有关的行为")
ABOUT_ONE = Text("1 event about {name}", "1次与“{name}”有关的行为")


def events_text(kind: str, count: int) -> Text:
    """So many events of a type.

    >>> events_text("purchase", 2).en, events_text("purchase", 1).zh
    ('2 orders', '1次下单')
    """
    one, many = EVENT_WORDS.get(kind, (Text("1 event", "1次行为"), Text("{count} events", "{count}次行为")))
    told = one if count == 1 else many
    return Text(told.render("en", count=count), told.render("zh", count=count))


def day_text(day: date, language: Language) -> str:
    """A day as people write it.

    >>> day_text(date(2024, 3, 3), "en"), day_text(date(2024, 3, 3), "zh")
    ('3 March 2024', '2024年3月3日')
    """
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    names = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    )  # fmt: skip
    return f"{day.day} {names[day.month - 1]} {day.year}"


_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def silence_text(weeks: int, since: date) -> Text:
    """How long nothing has been heard.

    >>> silence_text(3, date(2024, 3, 3)).en
    'the three silent weeks since 3 March 2024'
    """
    told = SILENT_WEEKS[min(weeks, 2)]
    word = _SMALL[weeks] if weeks < len(_SMALL) else str(weeks)
    return Text(
        told.render("en", count=word, day=day_text(since, "en")),
        told.render("zh", count=weeks, day=day_text(since, "zh")),
    )
