"""What two items truly share, as words a customer understands."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from holdfast.core.interactions import PURCHASE, Interactions, Items
from holdfast.core.text import Text
from holdfast.recommend.content.describe import Described

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
#: Terms named in one reason.
_MOST = 3


def shared(described: Described, one: int, other: int) -> list[tuple[str, str]]:
    """(block, term) of what both items have, the strongest first; ("embedding", "") where only given vectors are near."""
    a, b = described.sparse[one], described.sparse[other]
    both = a.multiply(b).tocsr()
    order = np.lexsort((both.indices, -both.data))
    found = [described.names[both.indices[at]] for at in order]
    dense = float(described.dense[one] @ described.dense[other])
    return found if dense <= both.sum() else [("dense", ""), *found]


def both_are(pairs: list[tuple[str, str]]) -> Text:
    """The shared terms as the end of a sentence.

    >>> both_are([("words", "green"), ("words", "tea"), ("brand", "acme")]).en
    'both: green, tea; of the brand acme'
    """
    words = [term for block, term in pairs if block == "words"][:_MOST]
    paths = [term for block, term in pairs if block == "category"]
    deepest = max(paths, key=lambda path: path.count(">"), default=None)
    brand = next((term for block, term in pairs if block == "brand"), None)
    kind = next((term for block, term in pairs if block == "kind"), None)
    blocks = {block for block, _ in pairs}
    said = [Text(", ".join(words), "、".join(words))] if words else []
    said += [Text(f"in {deepest}", f"同属“{deepest}”")] if deepest else []
    said += [Text(f"of the brand {brand}", f"同为品牌{brand}")] if brand else []
    said += [Text("of a similar look", "外观或特征相近")] if "dense" in blocks else []
    said += [Text("of a similar price", "价格相近")] if "price" in blocks and not said else []
    said += [Text(f"of the kind {kind}", f"同属类型{kind}")] if kind and not said else []
    return Text("both: " + "; ".join(one.en for one in said), "共同点：" + "；".join(one.zh for one in said))


def name_of(items: Items, item: int) -> str:
    """Its title, or its id where it has none."""
    return str(items.title[item].as_py() or items.item_id[item].as_py())


def chosen_on(past: Interactions, customer: int, item: int) -> Text:
    """ "that you bought on 3 May 2024", of the newest purchase, or act where it was never bought; the day is in UTC."""
    own = past.rows_of(customer)
    own = own[past.item[own] == item]
    bought = own[past.event_type[own] == PURCHASE]
    row = int((bought if len(bought) else own)[-1])
    day = datetime.fromtimestamp(int(past.occurred_at[row]) // 1_000_000, UTC).date()
    did = ("bought", "购买") if len(bought) else ("looked at", "看过")
    en = f"that you {did[0]} on {day.day} {_MONTHS[day.month - 1]} {day.year}"
    return Text(en, f"您{day.year}年{day.month}月{day.day}日{did[1]}的")
