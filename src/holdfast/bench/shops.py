"""The shops that benches run on: real ones from the folder that HOLDFAST_DATA names, and a synthetic one.

Each is imported, cleaned and folded like any shop's, then asked at its reference cutoffs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.clock import NO_GAP, Cutoff, Horizon, Window
from holdfast.core.errors import InputRefused, UsageError
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from holdfast.core.tables import FeatureTable, Slices
    from holdfast.snapshot.ledger import Ledger
    from holdfast.snapshot.settings import PopulationSettings

STEP = Window.parse("15d")


@dataclass(frozen=True)
class BenchShop:
    """One data set: where it lies, how it is read, and where it is asked.

    `newest` is the newest test cutoff by horizon; `first` the earliest training cutoff.
    """

    file: str
    preset: str
    zone: str
    currency: str
    first: str
    newest: dict[str, str]


SHOPS = {
    "online_retail": BenchShop(
        "online_retail/online_retail.csv.gz", "online-retail", "Europe/London", "GBP", "2011-03-01",
        {"30d": "2011-11-09", "90d": "2011-09-10"},  # the last days whose label windows close inside the file
    ),
    "cdnow": BenchShop(
        "cdnow/CDNOW_master.txt.gz", "cdnow", "UTC", "USD", "1997-05-01", {"90d": "1997-09-30", "273d": "1997-09-30"}
    ),
    "synthetic": BenchShop("", "holdfast", "Europe/Berlin", "EUR", "2024-06-01", {"30d": "2025-12-01", "90d": "2025-10-01"}),
}  # fmt: skip


def data_file(name: str) -> Path:
    """A file below the data folder; raises `InputRefused` where it is not there."""
    path = Path(os.environ.get("HOLDFAST_DATA", "../shared/data")) / name
    if not path.is_file():
        raise InputRefused("the data file is not there", where=str(path), remedy="set HOLDFAST_DATA to the data folder")
    return path


def shop_of(name: str) -> BenchShop:
    """A shop by name."""
    if name not in SHOPS:
        raise UsageError(f"the bench knows no data {name!r}", remedy=f"one of: {', '.join(SHOPS)}")
    return SHOPS[name]


def open_shop(name: str, engine: Any, folder: Path, progress: Progress = SILENT, *, customers: int = 6000) -> Ledger:
    """The shop imported into a fresh lake below `folder`, cleaned and folded. `customers`: of the synthetic one."""
    from holdfast.log.history import open_log
    from holdfast.log.intake import take_in
    from holdfast.log.sources.open import open_source
    from holdfast.log.store import Lake
    from holdfast.snapshot.ledger import Ledger

    shop, lake = shop_of(name), Lake(folder / "lake")
    paths = [data_file(shop.file)] if shop.file else _synthetic(folder / "raw", customers, progress)
    for path in paths:
        source = open_source(path, preset=shop.preset, zone=shop.zone, currency=shop.currency)
        take_in(engine, lake, source, zone=shop.zone, currency=shop.currency, now=datetime.now(UTC), progress=progress)
    log, _ = open_log(engine, lake, zone=shop.zone, currency=shop.currency, progress=progress)
    return Ledger.open(engine, log, None, progress)


def _synthetic(folder: Path, customers: int, progress: Progress) -> list[Path]:
    from holdfast.synth.raw import write_raw
    from holdfast.synth.world import World, make

    return write_raw(make(World(customers=customers), progress), folder, form="parquet")


def cutoffs_of(name: str, horizon: Horizon) -> tuple[tuple[Cutoff, ...], tuple[Cutoff, ...]]:
    """Training and test cutoffs, oldest first.

    Test cutoffs lie a horizon apart; where a year of data has no room for five of those, they lie 15 days apart.
    """
    from holdfast.snapshot.folds import test_cutoffs, training_cutoffs

    shop = shop_of(name)
    newest, first = Cutoff.parse(shop.newest[str(horizon)], shop.zone), Cutoff.parse(shop.first, shop.zone)
    tests = test_cutoffs(newest, horizon, NO_GAP, first, shop.zone)
    if len(tests) < 5:
        tests = training_cutoffs(newest.plus(horizon), horizon, NO_GAP, STEP, first, shop.zone)[-5:]
    return training_cutoffs(newest, horizon, NO_GAP, STEP, first, shop.zone), tests


def slices_of(
    ledger: Ledger, horizon: Horizon, cutoffs: Sequence[Cutoff], *, population: PopulationSettings | None = None,
    progress: Progress = SILENT,
) -> Slices:  # fmt: skip
    """Features and outcomes at these cutoffs."""
    from holdfast.core.tables import Slices
    from holdfast.features.build import build
    from holdfast.snapshot.settings import BY_ORDER
    from holdfast.snapshot.snapshot import Snapshot

    snapshot = Snapshot(ledger, tuple(sorted(set(cutoffs))), population or BY_ORDER)
    return Slices(build(snapshot.observed, progress=progress), snapshot.outcomes(horizon))


def histories_of(ledger: Ledger, cutoffs: Sequence[Cutoff]) -> FeatureTable:
    """The purchase histories of everybody with an order, at these cutoffs."""
    from holdfast.features.histories import purchase_histories

    return purchase_histories(ledger, cutoffs)
