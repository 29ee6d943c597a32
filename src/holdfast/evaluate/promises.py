"""Promises kept: what an old release published, against what then happened. Kept when unflattering."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.money import MONEY_SCALE
from holdfast.core.tables import Outcomes
from holdfast.core.text import Language, Text
from holdfast.metrics.forecast import forecast_metrics
from holdfast.metrics.probability import calibration_table, wilson
from holdfast.models.treated import drawn

Floats = NDArray[np.float64]
BANDS = ("low", "watch", "high", "critical")
_SAID = Text(
    "We said {said} of {n} customers would not order within {horizon}; {happened} did not.",
    "我们曾预测{n}位客户中有{said}在{horizon}内不下单；实际为{happened}。",
)
_MONEY = Text(
    " We called {said} at risk; those customers then spent {lost} less than usual.",
    "我们曾称{said}存在风险；这些客户随后比平常少消费{lost}。",
)
_LEFT = Text(
    " Counted are the {n} of {all} customers who were left alone: the forecast is of what happens if nothing is done.",
    "（只统计未被触达的客户，{all}位中的{n}位：预测的是不采取措施时的结果。）",
)
_MORE = Text(
    " We called {said} at risk; those customers then spent {lost} more than usual.",
    "我们曾称{said}存在风险；这些客户随后反而比平常多消费{lost}。",
)


def score_promises(
    published: pa.Table, outcomes: Outcomes, *, usual: NDArray[np.float64] | None = None, currency: str = "",
    release_id: str = "", cutoff: str = "", weights: Floats | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score the `customers` table of an old release by the outcomes of its own cutoff and horizon.

    `outcomes` may stand in any order and hold more customers. `usual` is each published row's spend at the usual
    rate in currency units (`Published.value(...).usual` on the features of the old cutoff); without it the money
    actually spent is reported, but nothing is called lost. `weights`, one a row of `outcomes`: 0 was contacted and does
    not tell whether the forecast held; the others stand for them. Money counts everybody.
    """
    rows, everybody = _match(published, outcomes), published
    money = _money(everybody, usual, outcomes.revenue[rows] / MONEY_SCALE)
    if weights is not None and weights[rows].any():
        kept = drawn(weights[rows], np.arange(len(rows)))
        published, rows = published.take(pa.array(kept)), rows[kept]
    said, happened = _column(published, "p_churn"), outcomes.churned[rows]
    n = len(said)
    low, high = wilson(float(happened.mean()), n)
    result: dict[str, Any] = {
        "release_id": release_id, "cutoff": cutoff, "horizon": str(outcomes.horizon), "currency": currency, "n": n,
        "customers": everybody.num_rows,
        "said": float(said.mean()), "happened": float(happened.mean()),
        "happened_low": low, "happened_high": high,
        "within_interval": _within(published, happened),
        "bands": _bands(published, said, happened),
        "calibration": calibration_table(happened, said),
        "metrics": {k: (v if np.isfinite(v) else None) for k, v in forecast_metrics(happened, said).items()},
        "value_at_risk": money,
    }  # fmt: skip
    result["sentence"] = {"en": _sentence(result, "en"), "zh": _sentence(result, "zh")}
    return result


def _match(published: pa.Table, outcomes: Outcomes) -> NDArray[np.int64]:
    """The outcome row of each published customer."""
    if not published.num_rows:
        raise TooLittleData("the release holds no customers", remedy="nothing to score")
    place = {one: i for i, one in enumerate(outcomes.key.customer_id.to_pylist())}
    if len(place) != len(outcomes):
        raise UsageError("the outcomes hold several cutoffs", remedy="score one cutoff at a time")
    ids = published["customer_id"].to_pylist()
    lost = [one for one in ids if one not in place]
    if lost:
        raise UsageError(
            f"{len(lost)} published customers have no outcome, the first is {lost[0]!r}",
            remedy="ask snapshot for the outcomes of exactly the published customers",
        )
    return np.array([place[one] for one in ids], np.int64)


def _column(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), np.float64)


def _within(published: pa.Table, happened: NDArray[np.bool_]) -> bool | None:
    """Did the share that churned lie between the means of the published ends? None where none were published."""
    if "p_churn_low" not in published.column_names or published["p_churn_low"].null_count:
        return None
    low, high = _column(published, "p_churn_low").mean(), _column(published, "p_churn_high").mean()
    return bool(low <= happened.mean() <= high)


def _bands(published: pa.Table, said: Floats, happened: NDArray[np.bool_]) -> list[dict[str, Any]]:
    if "risk_band" not in published.column_names:
        return []
    band = np.array(published["risk_band"].to_pylist(), dtype=object)
    found = []
    for name in BANDS:
        inside = band == name
        if inside.any():
            rate, n = float(happened[inside].mean()), int(inside.sum())
            low, high = wilson(rate, n)
            found.append(
                {"band": name, "n": n, "said": float(said[inside].mean()), "happened": rate, "low": low, "high": high}
            )
    return found


def _money(published: pa.Table, usual: Floats | None, spent: Floats) -> dict[str, Any] | None:
    """Said and lost over the customers that had value at risk; both are in currency units."""
    if "value_at_risk" not in published.column_names or published["value_at_risk"].null_count:
        return None
    at_risk = _column(published, "value_at_risk")
    risky = at_risk > 0
    lost = None if usual is None else float((usual[risky] - spent[risky]).sum())
    return {
        "customers": int(risky.sum()), "said": float(at_risk.sum()), "lost": lost, "spent": float(spent[risky].sum())
    }  # fmt: skip


def _sentence(result: dict[str, Any], language: Language) -> str:
    text = _SAID.render(
        language, said=f"{result['said']:.0%}", happened=f"{result['happened']:.0%}", n=f"{result['n']:,}",
        horizon=result["horizon"],
    )  # fmt: skip
    if result["n"] < result["customers"]:
        text += _LEFT.render(language, n=f"{result['n']:,}", all=f"{result['customers']:,}")
    money = result["value_at_risk"]
    if not money or money["lost"] is None:
        return text
    coin = f" {result['currency']}".rstrip()
    pattern = _MONEY if money["lost"] >= 0 else _MORE
    return text + pattern.render(language, said=f"{money['said']:,.0f}{coin}", lost=f"{abs(money['lost']):,.0f}{coin}")
