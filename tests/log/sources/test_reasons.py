"""Every reason that the code can give has words in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import holdfast.log.sources
from holdfast.log.sources.reasons import REASONS, reason_of

CODE = "\n".join(path.read_text() for path in sorted(Path(holdfast.log.sources.__path__[0]).glob("*.py")))


def test_every_word_in_the_code_is_told() -> None:
    words = set(re.findall(r'"((?:missing|bad|too|ambiguous|unknown|unclosed)_[a-z_]+|[a-z_]+_too_long)"', CODE))
    assert set(REASONS) <= words
    for word in words:
        assert reason_of(word).title.en != word


@pytest.mark.parametrize("word", [*REASONS, "bad_rating", "missing_decided_at", "event_id_reused"])
def test_both_languages(word: str) -> None:
    reason = reason_of(word)
    for text in (reason.title, reason.remedy):
        assert text.en
        assert text.zh
