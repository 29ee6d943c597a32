"""Customers whose future depends on the order of things long ago: what window features cannot see, and sequences can.

Every customer has one to five episodes, a complaint and a message of the shop side by side, twenty or more events back.
A complaint that was answered (ticket, then message) keeps the customer; one made about a message (message, then ticket)
drives him away. Both kinds hold the same two events at the same ages, so counts, windows and recencies are blind to
them; part of the risk (recent purchases) is visible to everybody. The true risk is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff, Horizon
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.sequences import PURCHASE, Events, EventSequences
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes
from holdfast.core.text import Text

CUTOFF = Cutoff.parse("2025-01-01")
HORIZON = Horizon.parse("30d")
#: Events of a customer; the newest `_QUIET` hold no episode.
_SHORTEST, _LONGEST, _QUIET, _MOST_EPISODES, _ITEMS = 40, 64, 20, 5, 300
_NOISE = ("visit", "view", "search", "cart_add", "purchase", "review")
_NOISE_SHARE = (0.22, 0.34, 0.14, 0.12, 0.13, 0.05)
_TICKET, _MESSAGE = EVENT_TYPES.index("ticket"), EVENT_TYPES.index("message")
#: Log-odds of churn for each ignored episode more, and for a standard deviation of fewer recent purchases.
_BY_EPISODE, _BY_PURCHASES, _BASE = 0.8, 1.0, 0.1
WINDOWS = (7, 30, 90, 3650)


@dataclass(frozen=True, eq=False)
class LongRange:
    """Sequences at one cutoff, what followed, and how likely it truly was."""

    told: EventSequences
    churned: NDArray[np.bool_]
    spend: NDArray[np.int64]  # money
    duration: NDArray[np.float64]
    p_churn: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.told)

    @cached_property
    def outcomes(self) -> Outcomes:
        """The same as outcomes of the horizon."""
        orders = (~self.churned).astype(np.int64)
        return Outcomes(self.told.key, HORIZON, self.churned, orders, self.spend, self.duration, ~self.churned)

    @cached_property
    def features(self) -> FeatureTable:
        """Counts by event type and window, days since the first and the last of each type, gaps: order is not seen."""
        return window_features(self.told)


def long_range(customers: int, seed: int) -> LongRange:
    """Draw customers; the same seed gives the same ones.

    >>> world = long_range(50, 1)
    >>> len(world), bool(((world.p_churn > 0) & (world.p_churn < 1)).all()), int(world.told.lengths.min()) >= 40
    (50, True, True)
    """
    random = np.random.default_rng([seed, customers])
    size = random.integers(_SHORTEST, _LONGEST + 1, customers)
    back = np.arange(_LONGEST)[None, :]  # 0 is the newest event
    kind = random.choice([EVENT_TYPES.index(one) for one in _NOISE], (customers, _LONGEST), p=_NOISE_SHARE)
    score = _episodes(kind, size, random)
    pace = random.lognormal(0.0, 0.5, customers)[:, None]
    age = np.cumsum(random.exponential(1.0, kind.shape) * pace + 0.001, axis=1)
    recent = ((kind == PURCHASE) & (age < 30) & (back < size[:, None])).sum(axis=1)
    calm = (recent - recent.mean()) / recent.std()
    p = 1 / (1 + np.exp(-(_BASE + _BY_EPISODE * score - _BY_PURCHASES * calm)))
    churned = random.random(customers) < p
    days = np.where(churned, HORIZON.days, random.uniform(0.0, HORIZON.days, customers))
    spend = np.where(churned, 0, random.lognormal(3.0, 0.6, customers) * 10_000).astype(np.int64)
    return LongRange(_sequences(kind, age, size, random, f"s{seed}"), churned, spend, days, p)


def _episodes(kind: NDArray[np.int64], size: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float64]:
    """Write the episodes and, in the newest events, lone tickets and messages; ignored minus answered of each customer."""
    customers = len(kind)
    row = np.arange(customers)
    many = random.integers(1, _MOST_EPISODES + 1, customers)
    tendency = random.random(customers)  # a shop that ignored a customer once does so again
    slots = (size - _QUIET) // 4  # an episode takes the first two of four events, so that no two touch
    turn = np.argsort(
        random.random((customers, (_LONGEST - _QUIET) // 4))
        + 9.0 * (np.arange((_LONGEST - _QUIET) // 4)[None, :] >= slots[:, None]),
        axis=1,
    )
    score = np.zeros(customers)
    for number in range(_MOST_EPISODES):
        some = (number < many) & (number < slots)
        at = _QUIET + 4 * turn[:, number]
        ignored = random.random(customers) < tendency
        kind[row[some], at[some]] = np.where(ignored, _TICKET, _MESSAGE)[some]  # the newer of the two
        kind[row[some], at[some] + 1] = np.where(ignored, _MESSAGE, _TICKET)[some]
        score += np.where(some, np.where(ignored, 1.0, -1.0), 0.0)
    for lone in (_TICKET, _MESSAGE):  # the recency of both is the same whatever the episodes were
        kind[row, random.integers(0, _QUIET // 2 - 1, customers) * 2 + (lone == _TICKET)] = lone
    return score


def _sequences(
    kind: NDArray[np.int64], age: NDArray[np.float64], size: NDArray[np.int64], random: np.random.Generator, name: str
) -> EventSequences:
    """The drawn matrix (newest first) as sequences (oldest first)."""
    customers = len(kind)
    inside = (np.arange(_LONGEST)[None, :] < size[:, None])[:, ::-1]
    at = (CUTOFF.micros - (age[:, ::-1] * DAY_MICROS).astype(np.int64))[inside]
    flat, n = kind[:, ::-1][inside], int(inside.sum())
    bought = flat == PURCHASE
    item = np.minimum(random.exponential(_ITEMS / 6, n).astype(np.int32), _ITEMS - 1)
    events = Events(
        at, flat.astype(np.int8), np.where(flat == _TICKET, -1, item).astype(np.int32), np.full(n, -1, np.int32),
        np.where(bought, (random.lognormal(3, 0.6, n) * 10_000).astype(np.int64), -1), np.ones(n, np.int32),
        ((at // 3_600_000_000) % 24).astype(np.int8), ((at // DAY_MICROS + 3) % 7).astype(np.int8),
        pa.array([f"i{number:03d}" for number in range(_ITEMS)]), pa.array([], pa.string()),
    )  # fmt: skip
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    key = Key.of([f"{name}-{number:06d}" for number in range(customers)], CUTOFF)
    return EventSequences(key, events, offsets, np.arange(n), size.astype(np.int64), at[offsets[:-1]], (CUTOFF,))


def window_features(told: EventSequences) -> FeatureTable:
    """What windows can tell of any sequences: the features that sequence models are measured against.

    >>> window_features(long_range(10, 1).told).values.shape[0]
    10
    """
    events, at, row, n = told.events, told.positions, told.row_of, len(told)
    age = (told.key.cutoff[row] - events.occurred_at[at]) / DAY_MICROS
    named: dict[str, NDArray[Any]] = {}
    for code in np.unique(events.kind[at]):
        name, mine = EVENT_TYPES[code], events.kind[at] == code
        for days in WINDOWS:
            inside = mine & (age < days)
            named[f"{name}_count_{days}d"] = np.bincount(row[inside], minlength=n).astype(np.float64)
        first, last = np.full(n, np.nan), np.full(n, np.nan)
        first[row[mine][::-1]] = age[mine][::-1]  # the oldest is written last
        last[row[mine]] = age[mine]
        named[f"days_since_first_{name}"], named[f"days_since_last_{name}"] = first, last
    spent = np.where(events.amount[at] > 0, events.amount[at], 0) / 10_000
    for days in WINDOWS:
        named[f"revenue_{days}d"] = np.bincount(row, spent * (age < days), minlength=n)
    named["T_days"] = (told.key.cutoff - told.first_at) / DAY_MICROS
    named["mean_gap_days"] = named["T_days"] / np.maximum(told.seen, 1)
    columns = tuple(
        FeatureColumn(name, "", "", "none", "window", Text(f"{name} {{value}}", f"{name} {{value}}")) for name in named
    )
    return FeatureTable(told.key, columns, np.column_stack(list(named.values())).astype(np.float32))
