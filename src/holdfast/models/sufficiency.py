"""Too few customers for a forecast: what is missing, when there will be enough, and a list that needs no forecast.

Fifty repeat buyers and ten outcomes of either kind are what `small_shop` needs for intervals that hold (`holdfast bench
shift`). Below that a probability would be the prior's, not the shop's, and is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.errors import TooLittleData
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.core.text import Language, Text
from holdfast.models.columns import column_of

LEAST_REPEATERS = 50
LEAST_OUTCOMES = 10
#: Up to so many repeat buyers `small_shop` is the model to expect; beyond, any may win.
SMALL = 500

_REPEATERS = Text(
    "{have} customers have ordered on two days or more; a forecast needs {need}",
    "有{have}位客户在两天或以上下过单；预测需要{need}位",
)
_OUTCOMES = Text(
    "of the customers asked at closed cutoffs {churned} stayed away and {stayed} came back; {need} of either are needed",
    "在已结束的时刻，有{churned}位客户没有再来、{stayed}位回来了；两种各需{need}位",
)
_WHEN = Text("at the pace so far there will be enough in about {days} days", "按目前速度，大约{days}天后数据足够")
_NEVER = Text("nobody has come back yet, so it cannot be said when", "还没有客户回购，因此无法估计何时足够")
MEANWHILE = Text(
    "until then work from the list by silence: who is longest overdue by their own rhythm comes first",
    "在此之前，请使用按沉默时间排序的名单：按各自节奏逾期最久的排在最前",
)


@dataclass(frozen=True)
class Sufficiency:
    """Whether a forecast of churn may be made. `days_to_go`: until there are enough repeat buyers, if that can be told."""

    repeaters: int
    churned: int
    stayed: int
    missing: tuple[Text, ...]
    days_to_go: int | None

    @property
    def enough(self) -> bool:
        return not self.missing

    def sentence(self, language: Language = "en") -> str:
        """What is missing, when it will be there, and what to do meanwhile; empty where nothing is."""
        if self.enough:
            return ""
        when = _NEVER.render(language) if self.repeaters == 0 else ""
        if self.days_to_go is not None and self.days_to_go > 0:
            when = _WHEN.render(language, days=self.days_to_go)
        parts = [*(one.render(language) for one in self.missing), *([when] if when else []), MEANWHILE.render(language)]
        return ("; " if language == "en" else "；").join(parts)

    def require(self, language: Language = "en", where: str | None = None) -> None:
        """Raise `TooLittleData` with that sentence where something is missing."""
        if not self.enough:
            told = [one.render(language) for one in self.missing]
            rest = self.sentence(language).removeprefix("; ".join(told) if language == "en" else "；".join(told))
            raise TooLittleData("; ".join(told), where=where, remedy=rest.lstrip("; ；"))

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        return {
            "enough": self.enough, "repeaters": self.repeaters, "churned": self.churned, "stayed": self.stayed,
            "days_to_go": self.days_to_go, "text": self.sentence(language),
        }  # fmt: skip


def sufficiency(repeaters: int, days: float, outcomes: Outcomes | None = None) -> Sufficiency:
    """Whether so many repeat buyers after so many days of history, and these closed outcomes, carry a forecast.

    A customer counts once for each outcome they ever showed: twelve slices of five people are five people.

    >>> print(sufficiency(30, 60.0).sentence())
    30 customers have ordered on two days or more; a forecast needs 50; at the pace so far there will be enough ...
    """
    missing: list[Text] = []
    if repeaters < LEAST_REPEATERS:
        missing.append(_filled(_REPEATERS, have=repeaters, need=LEAST_REPEATERS))
    churned = stayed = 0
    if outcomes is not None:
        ids = outcomes.key.customer_id
        churned, stayed = (len(ids.filter(pa.array(one)).unique()) for one in (outcomes.churned, ~outcomes.churned))
        if min(churned, stayed) < LEAST_OUTCOMES:
            missing.append(_filled(_OUTCOMES, churned=churned, stayed=stayed, need=LEAST_OUTCOMES))
    lacking = max(0, LEAST_REPEATERS - repeaters)
    to_go = None if repeaters <= 0 else int(np.ceil(lacking * max(days, 1.0) / repeaters))
    return Sufficiency(repeaters, churned, stayed, tuple(missing), to_go)


def _filled(text: Text, **values: object) -> Text:
    return Text(text.render("en", **values), text.render("zh", **values))


def by_silence(features: FeatureTable) -> pa.Table:
    """customer_id, days_since_last_order, times_usual: the longest overdue first, and no probability anywhere.

    `times_usual` is the silence in units of the customer's own usual gap, or of the shop's median gap for those who
    ordered once; null where nobody ever came back.
    """
    silence = features.column(column_of(features.names, "silence", "the list by silence")).astype(np.float64)
    own = np.full(len(features), np.nan)
    if "overdue_ratio" in features.names:
        own = features.column("overdue_ratio").astype(np.float64)
    known = np.isfinite(own) & (own > 0) & np.isfinite(silence)
    gap = float(np.median(silence[known] / own[known])) if known.any() else np.nan
    times = np.where(np.isfinite(own), own, silence / gap if np.isfinite(gap) and gap > 0 else np.nan)
    order = np.lexsort((np.arange(len(times)), -np.nan_to_num(silence), -np.nan_to_num(times, nan=-1.0)))
    return pa.table(
        {
            "customer_id": features.key.customer_id.take(pa.array(order)),
            "days_since_last_order": pa.array(silence[order], from_pandas=True),
            "times_usual": pa.array(times[order], from_pandas=True),
        }
    )
