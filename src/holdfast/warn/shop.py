"""Signals of the shop as a whole: new cohorts that come back less than earlier ones did, and data that has drifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.results import Undetermined
from holdfast.core.text import Text

Floats = NDArray[np.float64]
_EPOCH = date(1970, 1, 1)
#: Cohorts smaller than this say nothing.
LEAST_CUSTOMERS = 30
#: So many earlier cohorts tell what is usual.
LEAST_COHORTS = 3

BENDING = Text(
    "Of the {n} customers who first ordered in {newest}, {now} came back within {days} days; of earlier ones {before}. "
    "The difference, {difference} points ({low} to {high}), is more than cohorts usually differ.",
    "{newest}首次下单的{n}位客户中，{now}在{days}天内再次下单，此前的批次为{before}；"
    "相差{difference}个百分点（{low} 至 {high}），超出批次间的正常波动。",
)
STEADY = Text(
    "Of the {n} customers who first ordered in {newest}, {now} came back within {days} days; of earlier ones {before}: "
    "{difference} points ({low} to {high}), as cohorts usually differ.",
    "{newest}首次下单的{n}位客户中，{now}在{days}天内再次下单，此前的批次为{before}；相差{difference}个百分点（{low} 至 {high}），属正常波动。",
)
DRIFTED = Text("The data has drifted: {why}", "数据已发生漂移：{why}")


@dataclass(frozen=True)
class Bend:
    """Coming back within `within_days` of the first order: the newest closed cohorts against earlier ones.

    Shares 0 to 1; `difference` newest less earlier with its 95% interval, in which cohorts differ by more than chance.
    """

    newest: tuple[str, ...]
    customers: int
    share: float
    earlier_share: float
    difference: float
    low: float
    high: float
    within_days: int
    cohorts: int

    @property
    def bending(self) -> bool:
        """Whether retention falls by more than cohorts usually differ."""
        return self.high < 0

    def sentence(self) -> Text:
        values = {
            "n": f"{self.customers:,}", "newest": ", ".join(self.newest), "now": f"{self.share:.0%}",
            "days": self.within_days, "before": f"{self.earlier_share:.0%}", "difference": f"{100 * self.difference:+.1f}",
            "low": f"{100 * self.low:+.1f}", "high": f"{100 * self.high:+.1f}",
        }  # fmt: skip
        text = BENDING if self.bending else STEADY
        return Text(text.render("en", **values), text.render("zh", **values))

    def as_dict(self) -> dict[str, Any]:
        said = self.sentence()
        return {**asdict(self), "bending": self.bending, "sentence": {"en": said.en, "zh": said.zh}}


def retention_bend(
    order_days: pa.Table, today: date, *, within_days: int = 60, newest: int = 2, from_day: date | None = None
) -> Bend | Undetermined:
    """Do the newest cohorts (calendar month of the first order) come back less? Only cohorts whose days have all passed.

    The variance of a cohort's share is binomial times a dispersion learnt from the earlier cohorts (at least 1), so a
    season does not raise an alarm by itself. `from_day`: cohorts before the shop's record began in earnest are left out.
    """
    cohort, came = _cohorts(order_days, today, within_days, from_day)
    months, place = np.unique(cohort, return_inverse=True)
    size = np.bincount(place, minlength=len(months)).astype(np.float64)
    back = np.bincount(place, weights=came, minlength=len(months))
    kept = size >= LEAST_CUSTOMERS
    months, size, back = months[kept], size[kept], back[kept]
    if len(months) < newest + LEAST_COHORTS:
        return Undetermined(
            f"{len(months)} cohorts of at least {LEAST_CUSTOMERS} customers have had {within_days} days; "
            f"{newest + LEAST_COHORTS} are needed"
        )
    old, new = slice(None, -newest), slice(-newest, None)
    p = float(back[old].sum() / size[old].sum())
    q = float(back[new].sum() / size[new].sum())
    dispersion = _dispersion(back[old] / size[old], size[old], p)
    spread = dispersion * max(p * (1 - p), 1e-9) * (1 / size[old].sum() + 1 / size[new].sum())
    wide = _student(len(months) - newest - 1) * float(np.sqrt(spread))
    names = tuple(str(np.datetime64(int(one), "M")) for one in months[new])
    return Bend(
        names, int(size[new].sum()), q, p, q - p, q - p - wide, q - p + wide, within_days, len(months)
    )  # fmt: skip


def drift_signal(facts: Mapping[str, Any] | None) -> Text | None:
    """The drift that `models.drift` found (its facts as plain data), in a sentence; None where nothing moved.

    >>> drift_signal({"refit": True, "reasons": ["orders arrive more slowly"]}).en
    'The data has drifted: orders arrive more slowly'
    """
    if not facts or not facts.get("refit"):
        return None
    why = "; ".join(str(one) for one in facts.get("reasons") or [])
    return Text(DRIFTED.render("en", why=why), DRIFTED.render("zh", why=why))


def _cohorts(table: pa.Table, today: date, within_days: int, from_day: date | None) -> tuple[NDArray[np.int64], Floats]:
    """Month number of the first order and whether another followed in time, of each customer with enough time."""
    day = table["local_day"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    seen = day < (today - _EPOCH).days
    code = table["customer_id"].combine_chunks().cast(pa.string()).dictionary_encode().indices.to_numpy()[seen]
    day = day[seen]
    if not len(day):
        return np.zeros(0, np.int64), np.zeros(0)
    order = np.lexsort((day, code))
    code, day = code[order].astype(np.int64), day[order]
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    first = np.repeat(day[starts], np.diff(np.append(starts, len(code))))
    came = np.add.reduceat(((day > first) & (day <= first + within_days)).astype(np.int64), starts) > 0
    month = day[starts].astype("datetime64[D]").astype("datetime64[M]")
    last = np.datetime64(today - timedelta(days=within_days), "D").astype("datetime64[M]")
    closed = month < last  # every day of the month has had its days
    if from_day is not None:
        closed &= month >= np.datetime64(from_day, "D").astype("datetime64[M]")
    return month[closed].astype(np.int64), came[closed].astype(np.float64)


def _dispersion(share: Floats, size: Floats, p: float) -> float:
    """Pearson's: how much more cohorts differ than chance alone would make them; at least 1."""
    chi = float((size * (share - p) ** 2).sum() / max(p * (1 - p), 1e-9))
    return max(1.0, chi / max(len(share) - 1, 1))


def _student(degrees: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, max(degrees, 1)))
