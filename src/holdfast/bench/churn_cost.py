"""What a fit costs: processor seconds and peak memory, measured in a process of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.core.models import Model
    from holdfast.core.tables import FeatureTable, Slices


def cost_of(model: Model, train: Slices, features: FeatureTable) -> tuple[float, float]:
    """(processor seconds, peak MB of the whole process) of fitting once and predicting once, in a forked child."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_measured, args=(theirs, model, train, features))
    child.start()
    theirs.close()
    try:
        seconds, peak = ours.recv()
    except EOFError:  # the child died: no memory
        seconds, peak = float("nan"), float("nan")
    child.join()
    return seconds, peak


def _measured(pipe: Any, model: Model, train: Slices, features: FeatureTable) -> None:
    import resource

    from holdfast.models.fitting import fit_on

    started = time.process_time()
    fit_on(model, train).predict(features)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send((round(seconds, 2), round(peak, 1)))
    pipe.close()
