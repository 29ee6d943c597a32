"""How lanes that point from one item to another say so: names of items, and days as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from holdfast.core.clock import Cutoff, zone
from holdfast.core.interactions import Items
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text

_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
#: What the customer did, as a verb; an event type that is not named here is "looked at".
_DONE: Mapping[str, tuple[str, str]] = {
    "purchase": ("bought", "购买"),
    "cart_add": ("put in your cart", "加入购物车"),
    "wishlist": ("wished for", "收藏"),
    "review": ("reviewed", "评价"),
    "share": ("shared", "分享"),
}


@lru_cache(maxsize=4)
def _named(items: Items) -> tuple[list[str | None], list[str]]:
    return items.title.to_pylist(), items.item_id.to_pylist()


def title_of(items: Items, item: int) -> str:
    """The title of an item, or its id where it has none.

    >>> title_of(Items.named(["a1"], title=["green tea"]), 0)
    'green tea'
    """
    titles, ids = _named(items)
    return titles[item] or ids[item]


def day_text(micros: int, cutoff: Cutoff, zone_name: str = "UTC") -> Text:
    """A local day as people say it: the weekday within the last six days, the date before, the year when it is another.

    >>> now = Cutoff.parse("2024-05-10")
    >>> [day_text(now.micros - ago * 86_400_000_000, now).en for ago in (7, 6, 1, 200)]
    ['on 3 May', 'on Saturday', 'on Thursday', 'on 23 October 2023']
    >>> day_text(now.micros - 86_400_000_000, now).zh
    '周四'
    """
    here = zone(zone_name)
    day = datetime.fromtimestamp(micros // 1_000_000, here).date()
    # the cutoff is the first instant that is not known, so the last known day is the one just before it
    today = (cutoff.at - timedelta(microseconds=1)).astimezone(here).date()
    if (today - day).days < 6:
        return Text(f"on {_DAYS_EN[day.weekday()]}", _DAYS_ZH[day.weekday()])
    year_en, year_zh = ("", "") if day.year == today.year else (f" {day.year}", f"{day.year}年")
    return Text(f"on {day.day} {_MONTHS[day.month - 1]}{year_en}", f"{year_zh}{day.month}月{day.day}日")


def done_text(event_type: int) -> Text:
    """What was done, as the verb of a sentence about `you`."""
    return Text(*_DONE.get(EVENT_TYPES[event_type], ("looked at", "浏览")))
