"""Rules as small objects: each says which cells of (customers x items) it forbids, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS
from holdfast.core.interactions import Interactions
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Rule(Protocol):
    """What a rule is."""

    @property
    def why(self) -> Text:
        """Why the rule keeps an item away."""

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        """(rows x items), or (1 x items) where all customers are alike: true is never shown. `past.items` is the catalogue."""


@dataclass(frozen=True)
class OnSale:
    """Not active at the cutoff, or known to be out of stock."""

    why: ClassVar[Text] = Text("not on sale now", "目前不在售")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        return ~past.items.on_sale(past.cutoff)[None]


@dataclass(frozen=True)
class Excluded:
    """Items by id, and whole categories: `Garden` excludes `Garden > Tools`, too."""

    item_ids: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    why: ClassVar[Text] = Text("excluded by the shop", "店铺已排除")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        found = np.isin(past.items.item_id.to_numpy(zero_copy_only=False).astype(str), np.array(self.item_ids, str))
        for path in self.categories:
            within = (pc.equal(past.items.category, path), pc.starts_with(past.items.category, f"{path} > "))
            found |= pc.fill_null(pc.or_(*within), False).to_numpy(zero_copy_only=False)
        return np.asarray(found)[None]


@dataclass(frozen=True)
class Kinds:
    """Only these kinds of things may appear; an item that says nothing is goods."""

    allowed: tuple[str, ...] = ("goods",)
    why: ClassVar[Text] = Text("another kind of thing", "不属于此类内容")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        kind = pc.fill_null(past.items.kind, "goods")
        among = pc.is_in(kind, value_set=pa.array(self.allowed, pa.string()))
        return ~np.asarray(among.to_numpy(zero_copy_only=False), bool)[None]


@dataclass(frozen=True)
class LeastMargin:
    """Margin rates below `rate`; an unknown margin passes unless `unknown_passes` is false."""

    rate: float
    unknown_passes: bool = True
    why: ClassVar[Text] = Text("margin too small", "毛利过低")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        margin = past.items.margin_rate
        return np.where(np.isnan(margin), not self.unknown_passes, margin < self.rate)[None]


@dataclass(frozen=True, eq=False)
class OldEnough:
    """Items with a least age, for whoever is younger. An age that is not known is too young, unless told otherwise.

    `ages` holds years by customer_id.
    """

    ages: Mapping[str, float] = field(default_factory=dict, repr=False)
    unknown_is_adult: bool = False
    why: ClassVar[Text] = Text("not for this age", "不适合该年龄")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        unknown = np.inf if self.unknown_is_adult else -np.inf
        names = past.customer_id.take(pa.array(rows)).to_pylist()
        age = np.array([self.ages.get(one, unknown) for one in names], np.float64)
        age = np.where(np.isnan(age), unknown, age)
        least = past.items.min_age
        return np.asarray(np.where(np.isnan(least), False, age[:, None] < np.where(np.isnan(least), 0.0, least)))


@dataclass(frozen=True)
class Dismissed:
    """What the customer waved away in the last `days`."""

    days: float = 90.0
    why: ClassVar[Text] = Text("dismissed a short time ago", "顾客近期表示不感兴趣")

    def forbids(self, past: Interactions, rows: Ints) -> Bools:
        since = past.cutoff.micros - round(self.days * DAY_MICROS)
        away = (past.event_type == EVENT_TYPES.index("dismiss")) & (past.occurred_at >= since)
        return touched(past.keeping(away), rows)


def touched(past: Interactions, rows: Ints) -> Bools:
    """(rows x items): whether the customer has an interaction with the item."""
    place = np.full(len(past), -1, np.int64)
    place[rows] = np.arange(len(rows))
    found = np.zeros((len(rows), len(past.items)), bool)
    mine = place[past.customer] >= 0
    found[place[past.customer[mine]], past.item[mine]] = True
    return found


def forbidden(rules: Sequence[Rule], past: Interactions, rows: Ints) -> Bools:
    """(rows x items): what any of the rules forbids.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(7, "tea"), (7, "cup")]}, Cutoff.parse("2024-01-10"))
    >>> forbidden([OnSale(), Excluded(item_ids=("tea",))], past, np.array([0])).tolist()
    [[False, True]]
    """
    found = np.zeros((len(rows), len(past.items)), bool)
    for rule in rules:
        found |= rule.forbids(past, rows)
    return found


def why_not(rules: Sequence[Rule], past: Interactions, customer: int, item: int) -> list[Text]:
    """The reasons for which this item is kept from this customer; none where it may appear."""
    found = [(rule.why, rule.forbids(past, np.array([customer]))) for rule in rules]
    return [why for why, cells in found if cells[0, item]]
