"""Text as terms, in English and Chinese, without a dictionary."""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[a-z0-9à-öø-ÿ]+|[\u3400-\u9fff\uf900-\ufaff]+")
#: Words that say nothing about a thing; few, since titles are short and "no" or "the" may be half of a name.
STOP_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it",
    "its", "of", "on", "or", "our", "that", "the", "their", "this", "to", "was", "with", "you", "your",
))  # fmt: skip
#: Characters that only join others.
STOP_CHARACTERS = frozenset("的了与及")


def terms(text: str | None) -> list[str]:
    """Lower-case words in the singular; of Chinese, which has no spaces, every two neighbouring characters.

    >>> terms("Set of 6 Boxes, RED Berries"), terms("有机绿茶 50g")
    (['set', '6', 'box', 'red', 'berry'], ['有机', '机绿', '绿茶', '50g'])
    """
    found: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text or "").lower()):
        if run[0] >= "\u3400":
            found += _pairs(run)
        elif run not in STOP_WORDS:
            found.append(_singular(run))
    return found


def _pairs(run: str) -> list[str]:
    if len(run) == 1:
        return [] if run in STOP_CHARACTERS else [run]
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return [one for one in pairs if not STOP_CHARACTERS.intersection(one)]


def _singular(word: str) -> str:
    """Harman's (1991) S-stemmer, with -es after a hiss: light enough that the word can still be shown."""
    if len(word) > 4 and word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "us" else word
