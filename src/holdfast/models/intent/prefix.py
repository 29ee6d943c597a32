"""The same numbers for millions of sessions at once, after their first k events; and whether they bought later.

A row exists only where a session has k events and none of them is a purchase: the question is still open. The label
looks strictly behind the k-th event; the features never do, and the visitor's history ends where the session begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import TooLittleData
from holdfast.core.tables import FeatureTable, Key, Outcomes
from holdfast.models.intent.sessions import ACTS, GAP_MINUTES, PURCHASE, Sessions
from holdfast.models.intent.state import COLUMNS, DAY_MICROS, NAMES

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
#: After how many events a session is asked about.
LENGTHS = (1, 2, 3, 5, 10, 20)
#: A session has no cutoff of its own in the feature table: its id says which one it is.
ONE_INSTANT = Cutoff.from_micros(0)
#: Predictions carry a horizon; here it is the rest of the session.
REST_OF_SESSION = Horizon.parse("1h")


@dataclass(frozen=True)
class Prefixes:
    """Sessions after k events: features, whether they bought later, and which session and customer they are."""

    features: FeatureTable
    bought: NDArray[np.bool_]
    length: Codes = field(repr=False)
    session: Codes = field(repr=False)
    customer: Codes = field(repr=False)
    begins: Codes = field(repr=False)
    ends: Codes = field(repr=False)

    def __len__(self) -> int:
        return len(self.bought)

    def take(self, rows: NDArray[np.bool_] | Codes) -> Prefixes:
        return Prefixes(
            self.features.take(rows), self.bought[rows], self.length[rows], self.session[rows], self.customer[rows],
            self.begins[rows], self.ends[rows],
        )  # fmt: skip

    @property
    def outcomes(self) -> Outcomes:
        """The label in the shape that models learn from: `churned` stands for "bought later"."""
        ones, none = np.ones(len(self)), np.zeros(len(self), np.int64)
        return Outcomes(
            self.features.key, REST_OF_SESSION, self.bought, self.bought.astype(np.int64), none, ones, self.bought
        )  # fmt: skip


def prefixes(
    sessions: Sessions, lengths: Sequence[int] = LENGTHS, *, known_until: int | None = None,
    closing_minutes: float = GAP_MINUTES,
) -> Prefixes:  # fmt: skip
    """Every session after each of these numbers of events. Raises `TooLittleData` where none is long enough.

    `known_until` (microseconds UTC, default: the last event) is where knowledge ends. A session that began less than
    `closing_minutes` before may still go on, so its label is not known: it is left out, by when it began, never by how
    long it has lasted, because buyers stay longer.
    """
    until = int(sessions.micros.max()) if known_until is None else known_until
    closed = sessions.begins + int(closing_minutes * 60e6) <= until
    past = _history(sessions)
    parts = [one for k in lengths if (one := _after(sessions, k, past, closed)) is not None]
    if not parts:
        raise TooLittleData(f"no session has {min(lengths)} events before it buys", remedy="ask after fewer events")
    values = np.vstack([values for _, _, values in parts]).astype(np.float32)
    session, length = np.concatenate([at for at, _, _ in parts]), np.concatenate([k for _, k, _ in parts])
    names = [f"{sessions.names[at]}#{k}" for at, k in zip(session, length, strict=True)]
    features = FeatureTable(Key.of(pa.array(names, pa.string()), ONE_INSTANT), COLUMNS, values)
    return Prefixes(
        features, _later(sessions, session, length), length, session, sessions.customer[session],
        sessions.begins[session], sessions.ends[session],
    )  # fmt: skip


def _later(sessions: Sessions, session: Codes, length: Codes) -> NDArray[np.bool_]:
    """Is there a purchase behind the k-th event?"""
    until = np.r_[0, np.cumsum(sessions.act == PURCHASE)]
    first = sessions.start[session]
    return np.asarray(until[first + sessions.size[session]] - until[first + length] > 0)


def _history(sessions: Sessions) -> tuple[Floats, Floats, Floats]:
    """Earlier sessions, earlier buying sessions, and the instant the last of them ended (NaN: none), by session.

    Earlier means ended before this one began: of sessions side by side neither knows the other.
    """
    n = len(sessions)
    count, bought, last = np.zeros(n), np.zeros(n), np.full(n, np.nan)
    begins, ends, buys = sessions.begins, sessions.ends, sessions.buys() > 0
    order = np.lexsort((begins, sessions.customer))
    edges = np.flatnonzero(np.r_[True, np.diff(sessions.customer[order]) != 0])
    for rows in np.split(order, edges[1:]):
        if len(rows) < 2:
            continue
        by_end = rows[np.argsort(ends[rows], kind="stable")]
        known = np.searchsorted(ends[by_end], begins[rows], side="left")
        count[rows], bought[rows] = known, np.r_[0, np.cumsum(buys[by_end])][known]
        last[rows] = np.where(known > 0, ends[by_end][np.maximum(known - 1, 0)], np.nan)
    return count, bought, last


def _after(
    sessions: Sessions, k: int, past: tuple[Floats, Floats, Floats], closed: NDArray[np.bool_]
) -> tuple[Codes, Codes, Floats] | None:
    """Sessions still open after k events, k for each, and their features."""
    able = np.flatnonzero((sessions.size >= k) & closed)
    place = sessions.start[able][:, None] + np.arange(k)
    able = able[~(sessions.act[place] == PURCHASE).any(axis=1)] if len(able) else able
    if not len(able):
        return None
    place = sessions.start[able][:, None] + np.arange(k)
    return able, np.full(len(able), k, np.int64), _features(sessions, able, place, past)


def _features(sessions: Sessions, able: Codes, place: Codes, past: tuple[Floats, Floats, Floats]) -> Floats:
    act, micros = sessions.act[place], sessions.micros[place]
    count = {name: (act == at).sum(axis=1).astype(np.float64) for at, name in enumerate(ACTS)}
    cart = np.isin(act[:, -1], [ACTS.index(one) for one in ("cart_add", "cart_remove", "checkout")])
    items, most = _distinct(sessions.item[place])
    gap = (micros[:, -1] - micros[:, -2]) / 1e6 if place.shape[1] > 1 else np.full(len(able), np.nan)
    angle = 2 * np.pi * sessions.hour[place[:, -1]] / 24
    before, bought, last = (one[able] for one in past)
    columns = {
        "event_count": np.full(len(able), float(place.shape[1])), "view_count": count["view"] + count["list_view"],
        "search_count": count["search"], "cart_add_count": count["cart_add"],
        "cart_remove_count": count["cart_remove"], "wishlist_count": count["wishlist"],
        "checkout_count": count["checkout"], "in_cart": np.maximum(0.0, count["cart_add"] - count["cart_remove"]),
        "last_is_cart": cart.astype(np.float64), "item_count": items, "most_of_one_item": most,
        "category_count": _distinct(sessions.category[place])[0], "dwell_seconds": (micros[:, -1] - micros[:, 0]) / 1e6,
        "last_gap_seconds": gap, **_priced(sessions.price[place]), "hour_sin": np.sin(angle), "hour_cos": np.cos(angle),
        "sessions_before": before, "purchases_before": bought, "days_since_session": (micros[:, 0] - last) / DAY_MICROS,
    }  # fmt: skip
    return np.column_stack([columns[name] for name in NAMES])


def _distinct(codes: Codes) -> tuple[Floats, Floats]:
    """Different codes in each row (-1 is none), and how often the commonest of them comes."""
    ordered = np.sort(codes, axis=1)
    new = np.c_[np.ones(len(codes), bool), np.diff(ordered, axis=1) != 0]
    run = np.zeros(codes.shape, np.int64)
    for at in range(codes.shape[1]):
        run[:, at] = np.where(new[:, at], 1, run[:, at - 1] + 1)
    known = ordered >= 0
    return (new & known).sum(axis=1).astype(np.float64), np.where(known, run, 0).max(axis=1).astype(np.float64)


def _priced(price: Floats) -> dict[str, Floats]:
    known = np.isfinite(price)
    some = known.any(axis=1)
    low = np.where(known, price, np.inf).min(axis=1)
    high = np.where(known, price, -np.inf).max(axis=1)
    mean = np.where(some, np.where(known, price, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)
    newest = price.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    last = np.where(some, price[np.arange(len(price)), newest], np.nan)
    spread = np.divide(high, low, out=np.full(len(price), np.nan), where=some & (low > 0))
    return {"price_mean": mean, "price_last": last, "price_spread": spread}
