"""What is asked of a labelled table, before the file has been looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.errors import UsageError
from holdfast.core.registry import nearest
from holdfast.core.text import Language
from holdfast.log.sources.preset import plain


@dataclass(frozen=True)
class TableAsk:
    """The options of `holdfast run --table`; what is None or empty is taken from a preset or found in the file.

    `protected` columns are never features, `drop` columns are not looked at, `categories` are codes, not amounts.
    """

    file: Path
    label: str | None = None
    id: str | None = None
    time: str | None = None
    positive: str | None = None
    protected: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] | None = None
    sheet: str | None = None
    language: Language = "en"
    seed: int = 1


def column_named(name: str, names: Sequence[str], what: str) -> str:
    """The file's column of that name, whatever its case, blanks and punctuation.

    >>> column_named("customer id", ["CustomerID", "Churn"], "--id")
    'CustomerID'
    """
    if name in names:
        return name
    loose = [one for one in names if plain(one) == plain(name)]
    if len(loose) == 1:
        return loose[0]
    raise UsageError(f"{what}: the table has no column {name!r}", remedy=nearest(name, list(names)))


def columns_named(wanted: Sequence[str], names: Sequence[str], what: str) -> tuple[str, ...]:
    """Several columns: each entry is a name, a list with commas, or ends in `*` for all that start so.

    >>> columns_named(["sex, AGE", "bill*"], ["Sex", "Age", "BILL_1", "BILL_2"], "--drop")
    ('Sex', 'Age', 'BILL_1', 'BILL_2')
    """
    found: list[str] = []
    for entry in wanted:
        parts = [entry] if entry in names else [one.strip() for one in entry.split(",")]
        for part in filter(None, parts):
            if part.endswith("*"):
                starts = [one for one in names if plain(one).startswith(plain(part[:-1]))]
                if not starts:
                    raise UsageError(f"{what}: no column starts with {part[:-1]!r}", remedy=nearest(part, list(names)))
                found += starts
            else:
                found.append(column_named(part, names, what))
    return tuple(dict.fromkeys(found))


def listed(options: Sequence[str] | None) -> tuple[str, ...] | None:
    """An option that may be given several times; `none` means: none at all, not the preset's.

    >>> listed(None), listed(["none"]), listed(["a", "b"])
    (None, (), ('a', 'b'))
    """
    if not options:
        return None
    return () if [one.lower() for one in options] == ["none"] else tuple(options)
