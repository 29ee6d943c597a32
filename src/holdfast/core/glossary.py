"""Print the glossary: `python -m holdfast.core.glossary [en|zh]`. The words live in `core/terms.py`."""

from __future__ import annotations

import sys
from typing import cast

from holdfast.core.errors import UsageError
from holdfast.core.terms import glossary
from holdfast.core.text import LANGUAGES, Language


def main(arguments: list[str]) -> str:
    """The glossary as Markdown in the language asked for, English by default.

    >>> main(["zh"]).splitlines()[0]
    '# 术语表'
    """
    language = arguments[0] if arguments else "en"
    if language not in LANGUAGES:
        raise UsageError(f"no glossary in {language!r}", remedy=f"one of: {', '.join(LANGUAGES)}")
    return glossary(cast(Language, language))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # Windows consoles are not UTF-8
    sys.stdout.write(main(sys.argv[1:]))
