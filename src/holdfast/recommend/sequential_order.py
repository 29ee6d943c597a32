"""Histories as a network reads them: codes of items in the order of what happened, never in the order of names.

Random starts and random batches hang on the order in which items and customers are numbered. That order comes from the
events themselves, so that other names for the same shop give the same lists. No torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.schema import EVENT_TYPES

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
_ROUNDS = 2


def mixed(values: NDArray[Any]) -> Hashes:
    """Numbers scattered over 64 bits (splitmix64), so that sums of them tell sets apart.

    >>> mixed(np.array([1, 2])).tolist() == mixed(np.array([1, 2])).tolist(), len(set(mixed(np.arange(100)).tolist()))
    (True, 100)
    """
    found = np.asarray(values).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(found ^ (found >> np.uint64(31)), np.uint64)


def codes_of(past: Interactions, reads: Sequence[str]) -> Ints:
    """One code for each column of the catalogue: 0 for an item without such an event, then 1, 2, ... most frequent first.

    Equal counts are parted by who did what when (a few rounds of colour refinement, Weisfeiler & Leman 1968).

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> codes_of(tiny_interactions({"ann": [(9, "tea"), (4, "cup"), (2, "tea")]}, Cutoff.parse("2024-01-10")), ["purchase"])
    array([2, 1])
    """
    read = past.of_type(*reads)
    count = np.bincount(read.item, minlength=len(past.items))
    when = mixed(past.cutoff.micros - read.occurred_at) + read.event_type.astype(np.uint64)
    own = _added(mixed(when), read.item, len(past.items))
    for _ in range(_ROUNDS):
        who = _added(mixed(own[read.item] ^ when), read.customer, len(past))
        own = mixed(own) + _added(mixed(who[read.customer] ^ when), read.item, len(past.items))
    order = np.lexsort((own, -count))
    found = np.zeros(len(past.items), np.int64)
    found[order] = np.arange(1, len(order) + 1)
    return np.where(count > 0, found, 0)


def _added(hashes: Hashes, place: NDArray[Any], size: int) -> Hashes:
    found = np.zeros(size, np.uint64)
    np.add.at(found, place, hashes)
    return found


@dataclass(frozen=True, eq=False)
class Histories:
    """Customer i's events are codes[offsets[i]:offsets[i + 1]], oldest first; `kind` is a position in what is read."""

    codes: Ints
    kind: Ints
    at: Ints  # microseconds
    offsets: Ints

    @classmethod
    def of(
        cls, past: Interactions, code: Ints, reads: Sequence[str], rows: Ints | None = None, newest: int | None = None
    ) -> Histories:
        """The events that are read, with a known item, of these customers; at most the `newest` of each.

        Events of one instant have no order of their own: they stand in that of their codes.
        """
        past = past if rows is None else past.take(rows)
        kinds = np.full(len(EVENT_TYPES), -1, np.int64)
        kinds[[EVENT_TYPES.index(one) for one in reads]] = np.arange(len(reads))
        own, kind = code[past.item], kinds[past.event_type]
        kept = np.flatnonzero((own > 0) & (kind >= 0))
        order = kept[np.lexsort((kind[kept], own[kept], past.occurred_at[kept], past.customer[kept]))]
        offsets = np.searchsorted(past.customer[order], np.arange(len(past) + 1)).astype(np.int64)
        found = cls(own[order], kind[order], past.occurred_at[order], offsets)
        return found if newest is None else found.newest(newest)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        return np.diff(self.offsets)

    def first_of_instant(self) -> Ints:
        """For each event the place in `codes` of the first one of the same customer and instant."""
        row, at = np.repeat(np.arange(len(self)), self.lengths), np.arange(len(self.codes))
        new = np.ones(len(at), bool)
        new[1:] = (np.diff(row) != 0) | (np.diff(self.at) != 0)
        return np.maximum.accumulate(np.where(new, at, 0)) if len(at) else at

    def newest(self, most: int) -> Histories:
        """At most so many events of each customer, the newest."""
        ahead = np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.codes))
        return self.keeping(ahead <= most)

    def keeping(self, kept: NDArray[np.bool_]) -> Histories:
        """Some events of the same customers."""
        row = np.repeat(np.arange(len(self)), self.lengths)
        lengths = np.bincount(row[kept], minlength=len(self))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Histories(self.codes[kept], self.kind[kept], self.at[kept], offsets)

    def hashes(self) -> Hashes:
        """One number a customer, from its events alone."""
        row = np.repeat(np.arange(len(self)), self.lengths)
        place = np.arange(len(self.codes)) - self.offsets[row]
        return mixed(_added(mixed(mixed(self.codes * 64 + self.kind) ^ mixed(place)), row, len(self)))

    def sorted(self) -> Histories:
        """The customers with two events or more, in an order that does not depend on their names."""
        hashes = self.hashes()
        some = np.flatnonzero(self.lengths > 1)
        rows = some[np.argsort(hashes[some], kind="stable")]
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        inside = np.arange(int(offsets[-1])) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Histories(self.codes[inside], self.kind[inside], self.at[inside], offsets)
