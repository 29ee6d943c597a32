"""Person-period rows: one for each customer and bin of days in which the next order was still to come.

A bin is a few days wide, so that a customer costs at most a dozen rows. Within a bin the hazard is taken as constant.
A row tells whether the order came in the bin, and what share of the bin was seen: a silence that ends with our
knowledge in the middle of a bin counts for the part that was watched, never as a whole bin without an order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: The days of the release table `survival`.
RELEASE_DAYS = (7, 14, 30, 60, 90, 180)
#: Edges of the bins in days: finer where most orders fall, and every release day among them.
EDGES = (0.0, 1.0, 3.0, 7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0)


@dataclass(frozen=True)
class Periods:
    """`row` (which customer row), `bin`, `happened` (the order came in it), `seen` (share of the bin watched, > 0)."""

    row: Ints
    bin: Ints
    happened: NDArray[np.bool_]
    seen: Floats

    def __len__(self) -> int:
        return len(self.row)


def checked(duration: NDArray[np.float64], happened: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Durations as float64 and events as bool; refuses what is no length of time.

    >>> checked(np.array([-1.0]), np.array([True]))
    Traceback (most recent call last):
    holdfast.core.errors.UsageError: 1 of 1 durations are negative or not a number. To fix it: ...
    """
    days, events = np.asarray(duration, np.float64), np.asarray(happened, bool)
    if days.shape != events.shape or days.ndim != 1:
        raise UsageError(f"{days.shape} durations but {events.shape} events")
    bad = int((~np.isfinite(days) | (days < 0)).sum())
    if bad:
        raise UsageError(
            f"{bad} of {len(days)} durations are negative or not a number",
            remedy="durations are days from the cutoff to the next order, or to the end of what is known",
        )
    return days, events


def edges_with(*days: float, edges: tuple[float, ...] = EDGES) -> tuple[float, ...]:
    """The edges with these days among them, so that no survival asked for lies inside a bin.

    >>> edges_with(10.0, edges=(0.0, 7.0, 14.0))
    (0.0, 7.0, 10.0, 14.0)
    """
    return tuple(sorted({*edges, *(float(day) for day in days if day > 0)}))


def known_days(duration: Floats, happened: NDArray[np.bool_], group: Ints) -> Floats:
    """How far each row's slice was watched: the longest censored duration of its group, infinity where none was."""
    _, codes = np.unique(group, return_inverse=True)
    longest = np.full(int(codes.max()) + 1 if len(codes) else 0, -1.0)
    np.maximum.at(longest, codes[~happened], duration[~happened])
    return np.asarray(np.where(longest < 0, np.inf, longest)[codes], np.float64)


def periods(duration: Floats, happened: NDArray[np.bool_], group: Ints, edges: tuple[float, ...] = EDGES) -> Periods:
    """Person-period rows of all durations, by customer row and bin. `group` names the slice of each row.

    An order in a bin that the slice could only half watch is an order in that half: `seen` says so for it as well,
    or rows without an order would weigh too little beside those with one.

    >>> found = periods(np.array([2.0, 5.0]), np.array([True, False]), np.array([0, 0]), (0.0, 1.0, 3.0, 7.0))
    >>> found.row.tolist(), found.bin.tolist(), found.happened.tolist(), found.seen.tolist()
    ([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], [False, True, False, False, False], [1.0, 1.0, 1.0, 1.0, 0.5])
    """
    left, right = np.array(edges[:-1]), np.array(edges[1:])
    until = np.where(happened, known_days(duration, happened, group), duration)
    last = np.where(happened, duration, np.nextafter(duration, -1.0))  # censored on an edge: the next bin was not seen
    bins = np.clip(np.searchsorted(left, last, side="right"), 0, len(left))
    row = np.repeat(np.arange(len(duration)), bins)
    at = np.arange(len(row)) - np.repeat(np.cumsum(bins) - bins, bins)
    came = happened[row] & (duration[row] < right[at])
    share = np.clip((until[row] - left[at]) / (right[at] - left[at]), 0.0, 1.0)
    seen = np.where(came | (until[row] < right[at]), share, 1.0)
    kept = seen > 0
    return Periods(row[kept], at[kept], came[kept], seen[kept])
