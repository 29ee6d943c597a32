"""Are protected groups treated alike? Gaps with intervals, the limits an allocator takes, and a look at prices.

A gap is a group less everybody else. A group with fewer than 200 customers is `Undetermined`: with a handful of people any
gap can be had by chance. Nothing here decides what is fair; it shows what is done, with how much doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.results import Effect, Undetermined
from holdfast.core.text import Language, Text
from holdfast.metrics.moments import Moments

__all__ = ["FairLimit", "fair_limit", "gaps", "price_findings", "thresholds"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
LEAST_GROUP = 200
#: Below this a difference of prices is rounding.
NEGLIGIBLE = 1e-9
#: What is compared: share treated, expected profit, error and bias of the forecast.
GAPS = {
    "treatment_rate": Text("share treated", "受到措施的比例"),
    "value": Text("expected profit per customer", "每位客户的预期利润"),
    "error": Text("squared error of the forecast", "预测的平方误差"),
    "calibration": Text("forecast less what happened", "预测与实际之差"),
}
_SMALL = Text(
    "group {group} has {n} customers; under {least} a gap may be chance",
    "{group}组只有{n}位客户；少于{least}位时差异可能是偶然",
)
_ALONE = Text("nobody is outside group {group}", "{group}组之外没有其他客户")
_UNKNOWN = "unknown"


def gaps(
    groups: Sequence[str | None] | NDArray[Any], columns: Mapping[str, Floats], *, least: int = LEAST_GROUP,
    level: float = 0.95, language: Language = "en",
) -> list[dict[str, Any]]:  # fmt: skip
    """{group, n, measure, mean, others, gap: Effect or Undetermined} of each group and column; NaN rows are left out.

    `columns`: by names of GAPS (or any other). A share's interval has one yes and one no added on either side
    (Agresti & Caffo 2000), other means are Welch's.

    >>> group = np.repeat(["a", "b"], 500)
    >>> found = gaps(group, {"treatment_rate": np.r_[np.tile([0.0, 1.0], 250), np.zeros(500)]})
    >>> found[0]["gap"].estimate, found[0]["gap"].significant
    (0.5, True)
    """
    named = np.array([_UNKNOWN if one is None else str(one) for one in groups], dtype=object)
    out = []
    for name in sorted(set(named.tolist())):
        inside = named == name
        for measure, values in columns.items():
            known = np.isfinite(values)
            mine, rest = values[inside & known], values[~inside & known]
            gap = _gap(measure, name, mine, rest, least, level, language)
            means = [float(part.mean()) if len(part) else None for part in (mine, rest)]
            out.append(
                {"group": name, "n": len(mine), "measure": measure, "mean": means[0], "others": means[1], "gap": gap}
            )
    return out


def _gap(
    measure: str, name: str, mine: Floats, rest: Floats, least: int, level: float, language: Language
) -> Effect | Undetermined:
    from scipy.stats import norm

    if not len(rest):
        return Undetermined(_ALONE.render(language, group=name))
    if min(len(mine), len(rest)) < least:
        small = name if len(mine) <= len(rest) else f"≠ {name}"
        return Undetermined(_SMALL.render(language, group=small, n=min(len(mine), len(rest)), least=least))
    value = float(mine.mean() - rest.mean())
    spread = sum(_spread(part) for part in (mine, rest))
    half = float(norm.ppf(0.5 + level / 2) * np.sqrt(spread))
    label = GAPS[measure].render(language) if measure in GAPS else measure
    return Effect(
        label,
        value,
        value - half,
        value + half,
        len(mine) + len(rest),
        len(rest),
        "difference",
        "",
        level,
        name,
        "others",
    )


def _spread(values: Floats) -> float:
    """Variance of a mean; of shares with a yes and a no added."""
    n = len(values)
    if np.isin(values, (0.0, 1.0)).all():
        p = (float(values.sum()) + 1) / (n + 2)
        return p * (1 - p) / (n + 2)
    return Moments.of(values).variance / n


def forecast_columns(said: Floats, happened: Flags) -> dict[str, Floats]:
    """`error` and `calibration` of each customer, from P(event) and whether it happened.

    >>> forecast_columns(np.array([0.25]), np.array([True]))["calibration"].tolist()
    [-0.75]
    """
    y = np.asarray(happened, np.float64)
    return {"error": (said - y) ** 2, "calibration": said - y}


@dataclass(frozen=True)
class FairLimit:
    """What the allocator takes: `group` of each customer (place in `names`, -1 under no limit), and the largest gap of
    treatment rates between any two groups."""

    group: Ints
    names: tuple[str, ...]
    max_gap: float

    def gap(self, treated: Flags) -> float:
        """The largest gap of treatment rates between two groups; 0 under two groups."""
        rates = [float(treated[self.group == at].mean()) for at in range(len(self.names)) if (self.group == at).any()]
        return max(rates) - min(rates) if len(rates) > 1 else 0.0


def fair_limit(groups: Sequence[str | None] | NDArray[Any], max_gap: float, *, least: int = LEAST_GROUP) -> FairLimit:
    """Groups large enough to be held to a limit; those who are in none, or in a small one, are free.

    >>> fair_limit(["a"] * 300 + ["b"] * 300 + ["c"], 0.1).names
    ('a', 'b')
    """
    if not 0 <= max_gap <= 1:
        raise UsageError(f"a gap of treatment rates is between 0 and 1, not {max_gap}")
    named = np.array([_UNKNOWN if one is None else str(one) for one in groups], dtype=object)
    names, counts = np.unique(named.astype(str), return_counts=True)
    large = tuple(n for n, k in zip(names.tolist(), counts.tolist(), strict=True) if k >= least and n != _UNKNOWN)
    place = {name: at for at, name in enumerate(large)}
    return FairLimit(np.array([place.get(one, -1) for one in named], np.int64), large, max_gap)


def thresholds(score: Floats, limit: FairLimit, share: float) -> dict[str, float]:
    """A threshold per group that treats `share` of all limited customers with no gap above the limit, and changes as few
    as it can: rates of one common threshold are moved into a band as wide as the limit.

    Treated is who scores at or above the group's threshold. Raises `UsageError` for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise UsageError(f"the share to treat must lie between 0 and 1, not {share}")
    limited = limit.group >= 0
    if not limited.any():
        return {}
    common = np.quantile(score[limited], 1 - share)
    n = np.array([(limit.group == at).sum() for at in range(len(limit.names))], np.float64)
    rate = np.array([(score[limit.group == at] >= common).mean() for at in range(len(limit.names))])
    low, high = 0.0, 1.0
    for _ in range(60):  # the band [low, low + gap] whose rates treat as many as asked
        middle = (low + high) / 2
        treated = float((n * np.clip(rate, middle, middle + limit.max_gap)).sum() / n.sum())
        low, high = (middle, high) if treated < share else (low, middle)
    wanted = np.clip(np.clip(rate, high, high + limit.max_gap), 0, 1)
    return {
        name: _cut(score[limit.group == at], round(float(wanted[at] * n[at]))) for at, name in enumerate(limit.names)
    }


def _cut(score: Floats, count: int) -> float:
    """The score of the count-th best; infinite for none."""
    return float(np.sort(score)[::-1][count - 1]) if count else float("inf")


_PRICE = Text(
    "Open to the same offers, group {group} is offered {gap} {unit} than the others ({low} to {high}; {n} customers).",
    "在可选方案相同的情况下，{group}组得到的{unit}与其他人相差{gap}（{low}至{high}；{n}位客户）。",
)
_UNITS = {
    "discount": Text("of the price more or less in discount", "折扣（占价格比例）"),
    "incentive": Text("more or less in money", "现金优惠"),
}


def price_findings(
    groups: Sequence[str | None] | NDArray[Any], eligible: Flags, price: Floats, *, what: str = "discount",
    most: float = 0.0, least: int = LEAST_GROUP, level: float = 0.95, language: Language = "en",
) -> list[dict[str, Any]]:  # fmt: skip
    """Before approval: do customers who may get the same arms get another price by their group?

    `eligible`: customers x arms; `price`: what each is (expected to be) offered, a share of the price or money. Customers with
    the same row of `eligible` are compared with each other, and the strata added by the size of the group (so that who may
    get what is not the reason). A finding {group, what, gap, low, high, n, text} for every gap that is surely beyond
    `most`; {group, what, undetermined} where a group is small. An empty list: nothing found.
    """
    from scipy.stats import norm

    named = np.array([_UNKNOWN if one is None else str(one) for one in groups], dtype=object)
    stratum = np.unique(eligible, axis=0, return_inverse=True)[1].ravel()
    z, found = float(norm.ppf(0.5 + level / 2)), []
    for name in sorted(set(named.tolist())):
        gap, spread, n = _within_strata(named == name, stratum, price)
        if n < least:
            why = _SMALL.render(language, group=name, n=n, least=least)
            found.append({"group": name, "what": what, "undetermined": why})
            continue
        low, high = gap - z * spread**0.5, gap + z * spread**0.5
        if low > most + NEGLIGIBLE or high < -most - NEGLIGIBLE:
            said = {"gap": f"{gap:+.3f}", "low": f"{low:+.3f}", "high": f"{high:+.3f}", "n": f"{n:,}"}
            text = _PRICE.render(language, group=name, unit=_UNITS.get(what, Text(what, what)).render(language), **said)
            found.append({"group": name, "what": what, "gap": gap, "low": low, "high": high, "n": n, "text": text})
    return found


def _within_strata(inside: Flags, stratum: Ints, price: Floats) -> tuple[float, float, int]:
    """(difference, its variance, customers of the group) over strata that hold both sides twice."""
    total, spread, n = 0.0, 0.0, 0
    for one in np.unique(stratum):
        mine, rest = price[inside & (stratum == one)], price[~inside & (stratum == one)]
        if min(len(mine), len(rest)) >= 2:
            size = len(mine)
            total, n = total + size * (mine.mean() - rest.mean()), n + size
            spread += size**2 * (mine.var(ddof=1) / size + rest.var(ddof=1) / len(rest))
    return (float(total / n), float(spread / n**2), n) if n else (float("nan"), float("nan"), 0)
