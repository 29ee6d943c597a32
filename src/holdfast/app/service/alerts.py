"""Alerts: the call list, and what people say of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from holdfast.app.answer import Answer
from holdfast.app.asked import language as spoken
from holdfast.app.shop import Shop
from holdfast.core.errors import UsageError


def alerts(
    folder: Path,
    *,
    done: Sequence[str] = (),
    snooze: Sequence[str] = (),
    until: str | None = None,
    wrong: Sequence[str] = (),
    why: str | None = None,
    dispositions: Path | None = None,
    csv: Path | None = None,
    language: str | None = None,
) -> Answer:
    """The list to call now; with dispositions, first write those down and then tell what is on record."""
    from holdfast.app.alerts.calls import calls, read_dispositions, said_of, say

    shop = Shop.open(folder)
    speak = spoken(shop.config, language)
    said = said_of(shop, done, snooze, until, wrong, why)
    if dispositions is not None:
        said += read_dispositions(dispositions, shop.settings.zone)
    if not said and dispositions is None:
        return calls(shop, speak, csv_file=csv)
    if csv is not None:
        raise UsageError("--csv writes the list, and this call notes dispositions", remedy="list in a call of its own")
    return say(shop, said, speak)
