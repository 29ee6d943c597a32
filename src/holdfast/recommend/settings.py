"""What each customer is shown next, and under which rules of the shop."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class RecommendSettings:
    """Section `[recommend]`: what each customer is shown next, and under which rules."""

    enabled: bool = setting(True, "Whether a run makes lists at all.")
    count: int = setting(10, "Items of one list.")
    lanes: tuple[str, ...] = setting(
        (), "Recommenders that compete, by id (docs/registries.md lists them); empty: those that suit the history."
    )
    on_sale_within: str = setting("90d", "An item last sold longer ago is taken for gone; whole days.")
    already_bought: str = setting(
        "learnt",
        "Items that a customer has: allow, exclude, or learnt (categories that nobody buys twice are excluded).",
        choices=("learnt", "allow", "exclude"),
    )
    exclude_items: tuple[str, ...] = setting((), "Items that are never recommended, by id.")
    exclude_categories: tuple[str, ...] = setting((), "Categories never recommended; `A > B` takes what is below it.")
    brand_cap: int = setting(0, "At most so many items of one brand in a list; 0: no cap.")
    minimum_margin: float = setting(0.0, "Least margin, as a share of the price, of an item whose margin is known.")
    dismissed_for: str = setting("90d", "How long an item stays away from whom dismissed it; whole days.")


SECTIONS.add("recommend", RecommendSettings)
