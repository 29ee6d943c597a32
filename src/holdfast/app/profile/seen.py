"""Everybody of the population at one cutoff, seen by profile: the table that segments are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from holdfast.app.profile.rules import table_of
from holdfast.core.clock import Cutoff, Window
from holdfast.core.tables import FeatureTable
from holdfast.profile.profiles import Profiles, profiles, recent_orders
from holdfast.profile.segments.rules import RuleSegment, first, members
from holdfast.profile.settings import LifecycleSettings, ProfileSettings
from holdfast.snapshot.acts import Acts

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.profile.orders import Orders
    from holdfast.profile.rfm import Grid


@dataclass(frozen=True, eq=False)
class Seen:
    """The population at one cutoff: features, profiles, and the table that rules read."""

    features: FeatureTable
    acts: Acts
    orders: Orders
    made: Profiles
    table: pa.Table
    revenue: np.ndarray[Any, Any]

    @property
    def ids(self) -> pa.Array:
        return self.features.key.customer_id

    def by_rules(self, rules: tuple[RuleSegment, ...]) -> tuple[list[str], list[list[str]]]:
        """The first rule that holds for each customer, and all that do."""
        held = members(rules, self.table)
        names = np.array([one.name for one in rules], dtype=object)
        return first(rules, held), [names[row].tolist() for row in held]


def see(question: Study, features: FeatureTable, cutoff: Cutoff, orders: Orders, forecasts: Mapping[str, Any]) -> Seen:
    """Make the profiles of the rows of `features` (all at `cutoff`); `forecasts`: columns of the release known so far."""
    from holdfast.profile.counts import numbers, where
    from holdfast.profile.lifecycle import lifecycle

    config = question.shop.config
    rules = config.section(ProfileSettings)
    acts = Acts(question.ledger, cutoff, Window.parse(rules.window))
    standing = lifecycle(orders, cutoff.local_day(question.asked.zone), config.section(LifecycleSettings))
    at = where(features.key.customer_id, standing)
    gap = np.append(numbers(standing["usual_gap_days"]), np.nan)[at]
    states = [*standing["lifecycle"].to_pylist(), "none"]
    made = profiles(acts, features.key, orders, gap, rules)
    liked = pa.array(made.interests.names(rules.interests), pa.list_(pa.string()))
    known = {**forecasts, "lifecycle": [states[one] for one in at.tolist()]}
    table = table_of(features, made.table, liked, known)
    revenue = recent_orders(features.key.customer_id, orders, *span(question, cutoff))[2]
    return Seen(features, acts, orders, made, table, revenue)


def by_grid(grid: Grid, ids: pa.Array, orders: Orders, seen: tuple[int, int]) -> list[str | None]:
    """RFM groups by a grid that may have been fitted at another cutoff; `seen` as `span` gives it."""
    from holdfast.profile.rfm import groups

    return groups(grid.scores(*recent_orders(ids, orders, *seen)))


def span(question: Study, cutoff: Cutoff) -> tuple[int, int]:
    """The cutoff's day number, and how many days before it profiles look back."""
    from holdfast.snapshot.days import cutoff_day

    window = Window.parse(question.shop.config.section(ProfileSettings).window)
    return cutoff_day(cutoff, question.asked.zone), int(window.days)
