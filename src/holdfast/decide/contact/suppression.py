"""Whom never to write to, whatever the purpose: a list in the shop folder.

A suppression names a customer or an address, on one channel or (empty) on all. It is for hard reasons: an address that
bounces, a legal demand, a death. It stops transactional messages, too; an unsubscription does not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import InputRefused
from holdfast.core.registry import nearest

_COLUMNS = ("customer_id", "address", "channel", "reason")
#: The channel of an entry that holds on every channel.
_ANY = ""


def plain(address: str) -> str:
    """An address as it is compared: without case, blanks and the punctuation of telephone numbers.

    >>> plain(" Ann@Shop.Example "), plain("+49 (30) 12-34"), plain("0049 30 1234")
    ('ann@shop.example', '+49301234', '+49301234')
    """
    text = "".join(address.split()).casefold()
    if "@" in text or not any(one.isdigit() for one in text):
        return text
    digits = "".join(one for one in text if one not in "()-./")
    return f"+{digits[2:]}" if digits.startswith("00") else digits


@dataclass(frozen=True)
class Suppression:
    """Customers and addresses that are never written to, by channel ("" = every channel).

    >>> listed = Suppression.parse("customer_id,address,channel\\nc1,,\\n,Ann@x.example,mail\\n")
    >>> listed.stops("mail", "c1", ""), listed.stops("sms", "c9", "ann@x.example"), listed.stops("mail", "c9", "ann@x.example")
    (True, False, True)
    """

    customers: frozenset[tuple[str, str]] = frozenset()
    addresses: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, customers: Iterable[tuple[str, str]] = (), addresses: Iterable[tuple[str, str]] = ()) -> Suppression:
        """From pairs (channel, customer_id) and (channel, address)."""
        return cls(frozenset(customers), frozenset((channel, plain(one)) for channel, one in addresses))

    @classmethod
    def parse(cls, text: str, where: str = "suppressed.csv") -> Suppression:
        """Read the list: columns customer_id or address, channel (empty: all), reason (for people).

        Raises `InputRefused`: a list that is read wrongly lets through whom it should stop.
        """
        rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
        names = [str(one).strip() for one in rows.fieldnames or ()]
        rows.fieldnames = names
        if unknown := [one for one in names if one not in _COLUMNS]:
            raise InputRefused(
                f"unknown column {unknown[0]!r}", where=where, remedy=nearest(unknown[0], list(_COLUMNS))
            )
        if names and not {"customer_id", "address"} & set(names):
            raise InputRefused("no column says who", where=where, remedy="name a column customer_id or address")
        customers, addresses = set(), set()
        try:
            for row in rows:
                if None in row:
                    raise InputRefused(f"line {rows.line_num} has more cells than the header", where=where)
                channel, who, address = ((row.get(n) or "").strip() for n in ("channel", "customer_id", "address"))
                if not who and not address:
                    raise InputRefused(f"line {rows.line_num} names nobody", where=where, remedy="fill or delete it")
                customers |= {(channel, who)} if who else set()
                addresses |= {(channel, plain(address))} if address else set()
        except csv.Error as error:
            raise InputRefused(f"line {rows.line_num} is not CSV: {error}", where=where) from error
        return cls(frozenset(customers), frozenset(addresses))

    def stops(self, channel: str, customer_id: str, address: str) -> bool:
        """Whether this customer, at this address, is never written to on this channel."""
        channels = (_ANY, channel)
        return any((one, customer_id) in self.customers for one in channels) or (
            bool(address) and any((one, plain(address)) in self.addresses for one in channels)
        )

    def stops_all(self, channel: str, customer_id: pa.Array, address: pa.Array | None) -> NDArray[np.bool_]:
        """The same for many."""
        stopped = _in(customer_id, self.customers, channel)
        if address is not None and self.addresses:
            unique = address.dictionary_encode()
            same = pa.array([None if one is None else plain(one) for one in unique.dictionary.to_pylist()], pa.string())
            stopped |= _in(pc.take(same, unique.indices), self.addresses, channel)
        return stopped


def _in(values: pa.Array, listed: frozenset[tuple[str, str]], channel: str) -> NDArray[np.bool_]:
    wanted = pa.array([one for on, one in listed if on in (_ANY, channel)], pa.string())
    if not len(wanted) or not len(values):
        return np.zeros(len(values), bool)
    return np.asarray(pc.fill_null(pc.is_in(values, value_set=wanted), False).to_numpy(zero_copy_only=False), bool)
