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
    reranked: bool = setting(
        False,
        "Order the candidates of all lanes by trees learnt on earlier windows: better lists, minutes instead of seconds.",
    )
    objective: str = setting(
        "relevance_x_margin",
        "What a list is ordered by: relevance alone, or relevance times margin where margins are known.",
        choices=("relevance_x_margin", "relevance"),
    )
    already_bought: str = setting(
        "learnt",
        "Items that a customer has: allow, exclude, or learnt (what hardly anybody buys twice rests for its learnt time).",
        choices=("learnt", "allow", "exclude"),
    )
    exclude_items: tuple[str, ...] = setting((), "Items that are never recommended, by id.")
    exclude_categories: tuple[str, ...] = setting((), "Categories never recommended; `A > B` takes what is below it.")
    brand_cap: int = setting(0, "At most so many items of one brand in a list; 0: no cap.")
    minimum_margin: float = setting(0.0, "Least margin, as a share of the price, of an item whose margin is known.")
    age_attribute: str = setting(
        "", "Customer attribute that holds the age in years; without it nobody is shown items with a min_age."
    )
    unknown_age_is_adult: bool = setting(False, "Show items with a min_age also to whoever's age is not known.")
    diversity: float = setting(
        0.0,
        "How closely a list's categories follow the customer's own mix, 0 (not asked for) to 1; it costs some hits.",
    )
    exploration: int = setting(
        0,
        "Last places of a list that are drawn at random by what is known of each item's clicks, chances written down.",
    )
    dismissed_for: str = setting("90d", "How long an item stays away from whom dismissed it; whole days.")


SECTIONS.add("recommend", RecommendSettings)
