"""Sentences in the languages Holdfast speaks.

A sentence lives beside the thing it describes (a feature, a finding, a band), in every language at once,
so that neither can be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in English and Chinese; both may hold the same `{placeholders}`.

    >>> Text("last order {days} days ago", "上次下单在{days}天前").render("zh", days=74)
    '上次下单在74天前'
    """

    en: str
    zh: str

    def render(self, language: Language = "en", /, **values: object) -> str:
        """The sentence in one language, its placeholders filled."""
        return getattr(self, language).format(**values) if values else str(getattr(self, language))
