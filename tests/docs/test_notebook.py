"""The notebook executes, and what is committed is what it shows."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "docs" / "notebooks"


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", NOTEBOOKS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(book: Any) -> list[str]:
    """The plain text of every output."""
    return [
        str(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.get("name") != "stderr"
    ]


def test_the_notebook_executes_and_is_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    kept = nbformat.read(NOTEBOOKS / "first_steps.ipynb", as_version=4)
    made = builder().executed(tmp_path)
    assert [cell.source for cell in kept.cells] == [cell.source for cell in made.cells]
    assert shown(kept) == shown(made), "run: python docs/notebooks/build.py"
