"""What this shop may do for a customer: its own `treatments.toml`, or what any shop may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.app.shop import Shop
    from holdfast.core.decide import Treatment

FILE = "treatments.toml"


def offered(shop: Shop) -> tuple[Treatment, ...]:
    """The treatments of this shop, `nothing` first."""
    from holdfast.decide.treatments import DEFAULTS, load

    path = shop.folder / FILE
    return load(path) if path.is_file() else tuple(DEFAULTS)


def treatments_text(shop: Shop) -> str:
    """The file as it stands; empty where there is none."""
    path = shop.folder / FILE
    return path.read_text(encoding="utf-8") if path.is_file() else ""
