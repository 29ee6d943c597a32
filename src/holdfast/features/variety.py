"""How many different things, and how evenly: items, categories and brands bought."""

from __future__ import annotations

from holdfast.features.declare import Variety, declare

FAMILY = "variety"
for window in (30, 90, 180, None):
    span, zh_span = (f"in the last {window} days", f"最近{window}天") if window else ("so far", "至今")
    declare(
        "item_count", FAMILY, Variety("item", "count", window), "items",
        f"{{value}} different items bought {span}", f"{zh_span}购买{{value}}种商品", window=window,
    )  # fmt: skip
declare(
    "item_entropy",
    FAMILY,
    Variety("item", "entropy") / 1e9,
    "nats",
    "spreads over items ({value})",
    "商品分散度{value}",
    missing="nothing bought yet",
)
declare(
    "item_again_share", FAMILY, Variety("item", "again") / Variety("item", "count"), "share",
    "{value} of items were bought again", "{value}的商品被再次购买", missing="nothing bought yet",
)  # fmt: skip
