"""What `holdfast measure` asks."""

from __future__ import annotations

from pathlib import Path

from holdfast.app.answer import Answer
from holdfast.app.shop import Shop
from holdfast.core.progress import SILENT, Progress


def measure(
    folder: Path,
    *,
    campaign: str | None = None,
    follow_up: str | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """What earlier campaigns changed, against doing nothing; and Holdfast as a whole against the holdout."""
    from holdfast.app.asked import language as spoken
    from holdfast.app.measure.part import ask

    shop = Shop.open(folder)
    return ask(shop, spoken(shop.config, language), campaign=campaign, follow_up=follow_up, progress=progress)
