"""`treatments.toml` beside `holdfast.toml`: what this shop may do for a customer. Strict; `nothing` is always there.

[[treatment]]
id = "voucher"
kind = "coupon"
title = "10% off your next order"
cost = 0.05
discount = 0.10
channel = "mail"
eligible = "days_since_last_order >= 14"
valid_for = "14d"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from holdfast.core.decide import NOTHING, Treatment
from holdfast.core.errors import ConfigError, UsageError
from holdfast.core.registry import nearest
from holdfast.core.rules import parse_text

__all__ = ["DEFAULTS", "load", "parse", "render"]

#: What any shop may do. Effects are stated priors, small on purpose: the share of p_churn that a contact saves.
DEFAULTS: tuple[Treatment, ...] = (
    Treatment(NOTHING),
    Treatment("reminder", "reminder", "A reminder by mail", cost=0.02, channel="mail", effect=0.02),
    Treatment("recommendation", "recommendation", "What you may want next", cost=0.02, channel="mail", effect=0.03),
    Treatment("coupon", "coupon", "10% off the next order", cost=0.02, discount=0.10, channel="mail", effect=0.06),
    Treatment("free_shipping", "free_shipping", "Free shipping", cost=0.02, incentive=4.0, channel="mail", effect=0.05),
    Treatment("member_benefit", "member_benefit", "A benefit for members", cost=0.50, channel="mail", effect=0.04),
    Treatment("service_call", "service_call", "A call from our service", cost=6.0, channel="phone", effect=0.10),
)
_NAMES = {"id": "treatment_id"}
_KEYS = {"id": "treatment_id", **{one.name: one.name for one in fields(Treatment) if one.name != "treatment_id"}}
_TYPES: dict[str, type] = {
    "treatment_id": str, "kind": str, "title": str, "channel": str, "purpose": str, "eligible": str, "valid_for": str,
    "cost": float, "incentive": float, "discount": float, "effect": float, "stock": int,
}  # fmt: skip


def load(path: Path) -> tuple[Treatment, ...]:
    """The treatments of a file, `nothing` first. Raises `ConfigError` that names the entry and the nearest known key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error
    return parse(raw, path.name)


def parse(raw: Mapping[str, Any], where: str = "treatments.toml") -> tuple[Treatment, ...]:
    """The same from what was read.

    >>> [one.treatment_id for one in parse({"treatment": [{"id": "mail", "kind": "reminder", "cost": 0.02}]})]
    ['nothing', 'mail']
    >>> parse({"treatment": [{"id": "mail", "kind": "reminder", "csot": 0.02}]})
    Traceback (most recent call last):
    holdfast.core.errors.ConfigError: unknown key 'csot' (treatments.toml, treatment 1 (mail)). To fix it: did you mean 'cost'?...
    """
    if unknown := [key for key in raw if key != "treatment"]:
        raise ConfigError(f"unknown key {unknown[0]!r}", where=where, remedy="begin each treatment with [[treatment]]")
    listed = raw.get("treatment", [])
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise ConfigError("treatment is not a list", where=where, remedy="begin each treatment with [[treatment]]")
    found = [_one(entry, f"{where}, treatment {number}") for number, entry in enumerate(listed, 1)]
    ids = [one.treatment_id for one in found]
    if doubled := [one for one in ids if ids.count(one) > 1]:
        raise ConfigError(
            f"two treatments are called {doubled[0]!r}", where=where, remedy="give one of them another id"
        )
    return (Treatment(NOTHING), *(one for one in found if one.treatment_id != NOTHING))


def _one(entry: Any, where: str) -> Treatment:
    if not isinstance(entry, Mapping):
        raise ConfigError("a treatment is a table", where=where, remedy="begin it with [[treatment]]")
    where = f"{where} ({entry['id']})" if isinstance(entry.get("id"), str) else where
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in _KEYS:
            raise ConfigError(f"unknown key {key!r}", where=where, remedy=nearest(key, list(_KEYS)))
        values[_KEYS[key]] = _checked(key, value, where)
    if not values.get("treatment_id"):
        raise ConfigError("a treatment has no id", where=where, remedy='id = "voucher"')
    if values.get("eligible"):
        parse_text(values["eligible"], where)
    try:
        return Treatment(**{"kind": NOTHING if values["treatment_id"] == NOTHING else "reminder", **values})
    except UsageError as error:
        raise ConfigError(error.what, where=where, remedy=error.remedy) from error


def _checked(key: str, value: Any, where: str) -> Any:
    wanted = _TYPES[_KEYS[key]]
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise ConfigError(f"{key} must be a {wanted.__name__}, not {value!r}", where=where)
    return value


def render(treatments: Sequence[Treatment] = DEFAULTS) -> str:
    """A `treatments.toml` of these treatments, to be edited.

    >>> load_back = parse(tomllib.loads(render()))
    >>> load_back == DEFAULTS
    True
    """
    lines = [
        "# What this shop may do for a customer. Money is in the shop's currency. `effect` is assumed, the share of the",
        "# chance of no order that it saves, until a campaign with a control group has measured it.",
    ]
    shown = {value: key for key, value in _KEYS.items()}
    for one in treatments:
        if one.treatment_id == NOTHING:
            continue
        lines += ["", "[[treatment]]"]
        for field in fields(Treatment):
            value = getattr(one, field.name)
            if value is None or (field.name not in ("treatment_id", "kind") and value == field.default):
                continue
            text = f'"{value}"'.replace("\\", "\\\\") if isinstance(value, str) else str(value)
            lines.append(f"{shown[field.name]} = {text}")
    return "\n".join([*lines, ""])
