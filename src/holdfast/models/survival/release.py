"""What a release says about curves: the `survival` table, `next_order_at`, and the figures of the report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, NO_GAP, Duration
from holdfast.core.schema import INSTANT, RELEASE_SURVIVAL
from holdfast.core.tables import Key
from holdfast.core.text import Language, Text
from holdfast.models.survival.anchor import median_days
from holdfast.models.survival.curves import FittedCurves
from holdfast.models.survival.kaplan_meier import kaplan_meier
from holdfast.models.survival.periods import RELEASE_DAYS

Floats = NDArray[np.float64]
#: Typical customers are shown at these shares of all customers, ordered by survival at the middle day.
_TYPICAL = (0.1, 0.25, 0.5, 0.75, 0.9)
_STATES = {
    "calibrated": Text(
        "Day {day}: the level was checked on {slices} earlier cutoffs whose {day} days had passed, the newest of {newest}.",
        "第{day}天：水平已在{slices}个较早的时刻上核对（其后{day}天均已过去），最近一个为{newest}。",
    ),
    "uncalibrated": Text(
        "Day {day}: no earlier cutoff with enough customers had seen {day} days pass, so the curve stands as the model drew it.",
        "第{day}天：没有客户数足够且已过{day}天的较早时刻，因此曲线未经校正。",
    ),
    "extrapolated": Text(
        "Day {day}: the history shows only {known} days after any cutoff, so the curve goes on at its last pace.",
        "第{day}天：历史数据在任一时刻之后只有{known}天，因此曲线按最后的速度延伸。",
    ),
}
_MEANING = Text(
    "Survival(d) is the chance of no order within d days; the share that orders again by day d is 1 - survival(d).",
    "生存率(d)是d天内不下单的概率；d天内再次下单的比例为1减去生存率(d)。",
)


def survival_table(key: Key, survival: Floats) -> pa.Table:
    """The release table `survival`: one row for each customer and release day, in the order of the key.

    >>> from holdfast.core.clock import Cutoff
    >>> key = Key.of(["a"], Cutoff.parse("2024-01-01"))
    >>> survival_table(key, np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])).slice(2, 1).to_pylist()
    [{'customer_id': 'a', 'day': 30, 'survival': 0.7}]
    """
    days = len(RELEASE_DAYS)
    table = pa.table(
        {
            "customer_id": key.customer_id.take(pa.array(np.repeat(np.arange(len(key)), days))),
            "day": np.tile(np.array(RELEASE_DAYS, np.int32), len(key)),
            "survival": np.asarray(survival, np.float64).reshape(-1),
        }
    )
    return RELEASE_SURVIVAL.conform(table)


def next_order_at(key: Key, survival: Floats, gap: Duration = NO_GAP) -> pa.Array:
    """The first whole day after cutoff + gap by which an order is as likely as not; null beyond 180 days.

    >>> from holdfast.core.clock import Cutoff
    >>> key = Key.of(["a", "b"], Cutoff.parse("2024-01-01"))
    >>> curves = np.array([[0.8, 0.6, 0.4, 0.3, 0.2, 0.1], [0.9] * 6])
    >>> [one and f"{one:%Y-%m-%d}" for one in next_order_at(key, curves).to_pylist()]
    ['2024-01-23', None]
    """
    days = np.ceil(median_days(survival) - 1e-9)
    micros = key.cutoff + gap.micros + np.nan_to_num(days).astype(np.int64) * DAY_MICROS
    return pa.array(micros, pa.int64(), mask=np.isnan(days)).cast(pa.timestamp("us")).cast(INSTANT)


def summary(
    survival: Floats,
    curves: FittedCurves,
    *,
    seen: tuple[Floats, NDArray[np.bool_], Floats] | None = None,
    language: Language = "en",
) -> dict[str, Any]:
    """What the report draws: the mean curve, typical customers, Kaplan-Meier beside what was said, and notes.

    `seen` is (duration, event_observed, survival said then, rows x release days) of an earlier slice, to hold the curve
    against what happened; days that slice has not reached are null.
    """
    curve = np.asarray(survival, np.float64)
    found: dict[str, Any] = {
        "days": list(RELEASE_DAYS),
        "mean": curve.mean(axis=0).tolist() if len(curve) else [],
        "typical": _typical(curve),
        "levels": [_level(curves, day, language) for day in RELEASE_DAYS],
        "meaning": _MEANING.render(language),
        "customers": len(curve),
        "beyond": float(np.isnan(median_days(curve)).mean()) if len(curve) else None,
    }
    if seen is not None:
        found["happened"] = beside(*seen)
    return found


def beside(duration: Floats, happened: NDArray[np.bool_], said: Floats) -> list[dict[str, Any]]:
    """Mean survival said beside Kaplan-Meier with its 95% interval, day by day, overall and by fifths of risk."""
    middle = said[:, RELEASE_DAYS.index(30)]
    edges = np.quantile(middle, [0.2, 0.4, 0.6, 0.8]) if len(middle) else np.array([])
    fifth = np.searchsorted(edges, middle, side="right")
    rows = []
    for group in (None, *range(5)):
        inside = np.ones(len(said), bool) if group is None else fifth == group
        if not inside.any():
            continue
        curve = kaplan_meier(duration[inside], happened[inside])
        longest = float(duration[inside].max())
        for place, day in enumerate(RELEASE_DAYS):
            known = day <= longest
            value, low, high = curve.at(float(np.nextafter(day, 0))) if known else (None, None, None)
            rows.append(
                {
                    "group": "all" if group is None else f"fifth_{group + 1}", "day": day, "n": int(inside.sum()),
                    "said": float(said[inside, place].mean()), "happened": value, "low": low, "high": high,
                }
            )  # fmt: skip
    return rows


def _typical(curve: Floats) -> list[dict[str, Any]]:
    if not len(curve):
        return []
    order = np.argsort(curve[:, RELEASE_DAYS.index(30)], kind="stable")
    places = [order[min(len(order) - 1, int(share * len(order)))] for share in _TYPICAL]
    return [{"share": share, "survival": curve[at].tolist()} for share, at in zip(_TYPICAL, places, strict=True)]


def _level(curves: FittedCurves, day: int, language: Language) -> dict[str, Any]:
    level, state = next(one for one in curves.levels if one.day == day), curves.state(day)
    newest = "" if level.newest is None else level.newest[:10]
    known = f"{curves.hazard.known_days:.0f}"
    text = _STATES[state].render(language, day=day, slices=level.slices, newest=newest, known=known)
    return {"day": day, "state": state, "shift": level.shift, "slices": level.slices, "newest": newest, "text": text}
