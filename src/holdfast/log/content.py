"""What a row says, as a hash: the identity of rows that have none of their own."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

_SEPARATOR = "\x1f"
#: 80 bits: two different rows among 50 million share a hash once in a billion shops.
_HASH_LENGTH = 20


def instant(at: datetime) -> ir.TimestampScalar:
    """An instant as a literal of the type that the canonical tables use."""
    return ibis.literal(at, type="timestamp('UTC', 6)")


def content_hash(table: ir.Table, columns: tuple[str, ...], suffix: str = "") -> ir.StringValue:
    """Hash of what a row says, by named columns; a column that is null, or that comes later, changes nothing."""
    parts = [ibis.literal(f"{name}=").concat(text_of(table[name])) for name in columns]
    return ibis.literal(_SEPARATOR + suffix).join(parts).hexdigest("md5").left(_HASH_LENGTH)


def text_of(column: ir.Value) -> ir.StringValue:
    kind = column.type()
    if kind.is_string():
        return column
    if kind.is_timestamp():
        return column.cast("timestamp").cast("string")
    return column.cast("string")
