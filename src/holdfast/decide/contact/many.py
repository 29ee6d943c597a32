"""The contact rules for many customers at once: the same answers as `due`, one array operation for each rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import from_micros, to_micros
from holdfast.core.contact import ALL, REASONS, Blocked
from holdfast.decide.contact.consent import REFUSED, UNKNOWN, consent_all
from holdfast.decide.contact.people import People
from holdfast.decide.contact.rules import Rules

Micros = NDArray[np.int64]
#: Codes of `Due.code`: 0 is due, the others index `REASONS` from 1.
CODES: tuple[str, ...] = ("", *REASONS)


@dataclass(frozen=True)
class Due:
    """For each customer the first instant (us, UTC) at which the message may be sent, or the code of why it may not.

    >>> Due("mail", np.array([0, 0]), np.array([0, 4], np.int8)).counts()
    {'unsubscribed': 1}
    """

    channel: str
    at: Micros
    code: NDArray[np.int8]

    @property
    def open(self) -> NDArray[np.bool_]:
        """Who may be written to at some time."""
        return np.asarray(self.code == 0)

    def by(self, until: datetime) -> NDArray[np.bool_]:
        """Who may be written to by then, that instant included."""
        return np.asarray(self.open & (self.at <= to_micros(until)))

    def one(self, row: int) -> datetime | Blocked:
        """The answer for one customer, as `due` gives it."""
        code = int(self.code[row])
        return Blocked(CODES[code], self.channel) if code else from_micros(int(self.at[row]))

    def counts(self) -> dict[str, int]:
        """Blocked customers by reason."""
        return {CODES[i]: int(n) for i, n in enumerate(np.bincount(self.code)) if i and n}


def due_all(people: People, channel: str, purpose: str, now: datetime, history: pa.Table, rules: Rules) -> Due:
    """`due` for every customer; `history` has the columns of `core.contact.CONTACTS`.

    >>> people = People.of(pa.table({"customer_id": ["a", "b"], "consents": ['{"mail": true}', None]}), "UTC")
    >>> from holdfast.core.contact import CONTACTS
    >>> from datetime import UTC
    >>> found = due_all(people, "mail", "marketing", datetime(2024, 5, 1, tzinfo=UTC), CONTACTS.empty_table(), Rules())
    >>> found.one(0), found.one(1)
    (datetime.datetime(2024, 5, 1, 0, 0, tzinfo=datetime.timezone.utc), Blocked(code='consent_unknown', detail='mail'))
    """
    at, code = np.full(len(people), to_micros(now), np.int64), np.zeros(len(people), np.int8)
    if not channel or not len(people):
        return Due(channel, at, code)
    code[rules.suppression.stops_all(channel, people.customer_id, people.addresses.get(channel))] = _code("suppressed")
    if rules.exempt(purpose):
        return Due(channel, at, code)
    for reason, rows in _refused(people, channel, purpose, rules):
        code[rows & (code == 0)] = _code(reason)
    open_rows = np.flatnonzero(code == 0)
    at[open_rows] = _waited(people.take(open_rows), channel, at[open_rows], history, rules)
    return Due(channel, at, code)


def _code(reason: str) -> int:
    return CODES.index(reason)


def _refused(people: People, channel: str, purpose: str, rules: Rules) -> list[tuple[str, NDArray[np.bool_]]]:
    agreed = consent_all(people.consents, purpose, channel)
    return [
        ("channel_off", np.full(len(people), rules.off(channel))),
        ("unsubscribed", people.unsubscribed(channel)),
        ("no_consent", agreed == REFUSED),
        ("consent_unknown", (agreed == UNKNOWN) & (not rules.unknown_allowed)),
    ]


def _waited(people: People, channel: str, at: Micros, history: pa.Table, rules: Rules) -> Micros:
    """Instants pushed past caps and quiet hours until neither pushes any more."""
    barred = _barred(people, channel, int(at[0]) if len(at) else 0, history, rules)
    quiet, zones = rules.quiet_on(channel), people.zone
    codes, names = zones.indices.to_numpy(), zones.dictionary.to_pylist()
    moving = np.arange(len(at))
    while len(moving):
        before = at[moving].copy()
        for who, low, high in barred:
            hit = (low < at[who]) & (at[who] < high)
            np.maximum.at(at, who[hit], high[hit])
        if quiet is not None:
            for code, name in enumerate(names):
                rows = moving[codes[moving] == code]
                at[rows] = quiet.ends_all(at[rows], name)
        moving = moving[at[moving] != before]
        # Only spans of customers who still move matter in the next round.
        still = np.zeros(len(at), bool)
        still[moving] = True
        barred = [(who[still[who]], low[still[who]], high[still[who]]) for who, low, high in barred]
    return at


def _barred(
    people: People, channel: str, now: int, history: pa.Table, rules: Rules
) -> list[tuple[Micros, Micros, Micros]]:
    """Per cap: (row, low, high) of every span of time in which it bars one message more."""
    exempt = pc.or_(
        pc.fill_null(history["transactional"], False),
        pc.fill_null(pc.is_in(history["purpose"], value_set=pa.array(sorted(rules.transactional), pa.string())), False),
    )
    counted = history.filter(pc.invert(exempt))
    who, when = people.rows(counted["customer_id"]), counted["at"].cast(pa.int64()).to_numpy()
    own = np.asarray(pc.fill_null(pc.equal(counted["channel"], channel), True).to_numpy(zero_copy_only=False), bool)
    order = np.lexsort((when, who))
    who, when, own = who[order], when[order], own[order]
    out = []
    for scope, cap in rules.caps_on(channel):
        rows = (who >= 0) & (own if scope != ALL else True)
        mine, times, width = who[rows], when[rows], cap.window.micros
        runs = max(len(times) - cap.count + 1, 0)  # of `count` messages in a row
        first, last, whose = times[:runs], times[cap.count - 1 :], mine[cap.count - 1 :]
        close = (mine[:runs] == whose) & (last - first < width) & (first + width > now)
        out.append((whose[close], last[close] - width, first[close] + width))
    return out
