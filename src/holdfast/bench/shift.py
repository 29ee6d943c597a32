"""When the world moves under a model: treated rows, drift, small shops, synthetic customers."""

from __future__ import annotations

from holdfast.bench.registry import BENCHES
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score


@BENCHES.register("shift")
def shift(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Treated rows against the exact truth: naive, dropped, weighted."""
    from holdfast.bench import shift_treated

    found: list[Score] = []
    for seed in range(3, 8 if full else 5):
        for effect in (1.0, 0.0):
            found += shift_treated.scores(effect, seed, 3000)
    return found
