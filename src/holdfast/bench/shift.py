"""When the world moves under a model: treated rows, drift, small shops, synthetic customers.

Every part is judged against a truth that is known: synthetic shops tell the exact risk of everybody, and whether
anything changed. Online Retail is added to the sampler's figures where its file is there.
"""

from __future__ import annotations

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

PARTS = ("treated", "drift", "small", "sampler")


@BENCHES.register("shift")
def shift(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Treated rows, drift alarms, small shops and sampled customers against known truths; `--data` names one part."""
    from holdfast.bench import shift_drift, shift_sampler, shift_small, shift_treated

    if data not in (None, *PARTS):
        raise UsageError(f"the shift bench knows no part {data!r}", remedy=f"one of: {', '.join(PARTS)}")
    found: list[Score] = []
    if data in (None, "treated"):
        for seed in range(3, 8 if full else 5):
            for effect in (1.0, 0.0):
                progress.step("bench shift: treated", seed - 3, 5 if full else 2)
                found += shift_treated.scores(effect, seed, 3000)
    if data in (None, "drift"):
        found += shift_drift.scores(full, progress)
    if data in (None, "small"):
        found += shift_small.scores(full, progress)
    if data in (None, "sampler"):
        found += shift_sampler.scores(full, progress)
    return found
