"""Sections `[import]` and `[mapping]`: how files are read where they do not speak for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class ImportSettings:
    """Section `[import]`: how to read a file. Everything left empty is guessed and the guess is shown."""

    source: str = setting("", "Name of the source whose customer ids these are; empty: the preset's own name, or shop.")
    recorded_delay: str = setting(
        "", "How late the source learns of an event where it does not say ('1d'); empty: at once."
    )
    delimiter: str = setting("", "Character between columns, or 'space' for runs of blanks; empty: guessed.")
    quote: str = setting('"', "Character around fields that hold the delimiter; empty: quotes are ordinary letters.")
    encoding: str = setting("", "utf-8, cp1252, latin-1, gb18030, utf-16, ...; empty: guessed.")
    header: str = setting("auto", "Does the first row hold the column names?", choices=("auto", "yes", "no"))
    decimal: str = setting("", "Decimal mark of numbers; empty: guessed from the whole file.", choices=("", ".", ","))
    date_order: str = setting(
        "", "Order of day and month in dates such as 03/04/2024; empty: guessed.", choices=("", "dmy", "mdy")
    )
    sheet: str = setting("", "Sheet of an Excel workbook; empty: the fullest, and all with the same header.")
    keep_properties: bool = setting(False, "Keep the columns that nothing else reads, as JSON in `properties`.")
    missing_ids: tuple[str, ...] = setting(
        (), "Words in the customer column that mean nobody, beside the built-in ones (null, 0, guest, ...)."
    )
    unpack_ratio: int = setting(300, "Packed files that grow by more than this factor are refused as a bomb.")
    unpack_gigabytes: int = setting(200, "Packed files that grow beyond this size are refused.")


@dataclass(frozen=True)
class MappingSettings:
    """Section `[mapping]`: your own columns. `columns` turns it on."""

    table: str = setting("events", "Canonical table that the rows belong to: events, items, texts, customers, ...")
    columns: dict[str, Any] = setting({}, "Canonical column = column of the file: { customer_id = 'Kunde', ... }.")  # noqa: RUF009 - `setting` makes a field
    values: dict[str, Any] = setting({}, "Canonical column = one value for every row: { platform = 'Tmall' }.")  # noqa: RUF009 - `setting` makes a field
    event_types: dict[str, Any] = setting({}, "Word of the file = canonical event type: { sold = 'purchase' }.")  # noqa: RUF009 - `setting` makes a field
    header: tuple[str, ...] = setting((), "Names for the columns of a file that has no header row.")


SECTIONS.add("import", ImportSettings)
SECTIONS.add("mapping", MappingSettings)
