"""One strict `holdfast.toml`: every room's settings, assembled; an unknown key is an error.

The sections and keys are the rooms' own settings classes (`core.settings.SECTIONS`), so that a key, its
default and its help stand in one place. Only values that differ from the default are written by `init`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from holdfast.core.clock import zone
from holdfast.core.errors import ConfigError, HoldfastError
from holdfast.core.registry import nearest
from holdfast.core.settings import SECTIONS

#: Rooms that keep settings. Importing the module registers its sections.
_SETTINGS_MODULES = (
    "holdfast.app.settings",
    "holdfast.log.settings",
    "holdfast.log.sources.settings",
    "holdfast.snapshot.settings",
    "holdfast.encoder.settings",
    "holdfast.models.settings",
    "holdfast.models.clv.settings",
    "holdfast.models.drift_settings",
    "holdfast.snapshot.treated_settings",
    "holdfast.evaluate.settings",
    "holdfast.recommend.settings",
    "holdfast.decide.settings",
    "holdfast.decide.plan_settings",
    "holdfast.decide.contact.settings",
    "holdfast.profile.settings",
    "holdfast.warn.settings",
    "holdfast.measure.settings",
)
#: Sections whose keys are the user's own words (column names), not ours.
_OPEN_SECTIONS = frozenset({"mapping"})
S = TypeVar("S")


def sections() -> dict[str, type]:
    """Every section of holdfast.toml with its settings class, in the order of the house."""
    for module in _SETTINGS_MODULES:
        importlib.import_module(module)
    order = ("shop", "import", "mapping")
    names = [n for n in order if n in SECTIONS] + [n for n in SECTIONS if n not in order]
    return {name: SECTIONS[name] for name in names}


@dataclass(frozen=True)
class Config:
    """The whole configuration of a shop. `section(Settings)` gives one room its part.

    >>> from holdfast.app.settings import ShopSettings
    >>> parse("[shop]\\ncurrency = 'GBP'").section(ShopSettings).currency
    'GBP'
    >>> parse("[shop]\\ncurency = 'GBP'")
    Traceback (most recent call last):
    holdfast.core.errors.ConfigError: unknown key 'curency' (holdfast.toml, [shop]). To fix it: did you mean ...
    """

    parts: Mapping[str, Any] = field(default_factory=dict)

    def section(self, kind: type[S]) -> S:
        """One room's settings, defaults filled in."""
        for name, known in sections().items():
            if known is kind:
                return cast(S, self.parts.get(name) or kind())
        raise ConfigError(f"{kind.__name__} is no section of holdfast.toml")

    def with_values(self, section: str, **values: Any) -> Config:
        """A copy with some keys of one section set (the command line's options)."""
        kind = sections()[section]
        current = self.parts.get(section) or kind()
        changed = replace(current, **{k: _checked(kind, section, k, v, "command line") for k, v in values.items()})
        return Config({**self.parts, section: changed})

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Every section and key with its value in force."""
        return {
            name: {f.name: getattr(self.parts.get(name) or kind(), f.name) for f in fields(kind)}
            for name, kind in sections().items()
        }


def load(path: Path) -> Config:
    """Read `holdfast.toml`; raises `ConfigError` with the line or key that is wrong."""
    if not path.is_file():
        raise ConfigError("no holdfast.toml here", where=str(path.parent), remedy=f"run: holdfast init {path.parent}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError("holdfast.toml is not UTF-8", where=str(path), remedy="save it as UTF-8") from error
    return parse(text, where=str(path))


def parse(text: str, where: str = "holdfast.toml") -> Config:
    """Read the text of a `holdfast.toml`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"not valid TOML: {error}", where=where, remedy="strings need quotes: zone = 'UTC'"
        ) from error
    return from_dict(raw, where)


def from_dict(raw: Mapping[str, Any], where: str = "holdfast.toml") -> Config:
    """A config from nested mappings, checked key by key."""
    known = sections()
    parts: dict[str, Any] = {}
    for name, values in raw.items():
        if name not in known:
            raise ConfigError(f"unknown section [{name}]", where=where, remedy=nearest(name, list(known)))
        if not isinstance(values, Mapping):
            raise ConfigError(f"{name!r} must be a section", where=where, remedy=f"write [{name}] on its own line")
        spot = f"{where}, [{name}]"
        parts[name] = known[name](**{k: _checked(known[name], name, k, v, spot) for k, v in values.items()})
    config = Config(parts)
    _check_whole(config, where)
    return config


def _checked(kind: type, section: str, key: str, value: Any, where: str) -> Any:
    found: dict[str, Field[Any]] = {f.name: f for f in fields(kind)}
    if key not in found:
        raise ConfigError(f"unknown key {key!r}", where=where, remedy=nearest(key, list(found)))
    wanted = get_type_hints(kind)[key]
    base = getattr(wanted, "__origin__", wanted)
    if base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if base is tuple and isinstance(value, list):
        value = tuple(value)
    if isinstance(base, type) and (not isinstance(value, base) or (base is int and isinstance(value, bool))):
        raise ConfigError(
            f"{key} must be a {base.__name__}, not {value!r}", where=where, remedy=str(found[key].metadata.get("help"))
        )
    choices = found[key].metadata.get("choices") or ()
    if choices and value not in choices:
        raise ConfigError(f"{key} = {value!r}", where=where, remedy=f"one of: {', '.join(map(str, choices))}")
    return value


def _check_whole(config: Config, where: str) -> None:
    from holdfast.app.settings import ShopSettings

    try:
        zone(config.section(ShopSettings).zone)
    except HoldfastError as error:
        raise ConfigError(error.what, where=f"{where}, [shop] zone", remedy=error.remedy) from error


def render(values: Mapping[str, Mapping[str, Any]]) -> str:
    """A commented `holdfast.toml`: the given values set, every other key shown with its default."""
    lines = ["# What Holdfast knows about this shop. Lines that start with # show the defaults.", ""]
    for name, kind in sections().items():
        lines.append(f"[{name}]")
        given = values.get(name, {})
        for one in fields(kind):
            lines.append(f"# {one.metadata.get('help', '')}".rstrip())
            mark, value = ("", given[one.name]) if one.name in given else ("# ", getattr(kind(), one.name))
            lines.append(f"{mark}{one.name} = {_toml(value)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)
