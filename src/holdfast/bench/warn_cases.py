"""What the warn bench asks: shops, horizons, checks; and the rows of a shop that may be alerted at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from holdfast.core.tables import FeatureTable, Outcomes, Slices
    from holdfast.warn.rhythm import Rhythms

HORIZONS = ("30d", "90d", "180d")
#: One check follows the other after so long; models are learnt at the earlier of the two.
EVERY = Window.parse("7d")
TESTS, CHOOSING = 5, 3
_EARLIER = Gap(EVERY.length)


@dataclass(frozen=True)
class Case:
    """`newest`: the last day whose 30-day window is closed; `first`: the earliest training cutoff; `step` between them.

    `apart`: days between test cutoffs, by horizon.
    """

    data: str
    newest: str
    first: str
    step_days: int
    apart: tuple[int, int, int]


CASES = (
    Case("online_retail", "2011-11-09", "2011-02-25", 15, (30, 30, 15)),
    Case("cdnow", "1998-05-31", "1997-04-01", 30, (30, 30, 30)),
    Case("synthetic", "2025-12-01", "2024-06-01", 30, (30, 30, 30)),
)


@dataclass(frozen=True)
class Alertable:
    """Everybody within the own rhythm at the check before each cutoff: what was known, and what followed by horizon."""

    data: str
    zone: str
    features: FeatureTable
    outcomes: dict[str, Outcomes]
    tests: dict[str, tuple[Cutoff, ...]]
    choosing: dict[str, tuple[Cutoff, ...]]
    rhythms: Any

    def rhythm(self, cutoff: Cutoff) -> Rhythms:
        found: Rhythms = self.rhythms(cutoff)
        return found

    def at(self, cutoff: Cutoff) -> FeatureTable:
        return self.features.at([cutoff])

    def learnt_from(self, horizon: str, by: Cutoff) -> tuple[Horizon, Slices] | None:
        """The rows that may teach at `by`: of the longest horizon, up to the one asked, with a closed window by then."""
        from holdfast.core.tables import Slices

        for name in reversed(HORIZONS[: HORIZONS.index(horizon) + 1]):
            span = Horizon.parse(name)
            known = self.outcomes.get(name)
            closed = [] if known is None else [one for one in known.key.cutoffs if one.plus(span) <= by]
            if known is not None and closed:
                return span, Slices(self.features.at(closed), known.at(closed))
        return None


def previous(cutoff: Cutoff) -> Cutoff:
    """The check before."""
    return cutoff.minus(EVERY)


def grid(case: Case, zone: str) -> list[Cutoff]:
    """Local midnights a step apart back from the newest, oldest first."""
    day, found = date.fromisoformat(case.newest), []
    while day >= date.fromisoformat(case.first):
        found.append(Cutoff.midnight(day, zone))
        day -= timedelta(days=case.step_days)
    return found[::-1]


def alertable(ledger: Any, case: Case, progress: Progress = SILENT) -> Alertable:
    """Features, outcomes and rhythms of a shop at all cutoffs that teach, choose or test."""
    from holdfast.features.build import build
    from holdfast.snapshot.rows import order_days
    from holdfast.snapshot.settings import EVERYBODY
    from holdfast.snapshot.snapshot import Snapshot
    from holdfast.warn.rhythm import rhythms

    zone = ledger.zone
    whole = grid(case, zone)
    ends = Snapshot(ledger, (whole[-1],)).ends
    tests, choosing = _judged(case, whole, ends)
    judged = {one for some in (*tests.values(), *choosing.values()) for one in some}
    cutoffs = tuple(sorted({*whole, *judged, *(previous(one) for one in judged)}))
    days = order_days(Snapshot(ledger, (ends,), EVERYBODY).observed)

    @cache
    def rhythm(cutoff: Cutoff) -> Rhythms:
        return rhythms(days, cutoff.local_day(zone))

    snapshot = Snapshot(ledger, cutoffs, EVERYBODY)
    features = build(snapshot.observed, progress=progress)
    features = features.take(_within(features, rhythm))
    outcomes = {}
    for name in HORIZONS:
        closed = tuple(one for one in cutoffs if one.plus(Horizon.parse(name)) <= ends)
        if closed:
            of = Snapshot(ledger, closed, EVERYBODY)
            outcomes[name] = of.outcomes(Horizon.parse(name), key=features.at(closed).key)
    return Alertable(case.data, zone, features, outcomes, tests, choosing, rhythm)


def _judged(
    case: Case, whole: Sequence[Cutoff], ends: Cutoff
) -> tuple[dict[str, tuple[Cutoff, ...]], dict[str, tuple[Cutoff, ...]]]:
    """Test cutoffs by horizon, and earlier ones on which the score was chosen: closed before the first test."""
    tests: dict[str, tuple[Cutoff, ...]] = {}
    choosing: dict[str, tuple[Cutoff, ...]] = {}
    for name, apart in zip(HORIZONS, case.apart, strict=True):
        span, stride = Horizon.parse(name), apart // case.step_days
        able = [one for one in whole if one.plus(span) <= ends]
        taught = [one for one in able if whole[0].plus(Horizon.parse("30d"), _EARLIER) <= one]
        tests[name] = tuple(taught[::-1][: TESTS * stride : stride][::-1])
        before = [one for one in taught if tests[name] and one.plus(span) <= previous(tests[name][0])]
        choosing[name] = tuple(before[::-1][: CHOOSING * stride : stride][::-1])
    return tests, choosing


def _within(features: FeatureTable, rhythm: Any) -> NDArray[np.bool_]:
    """Who was within the own rhythm at the check before the row's cutoff."""
    kept = np.zeros(len(features), bool)
    for cutoff in features.key.cutoffs:
        rows = np.flatnonzero(features.key.at([cutoff]))
        then = rhythm(previous(cutoff))
        place = then.rows_of(features.key.take(rows).customer_id)
        kept[rows] = (place >= 0) & then.within[np.maximum(place, 0)]
    return kept
