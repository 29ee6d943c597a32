"""Every room that keeps settings is read by holdfast.toml."""

from __future__ import annotations

from pathlib import Path

import holdfast
from holdfast.app.config import _SETTINGS_MODULES


def test_every_module_that_registers_a_section_is_loaded() -> None:
    root = Path(holdfast.__file__).parent
    registering = {
        "holdfast." + ".".join(path.relative_to(root).with_suffix("").parts)
        for path in root.rglob("*.py")
        if "SECTIONS.add(" in path.read_text(encoding="utf-8")
    }
    assert registering == set(_SETTINGS_MODULES)
