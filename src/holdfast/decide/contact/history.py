"""Messages that the log knows and the ledger may not: sent by other programs, or before Holdfast."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.contact import CONTACTS
from holdfast.core.decide import Treatment

_MARKETING = "marketing"


def from_events(events: pa.Table) -> pa.Table:
    """`message` events of the log as contacts. One without a channel counts against every channel.

    `channel` of an event says how the customer came; for a message it says how it went. A receipt counts like any other
    message, unless `properties` say what it was for: `{"purpose": "transactional"}`.

    >>> from datetime import UTC, datetime
    >>> at = pa.array([datetime(2024, 5, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    >>> log = pa.table({"customer_id": ["a"], "event_type": ["message"], "channel": ["mail"], "occurred_at": at,
    ...                 "treatment_id": [None], "decision_id": [None]})
    >>> from_events(log).select(["customer_id", "channel", "purpose"]).to_pylist()
    [{'customer_id': 'a', 'channel': 'mail', 'purpose': 'marketing'}]
    """
    sent = events.filter(pc.equal(events["event_type"], "message"))
    return _contacts(sent, sent["channel"], _purposes(sent), sent["occurred_at"])


def from_exposures(exposures: pa.Table, treatments: Mapping[str, Treatment]) -> pa.Table:
    """Delivered treatments as contacts. One of an unknown treatment counts against every channel; `nothing` does not count."""
    sends = [one.treatment_id for one in treatments.values() if not one.channel]
    went = pc.and_(
        pc.is_valid(exposures["delivered_at"]),
        pc.invert(pc.is_in(exposures["treatment_id"], value_set=pa.array(["nothing", *sends], pa.string()))),
    )
    sent = exposures.filter(went)
    known = [treatments.get(one) for one in sent["treatment_id"].to_pylist()]
    channel = pa.array([None if one is None else one.channel for one in known], pa.string())
    purpose = pa.array(["marketing" if one is None else one.purpose for one in known], pa.string())
    return _contacts(sent, channel, purpose, sent["delivered_at"])


def joined(*histories: pa.Table) -> pa.Table:
    """Several histories as one; a decision that two of them know counts once, as the first one tells it."""
    whole = pa.concat_tables([one.select(CONTACTS.names).cast(CONTACTS) for one in histories])
    seen: set[str] = set()
    keep = []
    for decision in whole["decision_id"].to_pylist():
        keep.append(decision is None or decision not in seen)
        seen.add(decision)
    return whole.filter(pa.array(keep, pa.bool_()))


def _contacts(sent: pa.Table, channel: pa.Array, purpose: pa.Array, at: pa.Array) -> pa.Table:
    n = sent.num_rows
    columns = [sent["customer_id"], channel, purpose, sent["treatment_id"], sent["decision_id"], at, pa.array([False] * n, pa.bool_())]  # fmt: skip
    return pa.Table.from_arrays(columns, CONTACTS.names).cast(CONTACTS)


def _purposes(sent: pa.Table) -> pa.Array:
    """What each message was for: as its properties say, else marketing."""
    if "properties" not in sent.column_names:
        return pa.array([_MARKETING] * sent.num_rows, pa.string())
    coded = sent["properties"].combine_chunks().dictionary_encode()
    named = pa.array([_purpose(one) for one in coded.dictionary.to_pylist()], pa.string())
    return pc.fill_null(named.take(coded.indices), _MARKETING)


def _purpose(properties: str) -> str | None:
    try:
        told = json.loads(properties) if '"purpose"' in properties else None
    except ValueError:
        return None
    purpose = told.get("purpose") if isinstance(told, dict) else None
    return purpose if isinstance(purpose, str) and purpose else None
