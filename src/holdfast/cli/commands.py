"""Every verb of `holdfast`, gathered: a group of verbs is one file beside this one and one word here, in the order of help."""

from __future__ import annotations

import importlib

from holdfast.cli.root import app

for _group in ("verbs", "segments", "alerts", "plan", "measure"):
    importlib.import_module(f"holdfast.cli.{_group}")

__all__ = ["app"]
