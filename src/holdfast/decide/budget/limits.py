"""What a plan must keep: money, places in a channel, coupons in stock, contacts, floors, ceilings and fairness.

Every limit is a linear one. Its weights depend on the arm and on the customer's *cell* (the combination of the group
columns that the limits name), and count either customers or money, so that how full every limit is follows from two
small tables: customers, and money, by cell and arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.decide import Options, Treatment
from holdfast.core.errors import UsageError
from holdfast.core.registry import nearest

__all__ = ["MICRO", "Bound", "Limits", "Lines", "lines_of"]

Floats = NDArray[np.float64]
#: Money is counted in millionths of the currency unit, cost rounded up: whole numbers add exactly in any order.
MICRO = 1_000_000
MOST_GROUPS = 20


@dataclass(frozen=True)
class Bound:
    """At least (a floor) or at most (a ceiling) so many treated customers, or so much money, in one group."""

    count: int | None = None
    spend: float | None = None


@dataclass(frozen=True)
class Limits:
    """What a plan must keep; nothing given: nothing limited. Money is in currency units.

    `budget`: money in all. `channel_capacity`: messages by channel, where `channels` says each arm's channel.
    `arm_stock`: customers per arm. `contacts`: treated customers in all. `floors` and `ceilings`: by (column, group),
    where `groups` holds, for each column, the group of every customer. `parity`: by column, how far the share of treated
    customers may differ between any two groups; never finer than one customer of the smaller of the two.

    >>> Limits(budget=100, floors={("segment", "loyal"): Bound(count=5)}, groups={"segment": ["loyal", "new"]}).names()
    ['budget', 'floor of segment=loyal, count']
    """

    budget: float | None = None
    channel_capacity: Mapping[str, int] = field(default_factory=dict)
    arm_stock: Mapping[str, int] = field(default_factory=dict)
    contacts: int | None = None
    floors: Mapping[tuple[str, str], Bound] = field(default_factory=dict)
    ceilings: Mapping[tuple[str, str], Bound] = field(default_factory=dict)
    parity: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Sequence[Any]] | None = None
    channels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, treatments: Iterable[Treatment], **given: Any) -> Limits:
        """Limits with the channels and stocks of these treatments.

        >>> Limits.of([Treatment("mail", "reminder", channel="mail", stock=3)], budget=5).arm_stock
        {'mail': 3}
        """
        known = list(treatments)
        stock = {one.treatment_id: one.stock for one in known if one.stock is not None}
        channels = {one.treatment_id: one.channel for one in known if one.acts}
        return cls(channels=channels, arm_stock={**stock, **given.pop("arm_stock", {})}, **given)

    def names(self) -> list[str]:
        """Names of the limits in their order (fairness by column)."""
        names = [] if self.budget is None else ["budget"]
        names += [f"capacity of {one}" for one in self.channel_capacity]
        names += [f"stock of {one}" for one in self.arm_stock]
        names += [] if self.contacts is None else ["contacts"]
        for kind, bounds in (("floor", self.floors), ("ceiling", self.ceilings)):
            for (column, group), bound in bounds.items():
                names += [f"{kind} of {column}={group}, {what}" for what in ("count", "spend") if getattr(bound, what) is not None]  # fmt: skip
        return names + [f"parity of {one}" for one in self.parity]

    def with_budget(self, budget: float | None) -> Limits:
        return replace(self, budget=budget)


@dataclass(frozen=True)
class Lines:
    """The limits as numbers: K lines `sum of weights <= limit`; weights by cell and arm, of a customer or of money.

    `count`: K x cells x arms, per treated customer. `money`: K x cells x arms, per millionth spent. `limit`: K.
    `cap`: whether the line only ever forbids (no negative weight), so that doing nothing always keeps it.
    """

    names: tuple[str, ...]
    count: Floats
    money: Floats
    limit: Floats
    cap: NDArray[np.bool_]
    cell: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.names)

    def usage(self, customers: Floats, spend: Floats) -> Floats:
        """How full each line is, from customers and money (millionths) by cell and arm."""
        used = np.tensordot(self.count, customers, 2) + np.tensordot(self.money, spend, 2)
        return np.asarray(used, np.float64)

    def kept(self, used: Floats) -> bool:
        """Whether all lines are kept. Whole numbers are exact; shares of groups are kept to nine places."""
        return bool((used <= self.limit + 1e-9).all())

    def less(self, reserve: Floats) -> Lines:
        """The same with room set aside in the caps, never below nothing."""
        room = np.where(self.cap, np.maximum(self.limit - reserve, 0.0), self.limit)
        return replace(self, limit=room)


def lines_of(limits: Limits, options: Options) -> Lines:
    """The limits of these customers and arms as lines."""
    _check(limits, options)
    arms = options.arms
    columns = _columns(limits, len(options))
    cell, levels = _cells(columns, len(options))
    shape = (len(levels), len(arms))
    treated = np.ones(shape)
    treated[:, 0] = 0.0
    found: list[tuple[str, bool, Floats, float]] = []  # name, whether it is money, weights, limit
    if limits.budget is not None:
        found.append(("budget", True, treated, np.floor(limits.budget * MICRO + 0.5)))
    for channel, places in limits.channel_capacity.items():
        sent = np.array([limits.channels.get(arm, "") == channel for arm in arms])
        found.append((f"capacity of {channel}", False, treated * sent, float(places)))
    for arm, stock in limits.arm_stock.items():
        found.append((f"stock of {arm}", False, treated * (np.array(arms) == arm), float(stock)))
    if limits.contacts is not None:
        sent = np.array([limits.channels.get(arm, "?") != "" for arm in arms])
        found.append(("contacts", False, treated * sent, float(limits.contacts)))
    for kind, bounds, sign in (("floor", limits.floors, -1.0), ("ceiling", limits.ceilings, 1.0)):
        for (column, group), bound in bounds.items():
            inside = treated * np.array([level[column] == str(group) for level in levels])[:, None]
            name = f"{kind} of {column}={group}"
            if bound.count is not None:
                found.append((f"{name}, count", False, sign * inside, sign * bound.count))
            if bound.spend is not None:
                found.append((f"{name}, spend", True, sign * inside, sign * np.floor(bound.spend * MICRO + 0.5)))
    for column, most in limits.parity.items():
        found += _parity(column, most, columns[column], levels, treated)
    return _stacked(found, shape, cell)


def _parity(
    name: str, most: float, column: _Column, levels: list[dict[str, str]], treated: Floats
) -> list[tuple[str, bool, Floats, float]]:
    if len(column.names) > MOST_GROUPS:
        raise UsageError(
            f"parity of {name}: {len(column.names)} groups are too many to compare in pairs",
            remedy=f"at most {MOST_GROUPS} groups",
        )
    sizes = np.bincount(column.code, minlength=len(column.names))
    share = {
        group: np.array([float(level[name] == group) for level in levels])[:, None] / size
        for group, size in zip(column.names, sizes.tolist(), strict=True)
    }
    size_of = dict(zip(column.names, sizes.tolist(), strict=True))
    return [  # no finer than one customer of the smaller group: shares of whole customers cannot be told to be equal
        (
            f"parity of {name}, {one} over {two}", False, treated * (share[one] - share[two]),
            max(most, 1 / min(size_of[one], size_of[two])),
        )
        for one, two in permutations(column.names, 2)
    ]  # fmt: skip


def _stacked(found: list[tuple[str, bool, Floats, float]], shape: tuple[int, int], cell: NDArray[np.int64]) -> Lines:
    count, money = np.zeros((2, len(found), *shape))
    for k, (_, is_money, weights, _limit) in enumerate(found):
        (money if is_money else count)[k] = weights
    cap = np.array([bool((weights >= 0).all()) for _, _, weights, _ in found], bool)
    limit = np.array([limit for *_, limit in found], np.float64)
    return Lines(tuple(name for name, *_ in found), count, money, limit, cap, cell)


@dataclass(frozen=True)
class _Column:
    """Group of each customer as a place in the sorted names; null is a group of its own, `unknown`."""

    names: tuple[str, ...]
    code: NDArray[np.int64]


def _columns(limits: Limits, n: int) -> dict[str, _Column]:
    """The group columns that the limits speak of."""
    wanted = dict.fromkeys([column for column, _ in (*limits.floors, *limits.ceilings)] + list(limits.parity))
    given = limits.groups or {}
    found: dict[str, _Column] = {}
    for column in wanted:
        if column not in given:
            raise UsageError(
                f"limits speak of {column!r}, which is no group column", remedy=nearest(column, sorted(given))
            )
        found[column] = _column(given[column])
        if len(found[column].code) != n:
            raise UsageError(f"group column {column!r} has {len(found[column].code)} rows, not {n}")
    for column, group in (*limits.floors, *limits.ceilings):
        if str(group) not in found[column].names:
            raise UsageError(
                f"nobody is in the group {column}={group}", remedy=nearest(str(group), list(found[column].names))
            )
    return found


def _column(values: Any) -> _Column:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if not isinstance(whole, pa.Array):
        whole = pa.array([None if one is None else str(one) for one in whole], pa.string())
    coded = pc.fill_null(whole.cast(pa.string()), "unknown").dictionary_encode()
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return _Column(tuple(names[one] for one in order), place[coded.indices.to_numpy(zero_copy_only=False)])


def _cells(columns: Mapping[str, _Column], n: int) -> tuple[NDArray[np.int64], list[dict[str, str]]]:
    """The combinations of groups that occur: each customer's, and what each stands for."""
    cell = np.zeros(n, np.int64)
    levels: list[dict[str, str]] = [{}]
    for name, column in columns.items():
        size = len(column.names)
        joint = cell * size + column.code
        present = np.flatnonzero(np.bincount(joint, minlength=1))
        cell = np.searchsorted(present, joint).astype(np.int64)
        levels = [{**levels[one // size], name: column.names[one % size]} for one in present.tolist()]
    return cell, levels


def _check(limits: Limits, options: Options) -> None:
    for name in ("budget", "contacts"):
        if getattr(limits, name) is not None and not getattr(limits, name) >= 0:
            raise UsageError(f"{name} is {getattr(limits, name)}", remedy="0 or more")
    for what, table in (("capacity of", limits.channel_capacity), ("stock of", limits.arm_stock), ("parity of", limits.parity)):  # fmt: skip
        for name, number in table.items():
            if not number >= 0:
                raise UsageError(f"{what} {name} is {number}", remedy="0 or more")
    for arm in limits.arm_stock:
        if arm not in options.arms:
            raise UsageError(f"stock of {arm!r}, which is no arm", remedy=nearest(arm, list(options.arms[1:])))
    for channel in limits.channel_capacity:
        if channel not in limits.channels.values():
            known = sorted(set(limits.channels.values()))
            raise UsageError(f"capacity of {channel!r}, which is no arm's channel", remedy=nearest(channel, known))
    if len(options) and (options.cost[options.eligible] < 0).any():
        raise UsageError("a cost below 0 cannot be planned with", remedy="put what an arm brings in into its gain")
