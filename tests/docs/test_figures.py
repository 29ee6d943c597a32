"""Figures are put where a page asks for them, and what was there stays where nothing was measured."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(protocol: str, model: str, metric: str, value: float, low: float | None = None) -> dict[str, object]:
    high = None if low is None else 2 * value - low
    bench = {"bench": "retention", "data": "d", "n": 9, "seconds": None, "peak_mb": None}
    return {"protocol": protocol, "model": model, "metric": metric, "value": value, "low": low, "high": high, **bench}


PAGE = (
    "a\n<!-- figures: test (?P<day>x|y) | auc -->\nold\n<!-- end -->\nb\n<!-- figures: other -->\nkept\n<!-- end -->\n"
)


def test_figures_are_placed_and_the_rest_is_kept() -> None:
    scores = [row("test x", "m", "auc", 0.7312, 0.71), row("test y", "m", "auc", 0.5), row("test x", "m", "f1", 0.4)]
    text, missing = figures().fill(PAGE, scores, [])
    assert "| model | day | auc |" in text
    assert "| m | x | 0.731 [0.710, 0.752] |" in text
    assert "| m | y | 0.500 |" in text
    assert "0.4" not in text
    assert "old" not in text
    assert "kept" in text
    assert missing == ["other"]
    assert figures().fill(text, scores, [])[0] == text


def test_cleaning_steps_are_a_table() -> None:
    steps = [{"title": "Rows read", "rows": 541909, "amount": 9747747.934}]
    text, _ = figures().fill("<!-- figures: steps -->\n<!-- end -->\n", [], steps)
    assert "| Rows read | 541,909 | 9,747,747.93 |" in text
