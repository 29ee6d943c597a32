"""`segments.toml` of a shop, checked against the columns that its rules may ask about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from holdfast.core.schema import RELEASE_CUSTOMERS, RELEASE_PROFILES
from holdfast.core.tables import FeatureTable

if TYPE_CHECKING:
    from holdfast.app.shop import Shop
    from holdfast.profile.segments.rules import RuleSegment

#: Columns of the release that a rule may ask about beside features and profiles; the others are found after segments are.
FORECASTS = (
    "p_churn", "p_alive", "expected_orders", "p_second_order", "clv", "clv_low", "clv_high", "next_order_at", "lifecycle",
)  # fmt: skip
_PROFILE = tuple(
    one for one in RELEASE_PROFILES.names if one not in ("customer_id", "cutoff", "segments", "interests", "platforms")
)


def rules_of(shop: Shop) -> tuple[RuleSegment, ...]:
    """The shop's own segments; raises `ConfigError` for a rule that cannot be read or asks for an unknown column."""
    from holdfast.profile.segments.rules import FILE, load

    found = load(shop.folder / FILE)
    schema = columns() if found else pa.schema([])
    for one in found:
        one.when.check(schema, f"{shop.folder / FILE}, {one.name!r}")
    return found


def check(shop: Shop) -> None:
    """Raises `ConfigError` or `UsageError` for settings and rules that a run could only stumble over at its end."""
    from holdfast.core.clock import Window
    from holdfast.core.errors import ConfigError
    from holdfast.profile.segments.rules import FILE
    from holdfast.profile.settings import ProfileSettings, SegmentSettings

    window = Window.parse(shop.config.section(ProfileSettings).window)
    if window.days != int(window.days):
        raise ConfigError(f"[profile] window = {window} is not whole days", remedy="write window = '365d'")
    if not rules_of(shop) and shop.config.section(SegmentSettings).use == "rules":
        raise ConfigError(
            f"[segments] use = 'rules', but there is no {FILE}", remedy=f"write {FILE} beside holdfast.toml"
        )


def segments_text(shop: Shop) -> str:
    """The file as it is: a part of what decides a release's bytes."""
    from holdfast.profile.segments.rules import FILE

    path = shop.folder / FILE
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def columns() -> pa.Schema:
    """Everything a rule of segments.toml may ask about: features, the profile, interests by category, forecasts."""
    from holdfast.features.declare import FEATURES

    features = [pa.field(name, pa.float32()) for name in FEATURES]
    profile = [RELEASE_PROFILES.schema.field(name) for name in _PROFILE if name not in FEATURES]
    forecasts = [RELEASE_CUSTOMERS.schema.field(name) for name in FORECASTS]
    return pa.schema([*features, *profile, pa.field("interests", pa.list_(pa.string())), *forecasts])


def table_of(features: FeatureTable, profiles: pa.Table, interests: pa.Array, forecasts: Mapping[str, Any]) -> pa.Table:
    """One row a customer with the columns that rules ask about, as far as they are known."""
    found = {name: pa.array(features.column(name), from_pandas=True) for name in features.names}
    found |= {name: profiles[name] for name in _PROFILE if name not in found}
    found["interests"] = interests
    for name in FORECASTS:
        if name in forecasts:
            values = forecasts[name]
            arrow = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=True)
            found[name] = arrow.cast(RELEASE_CUSTOMERS.schema.field(name).type)
    return pa.table(found)
