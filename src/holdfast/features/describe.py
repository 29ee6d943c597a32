"""The declared features as rows for people and programs."""

from __future__ import annotations

from typing import Any

from holdfast.core.text import Language
from holdfast.features.declare import FEATURES


def describe(language: Language = "en") -> list[dict[str, Any]]:
    """name, family, unit, window, meaning of missing and reason sentence of every feature, by name.

    >>> next(row["unit"] for row in describe() if row["name"] == "days_since_last_order")
    'days'
    """
    return [
        {
            "name": column.name,
            "family": column.family,
            "unit": column.unit,
            "window": column.window,
            "missing": column.missing,
            "sentence": column.sentence.render(language),
        }
        for column in (FEATURES[name].column for name in FEATURES)
    ]
