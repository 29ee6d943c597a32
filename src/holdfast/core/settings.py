"""Settings that say what they mean.

Each room keeps its own settings as a frozen dataclass whose fields are made by `setting`; `app` puts them
together as the sections of one strict `holdfast.toml`, so a key, its default and its help stand in one place.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from holdfast.core.registry import Registry


def setting(default: Any, help: str, *, choices: tuple[Any, ...] = ()) -> Any:
    """A dataclass field with a default, a sentence of help and, where few values make sense, the choices.

    >>> from dataclasses import dataclass, fields
    >>> @dataclass(frozen=True)
    ... class Shop:
    ...     zone: str = setting("UTC", "Time zone of the shop.")
    >>> Shop().zone, fields(Shop)[0].metadata["help"]
    ('UTC', 'Time zone of the shop.')
    """
    metadata = {"help": help, "choices": choices}
    if isinstance(default, (list, dict)):
        kind = type(default)
        return field(default_factory=lambda: kind(default), metadata=metadata)
    return field(default=default, metadata=metadata)


#: Sections of holdfast.toml by name. A room registers its settings class in its own `settings.py`.
SECTIONS: Registry[type] = Registry("section")
