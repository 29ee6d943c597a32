"""How many different things, and how evenly: items, categories and brands bought."""

from __future__ import annotations

from typing import Literal

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
declare(
    "item_seen_count", FAMILY, Variety("item", "seen", 30), "items", "{value} different items looked at",
    "浏览了{value}种商品", window=30,
)  # fmt: skip
declare(
    "item_seen_count", FAMILY, Variety("item", "seen", 90), "items", "{value} different items looked at",
    "浏览了{value}种商品", window=90,
)  # fmt: skip
for thing, things, zh in (("category", "categories", "品类"), ("brand", "brands", "品牌")):
    kind: Literal["category", "brand"] = "category" if thing == "category" else "brand"
    for window in (90, None):
        declare(
            f"{thing}_count", FAMILY, Variety(kind, "count", window), things,
            f"{{value}} different {things} bought", f"购买了{{value}}个{zh}", window=window,
        )  # fmt: skip
    declare(
        f"{thing}_entropy", FAMILY, Variety(kind, "entropy") / 1e9, "nats",
        f"spreads over {things} ({{value}})", f"{zh}分散度{{value}}", missing=f"no {thing} known",
    )  # fmt: skip
    declare(
        f"{thing}_top_share", FAMILY, Variety(kind, "top") / Variety(kind, "lines"), "share",
        f"{{value}} of lines from one {thing}", f"{{value}}的商品行来自同一{zh}", missing=f"no {thing} known",
    )  # fmt: skip
