"""Why: the one or two things of a customer's own past that carry most of a score, by name and day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text

Ints = NDArray[np.int64]
#: (own items, their part of the score) of a customer for an item.
Parts = Callable[[int, int], tuple[Ints, NDArray[np.floating]]]
#: A second thing is named where it carries at least this share of what the first carries.
SECOND = 0.5
_DONE = {
    "purchase": ("bought", "购买"), "cart_add": ("put in your cart", "加入购物车"), "wishlist": ("wished for", "收藏"),
    "view": ("looked at", "浏览"), "click": ("looked at", "浏览"), "review": ("reviewed", "评价"),
}  # fmt: skip
_OTHER = ("came across", "接触")
NOTHING = Text("nothing you did so far speaks for it", "目前没有任何行为支持这件商品")


def reasons(past: Interactions, items: Items, customer: Sequence[int], item: Sequence[int], parts: Parts) -> list[Text]:
    """One sentence for each (customer, item); `past` is over `items`."""
    return [
        _reason(past, items, int(who), *parts(int(who), int(what))) for who, what in zip(customer, item, strict=True)
    ]


def _reason(past: Interactions, items: Items, customer: int, own: Ints, part: NDArray[np.floating]) -> Text:
    order = [int(place) for place in np.argsort(-part, kind="stable")[:2] if part[place] > 0]
    if not order:
        return NOTHING
    if len(order) == 2 and part[order[1]] < SECOND * part[order[0]]:
        order = order[:1]
    told = [_told(past, items, customer, int(own[place])) for place in order]
    english, chinese = " and ".join(one.en for one in told), "和".join(one.zh for one in told)
    return Text(f"because of {english}", f"因为您{chinese}")


def _told(past: Interactions, items: Items, customer: int, item: int) -> Text:
    """`tea that you bought on 3 May`: the last time, and what was done then."""
    here = past.rows_of(customer)
    # a purchase says more than the looks before or after it
    when = max(here[past.item[here] == item], key=lambda row: (past.event_type[row] == PURCHASE, past.occurred_at[row]))
    day = datetime.fromtimestamp(int(past.occurred_at[when]) / 1_000_000, UTC)
    done = _DONE.get(EVENT_TYPES[past.event_type[when]], _OTHER)
    name = items.title[item].as_py() or items.item_id[item].as_py()
    # braces in a title are no placeholders
    name = name.replace("{", "(").replace("}", ")")
    return Text(f"{name} that you {done[0]} on {day.day} {day:%B}", f"{day.month}月{day.day}日{done[1]}的{name}")


PURCHASE = EVENT_TYPES.index("purchase")
