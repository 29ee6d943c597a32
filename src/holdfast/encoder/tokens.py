"""From sequences to what a network reads: codes, gaps, windows and padded batches. No torch here."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.sequences import EventSequences
from holdfast.encoder.vocabulary import FIELDS, Vocabulary, gaps

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
#: Numbers that describe a customer's silence and age at a cutoff (`standing`).
STANDING = 6


@dataclass(frozen=True, eq=False)
class Tokens:
    """Codes and gaps of sequences, ragged as they are."""

    codes: NDArray[np.uint16]  # events x FIELDS
    gap: Floats  # days since the event before, NaN where not known
    offsets: Ints

    @classmethod
    def of(cls, told: EventSequences, words: Vocabulary) -> Tokens:
        return cls(words.codes(told), gaps(told), told.offsets)


@dataclass(frozen=True, eq=False)
class Windows:
    """Stretches [start, stop) of tokens of one row each; targets before `fresh` belong to the window before."""

    row: Ints
    start: Ints
    stop: Ints
    fresh: Ints

    def __len__(self) -> int:
        return len(self.start)

    @property
    def lengths(self) -> Ints:
        return self.stop - self.start


def windows(offsets: Ints, length: int) -> Windows:
    """Windows of `length` tokens, each half over the one before, so that every state has some past.

    >>> cut = windows(np.array([0, 10, 12]), 4)
    >>> [(int(a), int(b), int(c)) for a, b, c in zip(cut.start, cut.stop, cut.fresh)]
    [(0, 4, 0), (2, 6, 2), (4, 8, 2), (6, 10, 2), (10, 12, 0)]
    """
    step = max(1, length // 2)
    sizes = np.diff(offsets)
    many = 1 + -(-np.maximum(sizes - length, 0) // step)
    row = np.repeat(np.arange(len(sizes)), many)
    number = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    start = offsets[row] + number * step
    stop = np.minimum(start + length, offsets[row + 1])
    return Windows(row, start, stop, np.where(number > 0, length - step, 0))


def window_of(counts: Ints, length: int) -> tuple[Ints, Ints]:
    """(number of the window, place in it) of the state after so many of a row's events."""
    step = max(1, length // 2)
    number = -(-np.maximum(counts - length, 0) // step)
    return number, counts - number * step


@dataclass(frozen=True, eq=False)
class Batch:
    """Padded windows. Place 0 of each is the START token, so a customer without events has a state, too."""

    codes: Ints  # windows x (1 + longest) x FIELDS
    gap: Floats  # windows x (1 + longest); NaN where not known
    lengths: Ints  # tokens of each window, START included


def pad(tokens: Tokens, start: Ints, stop: Ints) -> Batch:
    """The tokens in [start, stop) of each window; what a window begins with has no gap that is known."""
    sizes = stop - start
    longest = int(sizes.max(initial=0))
    codes = np.zeros((len(start), longest + 1, len(FIELDS)), np.int64)
    gap = np.full((len(start), longest + 1), np.nan, np.float32)
    window = np.repeat(np.arange(len(start)), sizes)
    inside = np.arange(len(window)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    where = np.repeat(start, sizes) + inside
    codes[window, inside + 1] = tokens.codes[where]
    gap[window, inside + 1] = tokens.gap[where]
    if longest:
        codes[:, 1, -1], gap[:, 1] = 0, np.nan
    return Batch(codes, gap, sizes + 1)


def standing(silence_days: NDArray[Any], age_days: NDArray[Any], seen: Ints) -> Floats:
    """What the cutoff adds to a state: how long the silence is, how old the customer, how many events there were.

    >>> standing(np.array([0.0]), np.array([0.0]), np.array([0])).round(2).tolist()
    [[0.0, 1.0, 1.0, 1.0, 0.0, 0.0]]
    """
    quiet = np.maximum(np.nan_to_num(silence_days, posinf=36_500.0), 0.0)
    old = np.maximum(np.nan_to_num(age_days, posinf=36_500.0), 0.0)
    parts = [np.log1p(quiet) / 4, np.exp(-quiet / 3), np.exp(-quiet / 15), np.exp(-quiet / 60), np.log1p(old) / 4]
    return np.stack([*parts, np.log1p(seen) / 4], axis=1).astype(np.float32)


def standing_of(told: EventSequences) -> Floats:
    """The same for each row of sequences; a customer without events has been silent since ever."""
    some, cutoff = told.lengths > 0, told.key.cutoff
    last = np.zeros(len(told), np.int64)
    last[some] = told.events.occurred_at[told.positions[told.offsets[1:][some] - 1]]
    silence = np.where(some, (cutoff - last) / 86_400e6, np.inf)
    return standing(silence, (cutoff - told.first_at) / 86_400e6, told.seen)


def held_out(customer_id: pa.Array, share: float, seed: int) -> NDArray[np.bool_]:
    """Whether a customer only says when to stop: by name alone, so that nobody else's presence changes it.

    >>> held_out(pa.array(["ann", "bob", "cem", "dan", "eve"]), 0.5, 1).tolist()
    [False, False, False, True, False]
    """
    salt = f"{seed} ".encode()
    return np.array([zlib.crc32(salt + str(one).encode()) < share * 2**32 for one in customer_id.to_pylist()], bool)


def batches(lengths: Ints, most_tokens: int, random: np.random.Generator | None = None) -> Iterator[Ints]:
    """Windows in batches of like length and at most so many padded tokens; in random order where `random` is given.

    >>> [one.tolist() for one in batches(np.array([1, 5, 1, 5]), 12)]
    [[0, 2], [1, 3]]
    """
    noise = np.zeros(len(lengths)) if random is None else random.random(len(lengths))
    order = np.lexsort((noise, lengths))
    cuts, begin = [], 0
    padded = lengths[order] + 1
    while begin < len(order):
        size = _fitting(padded, begin, most_tokens)
        cuts.append(order[begin : begin + size])
        begin += size
    turn = np.arange(len(cuts)) if random is None else random.permutation(len(cuts))
    for at in turn:
        yield cuts[at]


def _fitting(padded: Ints, begin: int, most_tokens: int) -> int:
    """How many of the windows from `begin` on fit into one batch: the longest is the last."""
    size = max(1, most_tokens // int(padded[begin]))
    while size > 1:
        end = min(begin + size, len(padded))
        fits = max(1, most_tokens // int(padded[end - 1]))
        if end - begin <= fits:
            return end - begin
        size = max(fits, size // 2) if fits < size else size
    return 1
