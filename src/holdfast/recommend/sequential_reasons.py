"""Why the network names an item: the event of the past whose removal lowers the item's score most (occlusion).

Zeiler & Fergus 2014. What is said is measured on the network itself, history by history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Items
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text
from holdfast.recommend.neighbours_words import day_text, done_text, title_of
from holdfast.recommend.sequential_order import Histories

Ints = NDArray[np.int64]
_WHOLE = Text("often follows a history like yours", "与您经历相似的顾客接下来常选")
_NOTHING = Text("nothing is known yet that would speak for it", "目前还没有可以说明的依据")


@dataclass(frozen=True, eq=False)
class Asked:
    """Pairs to explain: `place` says which of the histories, `item` is a column of the catalogue."""

    told: Histories
    place: Ints
    item: NDArray[Any]
    code: Ints
    items: Items
    reads: tuple[str, ...]
    cutoff: Cutoff
    zone: str


def because(
    asked: Asked, vectors: NDArray[np.float32] | None, states: Callable[[Histories], NDArray[np.float32]]
) -> list[Text]:
    """One sentence a pair. An item that occurs twice in a history is removed as a whole; its newest date is named."""
    if vectors is None:
        return [_NOTHING] * len(asked.place)
    whole = states(asked.told)
    found: list[Text] = [_NOTHING] * len(asked.place)
    for who in np.unique(asked.place):
        start, stop = int(asked.told.offsets[who]), int(asked.told.offsets[who + 1])
        codes = asked.told.codes[start:stop]
        if not len(codes):
            continue
        pairs = np.flatnonzero(asked.place == who)
        left_out = np.unique(codes)
        drop = (whole[who] - states(_without(asked.told, start, stop, left_out))) @ vectors[
            asked.code[asked.item[pairs]]
        ].T
        for column, pair in enumerate(pairs):
            if asked.code[asked.item[pair]] == 0:
                continue
            falls = drop[:, column] if len(left_out) > 1 else np.ones(1)  # with one item in it, nothing else can speak
            best = int(falls.argmax())
            newest = start + int(np.flatnonzero(codes == left_out[best])[-1])
            found[pair] = _said(asked, newest) if falls[best] > 0 else _WHOLE
    return found


def _without(told: Histories, start: int, stop: int, left_out: Ints) -> Histories:
    """One history many times over, each time without one of these codes."""
    codes = np.tile(told.codes[start:stop], len(left_out))
    kind, at = (np.tile(one[start:stop], len(left_out)) for one in (told.kind, told.at))
    offsets = np.arange(len(left_out) + 1) * (stop - start)
    return Histories(codes, kind, at, offsets).keeping(codes != np.repeat(left_out, stop - start))


def _said(asked: Asked, event: int) -> Text:
    column = int(np.flatnonzero(asked.code == asked.told.codes[event])[0])
    title = title_of(asked.items, column)
    day = day_text(int(asked.told.at[event]), asked.cutoff, asked.zone)
    done = done_text(EVENT_TYPES.index(asked.reads[int(asked.told.kind[event])]))
    return Text(f"because of {title} that you {done.en} {day.en}", f"因为您{day.zh}{done.zh}了{title}")
