"""Recommendation on public sets: one file for each set, found by lying here as `recommend_<data>.py`."""

from __future__ import annotations

import importlib
import pkgutil

import holdfast.bench
from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import nearest
from holdfast.core.results import Score

PREFIX = "recommend_"
#: Sets that teach networks, or that want a quiet machine, take long: only by name, or with everything.
LONG = ("_deep", "speed")


@BENCHES.register("recommend")
def recommend(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Recommended lists on public sets: every lane and their mix by recall, nDCG and hits.

    Without `data` all sets but networks and speed, which are asked for by name or with `full`.
    """
    known = names()
    if data is not None and data not in known:
        raise UsageError(f"recommend has no data {data!r}", remedy=nearest(data, known))
    found: list[Score] = []
    for name in usual(full) if data is None else [data]:
        found += importlib.import_module(f"holdfast.bench.{PREFIX}{name}").run(full, progress)
    return found


def usual(full: bool = False) -> list[str]:
    """What runs where no set is named.

    >>> sorted(set(names()) - set(usual()))
    ['beauty_deep', 'online_retail_deep', 'speed']
    """
    return [one for one in names() if full or not one.endswith(LONG)]


def names() -> list[str]:
    """The sets: every module `recommend_<data>` of this folder that has a `run(full, progress)`.

    >>> "tafeng" in names()
    True
    """
    found = sorted(one.name for one in pkgutil.iter_modules(holdfast.bench.__path__) if one.name.startswith(PREFIX))
    runs = [one for one in found if hasattr(importlib.import_module(f"holdfast.bench.{one}"), "run")]
    return [one.removeprefix(PREFIX) for one in runs]
