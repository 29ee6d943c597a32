"""The words an encoder knows, learnt only from events before its own cutoff.

Frequent items have a word of their own; rare and unknown ones share hashed words, so that no item is ever refused.
Every field has code 0 for "none" or "not known".
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.schema import EVENT_TYPES
from holdfast.core.sequences import EventSequences

Codes = NDArray[np.int64]
#: The fields of a token, in the order of its codes.
FIELDS = ("kind", "item", "category", "channel", "amount", "lines", "hour", "weekday", "gap")
KIND, ITEM, CATEGORY, GAP = (FIELDS.index(one) for one in ("kind", "item", "category", "gap"))
#: Code of the token that opens every window; real types follow it.
START = 0
#: An item needs so many events for a word of its own.
LEAST = 5
_MOST_NAMES, _AMOUNTS, _LINES = 254, 16, 8
#: Time gaps in days that part the gap words: a minute, ten, an hour, six, a day, ... three years.
GAP_EDGES: tuple[float, ...] = (
    0.0007, 0.007, 0.042, 0.25, 0.75, 1.5, 2.5, 3.5, 5, 6.5, 8, 11, 15, 20, 26, 33, 45, 60, 80, 110, 150, 220, 370, 750, 1100,
)  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """Names with a code of their own (position + 1 in each tuple) and the edges of the money buckets."""

    items: tuple[str, ...]
    buckets: int
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    amount_edges: tuple[float, ...]
    item_share: tuple[float, ...]  # how often each item code occurred, code 0 first; what negatives are drawn from

    @classmethod
    def learn(cls, told: EventSequences, items: int, buckets: int) -> Vocabulary:
        """Learn from every event that these sequences see.

        >>> from holdfast.core.clock import Cutoff
        >>> from holdfast.core.sequences import tiny_sequences
        >>> Vocabulary.learn(tiny_sequences({"ann": [(1, "view")]}, Cutoff.parse("2024-01-10")), 10, 4).sizes
        (25, 5, 2, 2, 17, 9, 25, 8, 27)
        """
        events, at = told.events, told.positions
        own = _frequent(events.items, events.item[at], items)
        known = events.amount[at][events.amount[at] >= 0]
        shares = np.arange(1, _AMOUNTS) / _AMOUNTS
        edges = np.unique(np.quantile(known, shares)) if len(known) else np.array([])
        found = cls(
            own, buckets, _frequent(told.categories, told.category, _MOST_NAMES, least=1),
            _frequent(events.channels, events.channel[at], _MOST_NAMES, least=1), tuple(edges.tolist()), (),
        )  # fmt: skip
        counts = np.bincount(found.item_codes(events.items, events.item[at]), minlength=found.sizes[ITEM])
        share = (counts + 1.0) / (counts + 1.0).sum()
        return replace(found, item_share=tuple(np.round(share, 9).tolist()))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each of FIELDS has."""
        return (
            len(EVENT_TYPES) + 2, 1 + len(self.items) + self.buckets, 2 + len(self.categories), 2 + len(self.channels),
            _AMOUNTS + 1, _LINES + 1, 25, 8, len(GAP_EDGES) + 2,
        )  # fmt: skip

    def item_codes(self, names: pa.Array, positions: NDArray[Any]) -> Codes:
        """Codes of items given as positions in `names`."""
        place = {name: at + 1 for at, name in enumerate(self.items)}
        needed = np.unique(positions[positions >= 0])
        code = np.zeros(len(names) + 1, np.int64)  # the last stands for -1: none
        for at, name in zip(needed.tolist(), names.take(pa.array(needed)).to_pylist(), strict=True):
            hashed = 1 + len(self.items) + zlib.crc32(str(name).encode()) % self.buckets
            code[at] = place.get(name, hashed)
        return np.asarray(code[positions], np.int64)

    def codes(self, told: EventSequences) -> NDArray[np.uint16]:
        """(events x FIELDS) codes of everything these sequences see; the gap is the time since the row's event before."""
        events, at = told.events, told.positions
        found = np.zeros((len(at), len(FIELDS)), np.uint16)
        found[:, KIND] = np.where(events.kind[at] < 0, len(EVENT_TYPES) + 1, events.kind[at] + 1)
        found[:, ITEM] = self.item_codes(events.items, events.item[at])
        found[:, CATEGORY] = _coded(self.categories, told.categories, told.category)
        found[:, 3] = _coded(self.channels, events.channels, events.channel[at])
        amount = events.amount[at]
        found[:, 4] = np.where(amount < 0, 0, 1 + np.searchsorted(self.amount_edges, amount, side="right"))
        found[:, 5] = 1 + np.minimum(np.log2(np.maximum(events.lines[at], 1)).astype(np.int64), _LINES - 1)
        found[:, 6] = np.clip(events.hour[at], -1, 23) + 1
        found[:, 7] = events.weekday[at] + 1
        found[:, GAP] = gap_codes(gaps(told))
        return found

    def as_dict(self) -> dict[str, Any]:
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Vocabulary:
        given: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in saved.items()}
        return cls(**given)


def gaps(told: EventSequences) -> NDArray[np.float32]:
    """Days since the same row's event before; NaN for the first one kept.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.sequences import tiny_sequences
    >>> gaps(tiny_sequences({"ann": [(3, "view"), (1, "view")]}, Cutoff.parse("2024-01-10"))).tolist()
    [nan, 2.0]
    """
    at = told.events.occurred_at[told.positions]
    found = np.full(len(at), np.nan, np.float32)
    found[1:] = np.diff(at) / 86_400e6
    found[told.offsets[:-1][told.lengths > 0]] = np.nan
    return found


def gap_codes(days: NDArray[np.float32]) -> Codes:
    """0 where nothing is known, else 1 + the interval of GAP_EDGES."""
    found = 1 + np.searchsorted(GAP_EDGES, np.nan_to_num(days), side="right")
    return np.where(np.isnan(days), 0, found).astype(np.int64)


def _frequent(names: pa.Array, positions: NDArray[Any], most: int, least: int = LEAST) -> tuple[str, ...]:
    """The names that occur most, most frequent first, ties by name: independent of how they were numbered."""
    counts = np.bincount(positions[positions >= 0], minlength=len(names))
    enough = np.flatnonzero(counts >= least)
    named = zip(counts[enough].tolist(), names.take(pa.array(enough)).to_pylist(), strict=True)
    return tuple(name for _, name in sorted(named, key=lambda one: (-one[0], one[1]))[:most])


def _coded(known: tuple[str, ...], names: pa.Array, positions: NDArray[Any]) -> Codes:
    """0 none, 1 a name not known, 2 and on the known ones."""
    place = {name: at + 2 for at, name in enumerate(known)}
    code = np.array([*(place.get(name, 1) for name in names.to_pylist()), 0], np.int64)
    return np.asarray(code[positions], np.int64)
