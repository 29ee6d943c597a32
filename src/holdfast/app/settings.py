"""The shop itself: what a config must say before anything else makes sense."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting
from holdfast.core.text import LANGUAGES


@dataclass(frozen=True)
class ShopSettings:
    """Section `[shop]`: name, zone, currency, language, seed."""

    name: str = setting("shop", "Name shown in the report.")
    zone: str = setting("UTC", "Time zone of the shop; local days, bare dates and default cutoffs follow it.")
    currency: str = setting("EUR", "ISO 4217 code of the shop's money.")
    language: str = setting("en", "Language of report, summaries and reasons.", choices=LANGUAGES)
    preset: str = setting("", "Preset that `holdfast import` uses when none is named; empty: guessed per file.")
    seed: int = setting(1, "The one seed of everything random.")
    memory: str = setting("4GB", "Memory that queries may use before they spill to disk.")
    keep_releases: int = setting(0, "How many old releases to keep; 0 keeps all.")


SECTIONS.add("shop", ShopSettings)
