"""Many customers as the contact rules see them: columns, from the shop's `customers` table and its unsubscriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import available_timezones

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import from_micros
from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT
from holdfast.decide.contact.consent import read
from holdfast.decide.contact.customer import Customer, Unsubscribed
from holdfast.decide.contact.settings import ContactSettings

#: What `People.of` reads of the log's `unsubscribe` events.
LEFT: pa.Schema = pa.schema([("customer_id", pa.string()), ("channel", pa.string()), ("occurred_at", INSTANT)])
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class People:
    """Columns over customers; `zone` names each one's clock, `consents` is JSON, `left` their unsubscriptions (`LEFT`).

    `consented_at` is microseconds, the smallest int64 where not known. `unknown_zones` counts customers whose zone no
    clock knows: they live by the shop's.

    >>> table = pa.table({"customer_id": ["a", "b"], "consents": ['{"mail": true}', None]})
    >>> People.of(table, "Europe/Berlin").one(0)
    Customer(customer_id='a', zone='Europe/Berlin', consents={'mail': True}, ...
    """

    customer_id: pa.Array
    zone: pa.DictionaryArray
    consents: pa.Array
    consented_at: NDArray[np.int64]
    addresses: Mapping[str, pa.Array] = field(default_factory=dict)
    left: pa.Table = field(default_factory=LEFT.empty_table)
    unknown_zones: int = 0

    @classmethod
    def of(
        cls, customers: pa.Table, shop_zone: str, left: pa.Table | None = None, settings: ContactSettings | None = None
    ) -> People:
        """From the shop's `customers` table (its newest row of each customer) and its `unsubscribe` events."""
        rules, n = settings or ContactSettings(), customers.num_rows
        ids = _flat(customers["customer_id"].cast(pa.string()))
        if pc.count_distinct(ids).as_py() != n:
            raise UsageError("a customer has two rows", remedy="hand in the newest row of each customer")
        names = [rules.zone_attribute, *rules.addresses.values()]
        known = _attributes(customers, names)
        zones, unknown = _zones(known[rules.zone_attribute], shop_zone)
        since = customers["valid_from"] if "valid_from" in customers.column_names else pa.nulls(n, INSTANT)
        return cls(
            ids,
            zones,
            _flat(customers["consents"]) if "consents" in customers.column_names else pa.nulls(n, pa.string()),
            np.asarray(pc.fill_null(_flat(since).cast(pa.int64()), _NEVER).to_numpy(zero_copy_only=False), np.int64),
            {channel: known[name] for channel, name in rules.addresses.items()},
            LEFT.empty_table() if left is None else left.select(LEFT.names).cast(LEFT),
            unknown,
        )

    def __len__(self) -> int:
        return len(self.customer_id)

    @cached_property
    def consents_recorded(self) -> bool:
        """Whether the shop has anybody's consent on record."""
        return any(read(one) for one in pc.unique(self.consents).to_pylist())

    def rows(self, customer_id: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """Row of each of these ids, -1 where it is nobody of these."""
        found = pc.fill_null(pc.index_in(_flat(customer_id), value_set=self.customer_id), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def unsubscribed(self, channel: str) -> NDArray[np.bool_]:
        """Who unsubscribed from the channel, or from all, with no consent recorded since."""
        out = np.zeros(len(self), bool)
        on = pc.fill_null(self.left["channel"], "")
        left = self.left.filter(pc.or_(pc.equal(on, ""), pc.equal(on, channel)))
        who, at = self.rows(left["customer_id"]), left["occurred_at"].cast(pa.int64()).to_numpy()
        keep = who >= 0
        who, at = who[keep], at[keep]
        out[who[at >= self.consented_at[who]]] = True
        return out

    def take(self, rows: NDArray[np.int64]) -> People:
        """These rows."""
        at = pa.array(rows)
        held = {channel: one.take(at) for channel, one in self.addresses.items()}
        return People(
            self.customer_id.take(at),
            self.zone.take(at),
            self.consents.take(at),
            self.consented_at[rows],
            held,
            self.left,
        )

    def one(self, row: int) -> Customer:
        """One of them."""
        who, since = self.customer_id[row].as_py(), int(self.consented_at[row])
        return Customer(
            who,
            self.zone[row].as_py(),
            read(self.consents[row].as_py()),
            None if since == _NEVER else from_micros(since),
            {channel: one[row].as_py() for channel, one in self.addresses.items() if one[row].as_py()},
            tuple(self._left.get(who, ())),
        )

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row by customer id."""
        return {one: i for i, one in enumerate(self.customer_id.to_pylist())}

    @cached_property
    def _left(self) -> dict[str, list[Unsubscribed]]:
        out: dict[str, list[Unsubscribed]] = {}
        for one in self.left.to_pylist():
            out.setdefault(one["customer_id"], []).append(Unsubscribed(one["channel"] or "", one["occurred_at"]))
        return out


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _attributes(customers: pa.Table, names: list[str]) -> dict[str, pa.Array]:
    """Text values of these keys of `attributes`; a row is parsed only if it holds one of the names at all."""
    found: dict[str, list[str | None]] = {name: [None] * customers.num_rows for name in names}
    if "attributes" in customers.column_names:
        texts = customers["attributes"]
        for i, text in enumerate(texts.to_pylist()):
            if text and any(name in text for name in names):
                try:
                    held = json.loads(text)
                except ValueError:
                    continue
                for name in names if isinstance(held, dict) else ():
                    value = held.get(name)
                    found[name][i] = str(value) if value not in (None, "") else None
    return {name: pa.array(values, pa.string()) for name, values in found.items()}


def _zones(names: pa.Array, shop_zone: str) -> tuple[pa.DictionaryArray, int]:
    known = available_timezones()
    coded = names.dictionary_encode()
    kept = [one if one in known else None for one in coded.dictionary.to_pylist()]
    unknown = pc.value_counts(coded).to_pylist() if None in kept else []
    lost = sum(one["counts"] for one in unknown if one["values"] is not None and one["values"] not in known)
    return pc.fill_null(pc.take(pa.array(kept, pa.string()), coded.indices), shop_zone).dictionary_encode(), lost
