"""Public contract checks: what a model, recommender, source or feature of your own must pass.

`check_model(model)`, `check_recommender(recommender)`, `check_source(preset)` and `check_feature(feature)` raise an
AssertionError that says what is missing; the project's own contract tests call them for everything in the registries.
"""

from __future__ import annotations

import importlib
from typing import Any

_DOOR = {
    "check_feature": "holdfast.checks.feature",
    "check_model": "holdfast.checks.model",
    "check_recommender": "holdfast.checks.recommender",
    "check_source": "holdfast.checks.source",
}
__all__ = sorted(_DOOR)


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module 'holdfast.checks' has no attribute {name!r}")
    return getattr(importlib.import_module(_DOOR[name]), name)
