"""Files, databases and frames -> the shop's lake, one writer at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.log.sources.settings import ImportSettings, MappingSettings

if TYPE_CHECKING:
    from holdfast.app.config import Config
    from holdfast.app.shop import Shop
    from holdfast.log.batch import BatchSource
    from holdfast.log.intake import Receipt


def take_in_all(
    shop: Shop,
    origins: Sequence[Any],
    *,
    preset: str | None = None,
    source: str | None = None,
    progress: Progress = SILENT,
) -> list[Receipt]:
    """Import every origin, in order. Each one is published whole before the next begins."""
    from holdfast.log.intake import take_in
    from holdfast.log.store import Lake

    settings = shop.settings
    if not origins:
        raise UsageError("nothing to import", remedy="name a file, a database URL or pass a data frame")
    receipts = []
    with shop.locked(), shop.engine() as engine:
        for origin in origins:
            opened = open_any(origin, shop.config, preset=preset or settings.preset or None, source=source)
            receipts.append(
                take_in(
                    engine,
                    Lake(shop.lake),
                    opened,
                    zone=settings.zone,
                    currency=settings.currency,
                    now=datetime.now(UTC),
                    delay=shop.config.section(ImportSettings).recorded_delay,
                    progress=progress,
                )
            )
    return receipts


def open_any(origin: Any, config: Config, *, preset: str | None, source: str | None) -> BatchSource:
    """The source behind a path, a URL or a frame, read as the shop's config says."""
    from holdfast.app.settings import ShopSettings
    from holdfast.log.sources.open import open_frame, open_source

    shop = config.section(ShopSettings)
    options: dict[str, Any] = {
        "settings": config.section(ImportSettings),
        "mapping": config.section(MappingSettings),
        "zone": shop.zone,
        "currency": shop.currency,
        "preset": preset,
        "source": source,
    }
    if isinstance(origin, (str, Path)):
        return open_source(str(origin), **options)
    return open_frame(origin, **options)
