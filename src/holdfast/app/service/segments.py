"""Who the customers are: the segments of the published release."""

from __future__ import annotations

from pathlib import Path

from holdfast.app.answer import Answer
from holdfast.app.shop import Shop
from holdfast.core.progress import SILENT, Progress


def segments(
    folder: Path,
    *,
    by: str | None = None,
    flow: bool = False,
    segment: str | None = None,
    csv: Path | None = None,
    since: str | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Each segment with its size, what sets it apart, its value and churn; who moved; the members as CSV."""
    from holdfast.app.asked import language as spoken
    from holdfast.app.profile.ask import segments as ask

    shop = Shop.open(folder)
    progress.step("segments", 0, 1)
    found = ask(shop, spoken(shop.config, language), by=by, moves=flow, segment=segment, csv=csv, since=since)
    progress.step("segments", 1, 1)
    return found
