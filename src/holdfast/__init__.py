"""Holdfast keeps a shop's customers: from raw events to explained, measured retention decisions.

The names below are the front door; each is loaded when it is first used, so `import holdfast` stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_DOOR = {
    "Cutoff": "holdfast.core.clock",
    "Gap": "holdfast.core.clock",
    "Horizon": "holdfast.core.clock",
    "Window": "holdfast.core.clock",
    "FeatureColumn": "holdfast.core.tables",
    "FeatureTable": "holdfast.core.tables",
    "Fitted": "holdfast.core.models",
    "Fold": "holdfast.core.tables",
    "HoldfastError": "holdfast.core.errors",
    "Key": "holdfast.core.tables",
    "Model": "holdfast.core.models",
    "MODELS": "holdfast.core.models",
    "FITTED": "holdfast.core.models",
    "Outcomes": "holdfast.core.tables",
    "Predictions": "holdfast.core.tables",
    "Slices": "holdfast.core.tables",
    "Text": "holdfast.core.text",
}

__all__ = ["__version__", *sorted(_DOOR)]


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module 'holdfast' has no attribute {name!r}")
    return getattr(importlib.import_module(_DOOR[name]), name)


def __dir__() -> list[str]:
    return __all__
