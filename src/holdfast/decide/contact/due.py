"""When may this customer be contacted? One customer, plainly; `many.due_all` is the same for a million."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from holdfast.core.clock import from_micros, to_micros, zone
from holdfast.core.contact import ALL, Blocked, Cap
from holdfast.decide.contact.consent import consent
from holdfast.decide.contact.customer import Customer
from holdfast.decide.contact.rules import Rules


class Contact(NamedTuple):
    """A message that left or is about to: on which channel (None: not known, counts against every channel) and when."""

    channel: str | None
    at: datetime
    purpose: str = "marketing"
    transactional: bool = False


def due(
    customer: Customer, channel: str, purpose: str, now: datetime, history: Sequence[Contact], rules: Rules
) -> datetime | Blocked:
    """The first instant from `now` on (UTC) at which this message may be sent, or why it may not.

    A treatment without a channel ("") sends nothing: it is due at once. Suppression stops everything else. A
    transactional purpose is then due at once; other messages need an open channel, no unsubscription, consent, and
    wait for caps and quiet hours.

    >>> from holdfast.decide.contact.rules import caps_of
    >>> rules = Rules(caps_of({"mail": "3 per 7d"}))
    >>> sent = [Contact("mail", datetime(2024, 5, day, 9, tzinfo=UTC)) for day in (1, 2, 3)]
    >>> due(Customer("c1", consents={"mail": True}), "mail", "marketing", datetime(2024, 5, 4, tzinfo=UTC), sent, rules)
    datetime.datetime(2024, 5, 8, 9, 0, tzinfo=datetime.timezone.utc)
    >>> due(Customer("c1", consents={"mail": False}), "mail", "marketing", datetime(2024, 5, 4, tzinfo=UTC), sent, rules)
    Blocked(code='no_consent', detail='mail')
    """
    moment = now.astimezone(UTC)
    if not channel:
        return moment
    if rules.suppression.stops(channel, customer.customer_id, customer.addresses.get(channel, "")):
        return Blocked("suppressed", channel)
    if rules.exempt(purpose):
        return moment
    if (why := _refused(customer, channel, purpose, rules)) is not None:
        return Blocked(why, channel)
    barred = [span for scope, cap in rules.caps_on(channel) for span in _barred(cap, scope, history, rules)]
    quiet, where = rules.quiet_on(channel), zone(customer.zone)
    while True:
        at = to_micros(moment)
        later = from_micros(max((high for low, high in barred if low < at < high), default=at))
        if quiet is not None:
            later = quiet.ends(later, where)
        if later == moment:
            return moment
        moment = later


def _refused(customer: Customer, channel: str, purpose: str, rules: Rules) -> str | None:
    if rules.off(channel):
        return "channel_off"
    if customer.left(channel):
        return "unsubscribed"
    agreed = consent(customer.consents, purpose, channel)
    if agreed is None:
        return None if rules.unknown_allowed else "consent_unknown"
    return None if agreed else "no_consent"


def _barred(cap: Cap, scope: str, history: Sequence[Contact], rules: Rules) -> list[tuple[int, int]]:
    times = sorted(
        to_micros(one.at)
        for one in history
        if (scope == ALL or one.channel in (None, scope)) and not (one.transactional or rules.exempt(one.purpose))
    )
    low, high = cap.barred(np.array(times, np.int64))
    return list(zip(low.tolist(), high.tolist(), strict=True))
