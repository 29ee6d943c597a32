"""How lanes are set: each setting on two windows of Online Retail that had closed before the cutoff that is reported.

The windows start on 2011-09-10 and 2011-10-10; the bench of the lists reports 2011-11-09. `holdfast.recommend.mix.LANES` takes
what is best here, own items allowed and left out together; of `lately` the best of each.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.bench.recommend_online_retail import BENCH, DATA, HORIZON, SEEN
from holdfast.core.clock import Cutoff
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import RECOMMENDERS
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.evaluate.lists.windows import ListWindow

CUTOFFS = ("2011-09-10", "2011-10-10")
#: Lane and settings, in the order in which they are tried.
TRIED: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("lately", {"neighbours": k, "days": days}) for k in (100, 300) for days in (15.0, 30.0, 45.0, 90.0)),
    *(
        ("ease", {"half_life_days": made, "query_half_life_days": asked})
        for made in (None, 90.0, 180.0)
        for asked in (None, 45.0, 90.0, 180.0)
    ),
    *(("ials", {"half_life_days": days}) for days in (None, 60.0, 90.0, 120.0, 180.0)),
    *(("frequency", {"half_life": days}) for days in (None, 60.0, 120.0, 240.0)),
)


def run(full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """nDCG at 10 of every setting, mean of both windows, own items allowed and left out, and the mean of the two."""
    from holdfast.evaluate.lists.judge import judge

    windows, found = opened(progress), []
    for at, (name, settings) in enumerate(TRIED):
        progress.step("settings of lanes", at, len(TRIED))
        reached: dict[str, list[float]] = {seen: [] for seen in SEEN}
        for one in windows:
            fit = RECOMMENDERS[name](**settings).fit(one.past)
            for seen, got in reached.items():
                lists = fit.recommend(one.past, 10, allowed=one.on_sale, seen=seen)
                told = judge(lists, one.later, one.past, on_sale=one.on_sale, seen=seen, depths=(10,), model=name)
                got.append(float(np.nanmean(told.of("ndcg_at_10"))))
        called = "_".join([name, *("none" if value is None else f"{value:g}" for value in settings.values())])
        means = {SEEN[seen]: float(np.mean(got)) for seen, got in reached.items()}
        means["both"] = float(np.mean(list(means.values())))
        protocol = f"next 30 days, mean of the windows from {' and '.join(CUTOFFS)}"
        found += [
            Score(BENCH, DATA, f"{protocol}, {said}", called, "ndcg_at_10", value) for said, value in means.items()
        ]
    progress.step("settings of lanes", len(TRIED), len(TRIED))
    return found


def opened(progress: Progress = SILENT) -> list[ListWindow]:
    """Both windows, from one import."""
    from holdfast.bench.shops import open_shop
    from holdfast.engine.duck import Engine
    from holdfast.evaluate.lists.windows import ListWindow
    from holdfast.snapshot.interactions import interactions, items_on_sale
    from holdfast.snapshot.item_outcomes import item_outcomes

    found = []
    with TemporaryDirectory() as folder, Engine() as engine:
        ledger = open_shop(DATA, engine, Path(folder), progress)
        for day in CUTOFFS:
            cutoff = Cutoff.parse(day, ledger.zone)
            past = interactions(ledger, cutoff)
            later = item_outcomes(ledger, cutoff, HORIZON, customer_id=past.customer_id)
            found.append(ListWindow(past, later, items_on_sale(past)))
    return found
