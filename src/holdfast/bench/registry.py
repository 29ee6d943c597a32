"""Benchmarks by name: one file each, found by lying in this folder."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.core.registry import Registry
from holdfast.core.results import Score

#: `(data: str | None, full: bool, progress: Progress) -> list[Score]`, called with keywords.
BENCHES: Registry[Callable[..., list[Score]]] = Registry("bench", "holdfast.bench")
