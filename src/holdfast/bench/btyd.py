"""Buy till you die: the published figures beside ours, forecasts on real shops, a million customers, and a peer.

Data: CDNOW (the papers' sample and the master) and UCI Online Retail from the folder that HOLDFAST_DATA names, and
simulated customers. `--data published`, `shops` or `simulated` runs one part. HOLDFAST_PEER_PYTHON names the Python of an
environment with `lifetimes`; without it the peer is left out.
"""

from __future__ import annotations

import sys

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

PARTS = ("published", "shops", "simulated")


@BENCHES.register("btyd")
def btyd(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Buy-till-you-die models: published figures beside ours, forecasts on real shops, a million customers, a peer."""
    if data not in (None, *PARTS):
        raise UsageError(f"the btyd bench knows no data {data!r}", remedy=f"--data with one of: {', '.join(PARTS)}")
    from holdfast.bench.btyd_published import published
    from holdfast.bench.btyd_shops import shops
    from holdfast.bench.btyd_speed import speed

    found: list[Score] = []
    if data in (None, "published"):
        found += published(progress)
    if data in (None, "shops"):
        found += shops(progress)
    if data in (None, "simulated"):
        scores, note = speed(full=full, progress=progress)
        found += scores
        if note:
            sys.stderr.write(note + "\n")
    return found
