"""Holdfast keeps a shop's customers: from raw events to explained, measured retention decisions.

The names below are the front door; each is loaded when it is first used, so `import holdfast` stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_DOOR = {
    "Shop": "holdfast.app.shop",
    "demo": "holdfast.app.demo",
    "doctor": "holdfast.app.doctor",
    "Cutoff": "holdfast.core.clock",
    "Gap": "holdfast.core.clock",
    "Horizon": "holdfast.core.clock",
    "Window": "holdfast.core.clock",
    "EventLog": "holdfast.core.log",
    "FeatureColumn": "holdfast.core.tables",
    "FeatureTable": "holdfast.core.tables",
    "Fold": "holdfast.core.tables",
    "Key": "holdfast.core.tables",
    "Outcomes": "holdfast.core.tables",
    "Predictions": "holdfast.core.tables",
    "Slices": "holdfast.core.tables",
    "Fitted": "holdfast.core.models",
    "Model": "holdfast.core.models",
    "MODELS": "holdfast.core.models",
    "FITTED": "holdfast.core.models",
    "Score": "holdfast.core.results",
    "Undetermined": "holdfast.core.results",
    "HoldfastError": "holdfast.core.errors",
    "Text": "holdfast.core.text",
    "with_own_columns": "holdfast.features.own",
    "check_model": "holdfast.checks.model",
}

__all__ = ["__version__", *sorted(_DOOR)]


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module 'holdfast' has no attribute {name!r}")
    return getattr(importlib.import_module(_DOOR[name]), name)


def __dir__() -> list[str]:
    return __all__
