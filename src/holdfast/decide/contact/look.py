"""A last look before a message leaves: the rules once more, with what has happened since it was planned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.contact import Blocked, Message
from holdfast.core.state import ContactHistory
from holdfast.decide.contact.due import Contact, due
from holdfast.decide.contact.people import People
from holdfast.decide.contact.rules import Rules

Look = Callable[[Message, datetime], "datetime | Blocked"]


def last_look(people: People, rules: Rules, history: ContactHistory, outside: pa.Table | None = None) -> Look:
    """Says of a message, at an instant, when it may leave (that instant: now) or why not.

    `people` are the customers as they are now: who unsubscribed or was suppressed since the plan is not written to. The
    message's own reservation does not count against it. `outside`: contacts of the log that the ledger does not know.
    """
    widths = [cap.window.length for caps in rules.caps.values() for cap in caps]
    reach = max(widths, default=timedelta(0))

    def look(message: Message, now: datetime) -> datetime | Blocked:
        row = people.row_of.get(message.customer_id)
        if row is None:
            return Blocked("forgotten", message.channel)
        known = history.sent([message.customer_id], now - reach, now).to_pylist()
        if outside is not None:
            mine = outside.filter(pc.equal(outside["customer_id"], message.customer_id)).to_pylist()
            ids = {one["decision_id"] for one in known}
            known += [one for one in mine if one["decision_id"] is None or one["decision_id"] not in ids]
        sent = [
            Contact(one["channel"], one["at"], one["purpose"], bool(one["transactional"]))
            for one in known
            if one["decision_id"] != message.decision_id
        ]
        return due(people.one(row), message.channel, message.purpose, now, sent, rules)

    return look
