"""What may be shown, and to whom: the shop's settings as rules, those alike for everybody and those of one customer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Window
from holdfast.core.interactions import Interactions, Items
from holdfast.recommend.rules.bought_policy import Bought, LearnBought
from holdfast.recommend.rules.rule import Dismissed, Excluded, LeastMargin, OldEnough, OnSale, Rule, forbidden

if TYPE_CHECKING:
    from holdfast.recommend.settings import RecommendSettings
    from holdfast.snapshot.ledger import Ledger

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
#: Customers whose rules are looked at together.
BLOCK = 2_000


@dataclass(frozen=True, eq=False)
class Shelf:
    """`allowed`: items that may be shown at all; `rest_days`: how long each stays away from who bought it (0: not at all).

    Holds no customers: `ages` (years by customer_id) are given when lists are made, and are not saved.
    """

    items: Items
    allowed: Bools
    rest_days: NDArray[np.float64]
    ages: Mapping[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, past: Interactions, rules: RecommendSettings, ages: Mapping[str, float] | None = None) -> Shelf:
        """From the catalogue, what was sold lately, what comes back when, and the shop's rules."""
        from holdfast.snapshot.interactions import items_on_sale

        lately = items_on_sale(past, Window.parse(rules.on_sale_within))
        rest = LearnBought().learn(past).rest_days
        return cls(past.items, lately & permitted(past, rules), rest, ages or {})

    def now(self, past: Interactions, rules: RecommendSettings, ages: Mapping[str, float] | None = None) -> Shelf:
        """What was on the shelf and is not forbidden by the catalogue and the rules as they are now."""
        at = past.items.positions(self.items.item_id)
        fine = np.append(permitted(past, rules), True)  # an item without a row has nothing against it
        return replace(self, allowed=self.allowed & fine[at], ages=ages or {})

    def personal(self, rules: RecommendSettings) -> list[Rule]:
        """Rules that differ from customer to customer."""
        found: list[Rule] = [
            Dismissed(Window.parse(rules.dismissed_for).micros / 86_400_000_000),
            OldEnough(self.ages, rules.unknown_age_is_adult),
        ]
        if rules.already_bought == "learnt":
            found.append(Bought(self.items.item_id.to_pylist(), self.rest_days))
        return found


def permitted(past: Interactions, rules: RecommendSettings) -> Bools:
    """Items that no rule forbids to everybody: active, in stock, not excluded, with enough margin."""
    alike: list[Rule] = [
        OnSale(), Excluded(rules.exclude_items, rules.exclude_categories), LeastMargin(rules.minimum_margin)
    ]  # fmt: skip
    away: Bools = forbidden(alike, past, np.zeros(1, np.int64))[0]
    return ~away


def kept_away(past: Interactions, shelf: Shelf, rules: RecommendSettings, rows: Ints) -> Iterator[tuple[Ints, Bools]]:
    """(some of `rows`, (those x items): what must not be shown to them), block by block."""
    personal = shelf.personal(rules)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        yield some, forbidden(personal, past, some)


def ages_of(ledger: Ledger, cutoff: Cutoff, attribute: str, customer: str | None = None) -> dict[str, float]:
    """Years by customer_id, from the newest attributes known at the cutoff; {} where the shop names no attribute."""
    table = ledger.log.tables.get("customers")
    if not attribute or table is None:
        return {}
    rows: Any = table if customer is None else table.filter(table.customer_id == customer)
    rows = rows.filter(rows.attributes.notnull()).select("customer_id", "attributes", "valid_from")
    found: dict[str, tuple[int, float]] = {}
    for row in ledger.engine.arrow(rows).to_pylist():
        since = -1 if row["valid_from"] is None else Cutoff(row["valid_from"]).micros
        if since >= cutoff.micros or since < found.get(row["customer_id"], (-2, 0.0))[0]:
            continue
        age = json.loads(row["attributes"]).get(attribute)
        if isinstance(age, (int, float)) and not isinstance(age, bool):
            found[row["customer_id"]] = (since, float(age))
    return {name: age for name, (_, age) in found.items()}
