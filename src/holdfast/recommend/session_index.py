"""Recent sessions, found by the items that they hold: an inverted index as flat arrays, newest sessions first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS
from holdfast.core.interactions import Interactions

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SessionIndex:
    """Sessions without their customers, numbered from the newest one; each holds different items in order of time.

    Session s holds `item[start[s]:start[s + 1]]`, each at a `turn` (0 is the session's first instant, the next instant is 1);
    `holder[first[i]:first[i + 1]]` are the newest sessions that hold item i, each at its `cell` of `item`.
    """

    start: Ints
    item: Codes = field(repr=False)
    first: Ints = field(repr=False)
    holder: Codes = field(repr=False)
    cell: Codes = field(repr=False)
    turn: Codes = field(repr=False)
    rarity: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, past: Interactions, *, recent: int, longest: int, sessions: int) -> SessionIndex:
        """The newest `sessions` sessions of two items or more, and for each item the newest `recent` that hold it."""
        width = len(past.items)
        row, session, count = _own_items(past, longest)
        kept = count[session] > 1 if len(row) else np.zeros(0, bool)
        row, session = row[kept], session[kept]
        number = _newest_first(past, row, session)[:sessions]
        rank = np.full(len(count), -1, np.int64)
        rank[number] = np.arange(len(number))
        inside = rank[session] >= 0 if len(row) else np.zeros(0, bool)
        row, new = row[inside], rank[session[inside]]
        order = np.lexsort((row, new))
        row, new = row[order], new[order]
        item = past.item[row].astype(np.int32)
        start = np.concatenate([[0], np.cumsum(np.bincount(new, minlength=len(number)))]).astype(np.int64)
        turn = turns_in(past.occurred_at[row], new)
        by_item = np.lexsort((new, item))
        holders = np.bincount(item, minlength=width)
        ahead = np.cumsum(holders) - holders
        by_item = by_item[np.arange(len(item)) - np.repeat(ahead, holders) < recent]
        first = np.concatenate([[0], np.cumsum(np.minimum(holders, recent))]).astype(np.int64)
        rarity = np.log1p(max(1, len(number)) / np.maximum(holders, 1))
        return cls(start, item, first, new[by_item].astype(np.int32), by_item.astype(np.int32), turn, rarity)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `pack`."""
        return {name: getattr(self, name) for name in type(self).__dataclass_fields__}


def turns_in(at: Ints, group: NDArray[Any]) -> Codes:
    """The place of each instant among the different instants of its group; groups lie together, instants rise.

    >>> turns_in(np.array([5, 5, 9, 1]), np.array([0, 0, 0, 1])).tolist()
    [0, 0, 1, 0]
    """
    new = np.zeros(len(at), np.int64)
    new[1:] = (np.diff(at) != 0) | (np.diff(group) != 0)
    number = np.cumsum(new)
    _, first, place = np.unique(group, return_index=True, return_inverse=True)
    return (number - number[first[place]]).astype(np.int32)


def sessions_of(past: Interactions) -> Ints:
    """A number for each interaction: its session, else its order, else the customer's day (UTC). Numbers follow no order."""
    if not past.size:
        return np.zeros(0, np.int64)
    kind = np.where(past.session >= 0, 2, np.where(past.basket >= 0, 1, 0))
    own = np.where(kind == 2, past.session, np.where(kind == 1, past.basket, past.occurred_at // DAY_MICROS))
    order = np.lexsort((own, kind, past.customer))
    new = np.ones(past.size, bool)
    changes = [np.diff(values[order]) != 0 for values in (past.customer, kind, own)]
    new[1:] = changes[0] | changes[1] | changes[2]
    found = np.empty(past.size, np.int64)
    found[order] = np.cumsum(new) - 1
    return found


def _own_items(past: Interactions, longest: int) -> tuple[Ints, Ints, Ints]:
    """(the last row of each item in each session, its session, different items of each session), the newest items only."""
    session = sessions_of(past)
    if not past.size:
        return np.zeros(0, np.int64), session, np.zeros(0, np.int64)
    rows = np.arange(past.size)
    order = np.lexsort((rows, past.item, session))
    last = np.ones(past.size, bool)
    last[:-1] = (np.diff(session[order]) != 0) | (np.diff(past.item[order]) != 0)
    row = np.sort(order[last])
    own = session[row]
    count = np.bincount(own, minlength=int(session.max()) + 1)
    # place from the end: within a session rows rise with time
    order = np.lexsort((-row, own))
    ahead = np.concatenate([[0], np.cumsum(count)])[own[order]]
    kept = np.sort(order[np.arange(len(row)) - ahead < longest])
    return row[kept], own[kept], np.minimum(count, longest)


def _newest_first(past: Interactions, row: Ints, session: Ints) -> Ints:
    """Sessions by their last instant, the newest first; equals are told apart by what they hold, not by who had them."""
    if not len(row):
        return np.zeros(0, np.int64)
    ids, place = np.unique(session, return_inverse=True)
    ends = np.full(len(ids), np.iinfo(np.int64).min)
    np.maximum.at(ends, place, past.occurred_at[row])
    popular = np.bincount(past.item, minlength=len(past.items)).astype(np.float64)
    told = popular + np.arange(len(popular)) / max(1, len(popular))
    content = np.bincount(place, told[past.item[row]])
    return ids[np.lexsort((content, np.bincount(place), -ends))]
