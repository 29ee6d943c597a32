"""The level: whether all customers together will spend more or less than the closed slices say.

A model of spend over 90 days learns from slices at least 90 days old. Meanwhile shorter windows have closed: what the
newest slices have spent in their first 30 days says how far the level has moved since (`recent`). A shop with more than
a year of slices also knows how far off the same fit is at the same time of earlier years (`season`). Which of them is
believed, if any, earlier cutoffs decide (see `choose_level`); what the coming season will do differently nobody can know from one year.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration
from holdfast.core.tables import Slices
from holdfast.models.clv.registry import ValueFitted, spend_of
from holdfast.models.clv.rolling import closed_by

Floats = NDArray[np.float64]
#: The level is never moved by more than this factor.
_FURTHEST = 2.0
#: Slices within so many days of the same date of an earlier year speak for the season.
_SEASON_DAYS = 20.0
#: A correction must have been tried at so many earlier cutoffs before it may replace the usual one.
NEED_TRIED = 3
KINDS = ("season", "none", "recent")
#: Doubt about the level (standard deviation of its logarithm) where nothing has shown how far it moves.
UNTOLD_SD = 0.25


@dataclass(frozen=True)
class Level:
    """What forecasts are multiplied by, where that comes from (one of KINDS), and how sure it is.

    `moved` is the logarithm of spent over forecast that was seen, `noise` its standard error from customers alone.
    """

    kind: str = "none"
    factor: float = 1.0
    sd: float = UNTOLD_SD
    moved: float = 0.0
    noise: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "factor": self.factor, "sd": self.sd, "moved": self.moved, "noise": self.noise}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Level:
        return cls(saved["kind"], *(float(saved[name]) for name in ("factor", "sd", "moved", "noise")))


def recent_level(fitted: ValueFitted, long: Slices, short: Slices | None, cutoff: Cutoff, gap: Duration) -> Level:
    """How far the level has moved since the slices that `fitted` learnt from, as the newest short windows show.

    `long` has the forecast's horizon, `short` a shorter one at (also) later cutoffs. With r the mean logarithm of
    spent over forecast and s its standard error, only the part beyond noise is believed: r x max(0, 1 - s^2 / r^2).
    """
    if short is None or short.outcomes.horizon >= long.outcomes.horizon:
        return Level()
    old = closed_by(long, cutoff, gap)
    new = [one for one in closed_by(short, cutoff, gap) if one not in old and (not old or one > old[-1])]
    share = share_of(long, short, cutoff, gap)
    if share is None or not new:
        return Level()
    return _believed("recent", [_moved(fitted, short.at([one]), share) for one in new])


def season_level(fitted: ValueFitted, long: Slices, cutoff: Cutoff, gap: Duration) -> Level | None:
    """How far off `fitted` is at the same dates of earlier years; None where no slice is old enough."""
    ages = [(one, (cutoff.micros - one.micros) / 86_400e6) for one in closed_by(long, cutoff, gap)]
    same = [one for one, age in ages if age > 300 and abs(age - 365.25 * round(age / 365.25)) <= _SEASON_DAYS]
    return _believed("season", [_moved(fitted, long.at([one]), 1.0) for one in same]) if same else None


def levels(fitted: ValueFitted, long: Slices, short: Slices | None, cutoff: Cutoff, gap: Duration) -> dict[str, Level]:
    """Every correction that can be known at `cutoff`."""
    season = season_level(fitted, long, cutoff, gap)
    known = {"none": Level(), "recent": recent_level(fitted, long, short, cutoff, gap)}
    return known if season is None else {**known, "season": season}


def choose_level(errors: Sequence[Mapping[str, float]], known: Collection[str]) -> str:
    """Which correction to use, of those known now: `season`, else `none`, unless another was always nearer.

    `errors` has one entry for each earlier cutoff: the error of each correction that was known there. Another kind wins
    only if it was nearer at every cutoff where both were tried, and those were at least NEED_TRIED: the newest weeks lie
    in another season than the coming ones, and on two real shops of three following them made the level worse.

    >>> choose_level([{"none": 0.3, "recent": 0.2}] * 3, ["none", "recent"]), choose_level([], ["none", "recent", "season"])
    ('recent', 'season')
    """
    best = "season" if "season" in known else "none"
    for kind in KINDS:
        both = [one for one in errors if kind in one and best in one]
        if kind in known and len(both) >= NEED_TRIED and all(abs(one[kind]) < abs(one[best]) for one in both):
            best = kind
    return best


def _believed(kind: str, seen: Sequence[tuple[float, float]]) -> Level:
    """The part of a move that goes beyond its noise. Neighbouring windows overlap, so their noise is shared."""
    moves, errors = zip(*seen, strict=True)
    moved = float(np.clip(np.mean(moves), -np.log(_FURTHEST), np.log(_FURTHEST)))
    noise = float(np.sqrt(np.mean(np.square(errors))))
    share = max(0.0, 1.0 - noise**2 / moved**2) if moved else 0.0
    return Level(kind, float(np.exp(share * moved)), UNTOLD_SD, moved, noise)


def share_of(long: Slices, short: Slices, cutoff: Cutoff, gap: Duration) -> float | None:
    """Part of the long horizon's spend that falls in the short one, over slices where both have closed."""
    both = [one for one in closed_by(long, cutoff, gap) if one in short.cutoffs]
    whole, part = (float(spend_of(s.at(both).outcomes).sum()) if both else 0.0 for s in (long, short))
    return part / whole if whole > 0 and part > 0 else None


def _moved(fitted: ValueFitted, slice_: Slices, share: float) -> tuple[float, float]:
    """Logarithm of spent over forecast in one short window, and its standard error over customers."""
    spent, said = spend_of(slice_.outcomes), fitted.predict(slice_.features) * share
    if spent.sum() <= 0 or said.sum() <= 0:
        return 0.0, 1.0
    off = spent - said * spent.sum() / said.sum()
    return float(np.log(spent.sum() / said.sum())), float(np.sqrt((off**2).sum()) / spent.sum())


def level_doubt(errors: Floats | list[float]) -> float:
    """How far whole slices were off (standard deviation of the logarithm) from what earlier cutoffs showed.

    Few cutoffs tell little: they are joined with one untold slice.

    >>> round(level_doubt([]), 2), round(level_doubt([0.0, 0.0, 0.0]), 3)
    (0.25, 0.125)
    """
    seen = np.asarray(errors, np.float64)
    return float(np.sqrt((np.square(seen).sum() + UNTOLD_SD**2) / (len(seen) + 1)))
