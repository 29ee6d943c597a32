"""Files whose columns already have Holdfast's own names: any canonical table."""

from __future__ import annotations

from holdfast.core.schema import CANONICAL
from holdfast.core.text import Text
from holdfast.log.sources.preset import PRESETS, Head, Preset, plain

#: Tables that may be imported, with the columns that tell each from the others; the first that fits is taken.
IMPORTED: dict[str, tuple[str, ...]] = {
    "exposures": ("decision_id", "treatment_id", "decided_at"),
    "texts": ("text_id", "occurred_at", "text"),
    "events": ("customer_id", "occurred_at", "event_type"),
    "ties": ("customer_id", "other_id"),
    "calendar": ("day", "kind", "known_from"),
    "customers": ("customer_id", "created_at"),
    # a catalogue may hold prices and since when, too, but a price list holds no titles
    "items": ("item_id", "title"),
    "prices": ("item_id", "price", "valid_from"),
}


def table_of(names: tuple[str, ...]) -> str:
    """The canonical table that these column names belong to, or nothing.

    >>> table_of(("item_id", "price", "valid_from")), table_of(("item_id", "title", "price", "valid_from"))
    ('prices', 'items')
    """
    known = {plain(name) for name in names}
    if plain("source_id") in known:
        known.add(plain("customer_id"))
    for table, telling in IMPORTED.items():
        if all(plain(name) in known for name in telling):
            return table
    return ""


def _looks(head: Head) -> bool:
    return head.named and bool(table_of(head.names))


_ALSO = ("title", "category", "brand", "email", "phone", "login", "line_total")
_COLUMNS = {
    name: (name,)
    for table in IMPORTED
    for name in (*CANONICAL[table].names, *(_ALSO if table == "events" else ()))
    if name not in ("source", "source_id")
} | {"customer_id": ("source_id", "customer_id")}

PRESETS.add(
    "holdfast",
    Preset(
        name="holdfast",
        title=Text("canonical Holdfast tables", "Holdfast 标准表"),
        columns=_COLUMNS,
        required=(),
        looks=_looks,
    ),
)
