"""What the pages on prediction, labelled tables and purchase intent show is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import run_page


@pytest.mark.parametrize(
    "page",
    [
        "docs/recommendation.md",
        "docs/prediction.md",
        "docs/labelled-tables.md",
        "docs/purchase-intent.md",
        "docs/warning.md",
        "docs/uplift.md",
        "docs/deciding.md",
        "docs/contacting.md",
        "docs/policies.md",
        "docs/measurement.md",
        "docs/story.md",
    ],
)
def test_every_block_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, tmp_path)
