"""What comes next in a session: the recent sessions most like this one say it.

VMIS-kNN: Kersbergen, Sprangers, Schelter 2022, Serenade: low-latency session-based recommendation, SIGMOD. The weights of
positions and distances follow VSTAN: Ludewig, Mauro, Latifi, Jannach 2021, User Modeling and User-Adapted Interaction 31.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text
from holdfast.recommend.lane import Lane
from holdfast.recommend.neighbours_words import done_text, title_of
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.session_index import SessionIndex, sessions_of, turns_in

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
#: What a customer did by hand in a session; seeing a list or a message is no interest yet.
ACTS: tuple[str, ...] = ("view", "click", "cart_add", "wishlist", "checkout", "purchase", "review")
_NO_LINK = Text("no session like yours leads to it", "没有与您相似的访问指向它")


@dataclass(frozen=True)
class Matching:
    """How sessions are matched; see `Session`."""

    neighbours: int = 100
    recent: int = 500
    longest: int = 30
    decay: float = 0.8
    distance_decay: float = 0.8
    before: float = 0.5
    rarity: float = 0.5


@dataclass(frozen=True, eq=False)
class SessionFit(Lane):
    """The index of recent sessions, without customers."""

    items: Items
    index: SessionIndex = field(repr=False)
    matching: Matching
    recommender_id: ClassVar[str] = "session"
    lane: ClassVar[str] = "explore"

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """The newest session of each customer (else the newest order or day) against the index."""
        past = _acts(past.over(self.items))
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        scores = np.full((len(rows), len(self.items)), -np.inf, np.float32)
        for place, customer in enumerate(rows.tolist()):
            items, values = self.next_items(*current(past, customer)[:2])
            scores[place, items] = values
        return scores

    def next_items(self, session: Codes, back: Codes) -> tuple[Ints, Floats]:
        """(items, scores over 0) that follow a session of different items, each so many turns `back`, oldest first."""
        longest = self.matching.longest
        found, weight, turn = self._neighbours(session[-longest:], back[-longest:])
        if not len(found):
            return np.zeros(0, np.int64), np.zeros(0)
        start = self.index.start[found]
        lengths = self.index.start[found + 1] - start
        row = np.repeat(np.arange(len(found)), lengths)
        inside = np.arange(len(row)) - (np.cumsum(lengths) - lengths)[row]
        cell = start[row] + inside
        item, apart = self.index.item[cell], self.index.turn[cell] - turn[row]
        by = self.matching.distance_decay ** np.maximum(np.abs(apart) - 1, 0)
        by *= np.where(apart < 0, self.matching.before, 1.0) * weight[row]
        items, to = np.unique(item, return_inverse=True)
        values = np.bincount(to, by) * self.index.rarity[items] ** self.matching.rarity
        return items.astype(np.int64)[values > 0], values[values > 0]

    def _neighbours(self, session: Codes, back: Codes) -> tuple[Ints, Floats, Codes]:
        """(the most alike of the newest sessions that share an item, how alike, the turn of the newest shared item)."""
        index, matching = self.index, self.matching
        lengths = index.first[session + 1] - index.first[session]
        if not lengths.sum():
            return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32)
        at = np.concatenate([np.arange(a, a + n) for a, n in zip(index.first[session], lengths, strict=True)])
        sessions, to = np.unique(index.holder[at], return_inverse=True)
        newest = to < matching.recent  # numbers follow age: the first are the newest
        at, to, sessions = at[newest], to[newest], sessions[: matching.recent]
        ago, told = np.repeat(back, lengths)[newest], index.rarity[np.repeat(session, lengths)[newest]]
        size = index.start[sessions + 1] - index.start[sessions]
        alike = np.asarray(np.bincount(to, told * matching.decay**ago, len(sessions)) / np.sqrt(size), np.float64)
        shared = np.full(len(sessions), np.iinfo(np.int32).max)
        np.minimum.at(shared, to, ago)
        turn, hit = np.zeros(len(sessions), np.int32), ago == shared[to]
        np.maximum.at(turn, to[hit], index.turn[index.cell[at[hit]]])
        if len(sessions) > matching.neighbours:
            kept = np.sort(np.argsort(-alike, kind="stable")[: matching.neighbours])
            sessions, alike, turn = sessions[kept], alike[kept], turn[kept]
        return sessions.astype(np.int64), alike, turn

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """In how many of the most alike sessions it stood, and after what."""
        past = _acts(past.over(self.items))
        return [self._reason(past, int(who), int(what)) for who, what in zip(customer, item, strict=True)]

    def _reason(self, past: Interactions, customer: int, item: int) -> Text:
        session, back, rows = current(past, customer)
        longest = self.matching.longest
        found, _, _ = self._neighbours(session[-longest:], back[-longest:])
        held = [set(self.index.item[self.index.start[one] : self.index.start[one + 1]].tolist()) for one in found]
        with_it = [one for one in held if item in one]
        if not with_it:
            return _NO_LINK
        # the own item that most of those sessions share; of equals the newest
        shared = [sum(own in one for one in with_it) for own in session.tolist()]
        most = len(shared) - 1 - int(np.argmax(shared[::-1]))
        name, done = title_of(self.items, int(session[most])), done_text(int(past.event_type[rows[most]]))
        count, of = shared[most], len(found)
        return Text(
            f"in {count} of the {of} recent sessions most like yours, with {name} that you {done.en}",
            f"在与您最相似的{of}次近期访问中，有{count}次与您{done.zh}的{name}一起出现",
        )

    def to_bytes(self) -> bytes:
        return pack("session", pack_items(self.items) | self.index.arrays, matching=asdict(self.matching))

    @classmethod
    def from_bytes(cls, data: bytes) -> SessionFit:
        saved, arrays = unpack(data)
        index = SessionIndex(**{name: arrays[name] for name in SessionIndex.__dataclass_fields__})
        return cls(unpack_items(arrays), index, Matching(**saved["matching"]))


@dataclass(frozen=True)
class Session:
    """The `neighbours` most alike of the `recent` newest sessions that share an item with the current one.

    Both count the newest `longest` items. An own item counts `decay` for each one that came after it, times how rare it is;
    an item of a neighbour counts `distance_decay` for each turn between it and the newest shared item, and only `before`
    of that when it came before; the sum is multiplied by its own rarity (idf) to the power `rarity`. The index holds the
    newest `sessions` sessions, without customers.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9.2, "pot"), (9.1, "tea")], "bob": [(3, "pot")]}, Cutoff.parse("2024-01-10"))
    >>> fit = Session().fit(past)
    >>> fit.recommend(past.take(np.array([1])), 1, seen="exclude").to_arrow()["item_id"].to_pylist()
    ['tea']
    >>> fit.reasons(past, np.array([1]), np.array([1]))[0].en
    'in 1 of the 1 recent sessions most like yours, with pot that you bought'
    """

    recommender_id: ClassVar[str] = "session"
    lane: ClassVar[str] = "explore"
    neighbours: int = 100
    recent: int = 500
    longest: int = 30
    decay: float = 0.8
    distance_decay: float = 0.8
    before: float = 0.5
    rarity: float = 0.5
    sessions: int = 500_000

    def fit(self, past: Interactions) -> SessionFit:
        settings: Mapping[str, Any] = {name: getattr(self, name) for name in Matching.__dataclass_fields__}
        index = SessionIndex.of(_acts(past), recent=self.recent, longest=self.longest, sessions=self.sessions)
        return SessionFit(past.items, index, Matching(**settings))


def _acts(past: Interactions) -> Interactions:
    kept = np.isin(past.event_type, [EVENT_TYPES.index(one) for one in ACTS])
    return past if kept.all() else past.keeping(kept)


def current(past: Interactions, customer: int) -> tuple[Codes, Codes, Ints]:
    """(different items of the newest session, oldest first; turns back of each; the row of each one's newest act)."""
    rows = past.rows_of(customer)
    if not len(rows):
        return np.zeros(0, np.int32), np.zeros(0, np.int32), rows
    own = past.take(np.array([customer]))
    number = sessions_of(own)
    rows = rows[number == number[-1]]
    _, last = np.unique(past.item[rows][::-1], return_index=True)
    rows = rows[np.sort(len(rows) - 1 - last)]
    turn = turns_in(past.occurred_at[rows], np.zeros(len(rows)))
    return past.item[rows], turn[-1] - turn, rows


RECOMMENDERS.add(Session.recommender_id, Session)
FITTED_RECOMMENDERS.add(Session.recommender_id, SessionFit)
