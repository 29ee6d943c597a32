"""`channels.toml` beside `holdfast.toml`: by which way each channel is sent. Strict; secrets are named, never written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from holdfast.core.contact import ALL, Channel
from holdfast.core.errors import ConfigError
from holdfast.core.registry import nearest
from holdfast.deliver.audience import AudienceFiles
from holdfast.deliver.smtp import Smtp
from holdfast.deliver.webhook import Webhook
from holdfast.deliver.writeback import WriteBack

#: Ways of sending by the word in `kind`.
KINDS: dict[str, type[Any]] = {"file": AudienceFiles, "sql": WriteBack, "webhook": Webhook, "smtp": Smtp}
#: Fields that are no settings: the table's own name, and seams for tests.
_SEAMS = ("name", "post", "clock", "connect")


def load(path: Path) -> dict[str, Channel]:
    """Channels by name; none where there is no such file. Folders are relative to the file's own."""
    if not path.is_file():
        return {}
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error
    return parse(raw, path.name, path.parent)


def parse(raw: Mapping[str, Any], where: str = "channels.toml", folder: Path = Path()) -> dict[str, Channel]:
    """The same from what was read.

    >>> parse({"phone": {"kind": "file", "folder": "calls"}}, folder=Path("shop"))
    {'phone': AudienceFiles(name='phone', folder='shop/calls', format='csv')}
    >>> parse({"push": {"kind": "webhok"}})
    Traceback (most recent call last):
    holdfast.core.errors.ConfigError: unknown kind 'webhok' (channels.toml, [push]). To fix it: did you mean 'webhook'?...
    """
    return {name: _channel(name, values, f"{where}, [{name}]", folder) for name, values in raw.items()}


def _channel(name: str, values: Any, where: str, folder: Path) -> Channel:
    if not isinstance(values, Mapping) or name == ALL or not name.replace("_", "").isalnum():
        raise ConfigError(f"{name!r} is not a channel", where=where, remedy="[mail] on its own line; not [all]")
    given = dict(values)
    kind = str(given.pop("kind", ""))
    if kind not in KINDS:
        raise ConfigError(f"unknown kind {kind!r}", where=where, remedy=nearest(kind, list(KINDS)))
    wanted = KINDS[kind]
    known = {one.name: one for one in fields(wanted) if one.name not in _SEAMS}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"unknown key {key!r}", where=where, remedy=nearest(key, list(known)))
        given[key] = _checked(key, value, get_type_hints(wanted)[key], where)
    lacking = [key for key, one in known.items() if one.default is MISSING and key not in given]
    if lacking:
        raise ConfigError(f"{lacking[0]!r} is missing", where=where, remedy=f"a channel of kind {kind} needs it")
    if kind == "file":
        given["folder"] = str(folder / given["folder"])
    try:
        channel: Channel = wanted(name=name, **given)
    except ConfigError as error:
        raise ConfigError(error.what, where=where, remedy=error.remedy) from error
    return channel


def _checked(key: str, value: Any, wanted: Any, where: str) -> Any:
    base = getattr(wanted, "__origin__", wanted)
    if base is tuple and isinstance(value, list):
        value = tuple(value)
    if base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, base) or (base is int and isinstance(value, bool)):
        raise ConfigError(f"{key} must be a {base.__name__}, not {value!r}", where=where)
    if key.endswith("_env") and not (str(value).isascii() and str(value).replace("_", "").isalnum()):
        raise ConfigError(
            f"{key} is the name of an environment variable, not a secret", where=where, remedy=f'{key} = "SHOP_SECRET"'
        )
    return value
