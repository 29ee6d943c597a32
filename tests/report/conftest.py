"""A realistic story: a shop of two thousand customers, its hostile names included, without any other room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.schema import RELEASE_CUSTOMERS
from holdfast.core.text import LANGUAGES
from holdfast.decide.bands import describe_bands, risk_bands
from holdfast.profile.cohorts import cohorts, retention_curves
from holdfast.profile.lifecycle import lifecycle, lifecycle_over_time
from holdfast.report.story import Story

CUTOFF = date(2011, 11, 9)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "مرحبا‮abc",
    "👩‍👩‍👧 & sons",
    "客户甲",
    "a\x1b[2Jb\x00",
    "x" * 300,
    "=HYPERLINK(1)",
)
REASONS = {
    "en": (
        "usually orders every {a} days, last order {b} days ago",
        "spent {c} in the last 90 days, {d} in the 90 before",
        "only {e} different items so far",
    ),
    "zh": ("通常每{a}天下单一次，上次下单在{b}天前", "最近90天消费{c}，之前90天消费{d}", "至今只买过{e}种商品"),
}


def make_orders(customers: int = 2000, seed: int = 3) -> pa.Table:
    """Order days of customers who join, order at their own pace, and some day leave."""
    rng = np.random.default_rng(seed)
    ids, days, revenue = [], [], []
    for i in range(customers):
        name = HOSTILE[i] if i < len(HOSTILE) else str(12000 + i)
        day = date(2010, 12, 1) + timedelta(days=int(rng.integers(0, 340)))
        gap, basket = rng.gamma(2, 20), rng.lognormal(5, 0.8)
        while day <= CUTOFF + timedelta(days=30):
            ids.append(name)
            days.append(day)
            revenue.append(int(basket * rng.lognormal(0, 0.4) * 10_000))
            day += timedelta(days=1 + int(rng.gamma(1.5, gap / 1.5)))
            if rng.random() < 0.2:
                break
    return pa.table({"customer_id": ids, "local_day": pa.array(days, pa.date32()), "revenue": revenue})


def make_customers(orders: pa.Table, language: str = "en") -> pa.Table:
    """A release's customers table that hangs together with the orders."""
    rng = np.random.default_rng(5)
    state = lifecycle(orders, CUTOFF).to_pandas()
    state = state[state["days_since_last_order"] <= 180].sort_values("customer_id")
    ratio = state["days_since_last_order"] / state["usual_gap_days"]
    p = 1 / (1 + np.exp(-(ratio - 1.2 + rng.normal(0, 0.6, len(state)) - 0.2 * (state["order_days"] - 2))))
    p = p.clip(0.03, 0.97).to_numpy()
    value = (p * rng.lognormal(3.4, 1.1, len(state))).round(2)
    rows = zip(state["days_since_last_order"], state["usual_gap_days"], p, strict=True)
    return RELEASE_CUSTOMERS.conform(
        pa.table(
            {
                "customer_id": state["customer_id"].to_list(),
                "cutoff": [datetime(2011, 11, 9, tzinfo=UTC)] * len(state),
                "p_churn": p,
                "p_churn_low": np.clip(p - 0.08, 0, 1),
                "p_churn_high": np.clip(p + 0.07, 0, 1),
                "value_at_risk": value,
                "currency": ["GBP"] * len(state),
                "days_since_last_order": state["days_since_last_order"].to_list(),
                "risk_band": risk_bands(p, value),
                "lifecycle": state["lifecycle"].to_list(),
                "reasons": [_reasons(*row, language) for row in rows],
            }
        )
    )


def _reasons(silence: float, usual: float, p: float, language: str) -> list[dict[str, Any]]:
    facts = {"a": round(usual), "b": int(silence), "c": f"£{silence * 2:.0f}", "d": f"£{usual * 9:.0f}", "e": 7}
    signs = (p - 0.3, 0.2, -0.1)
    return [
        {"feature": f"f{i}", "value": 1.0, "contribution": sign, "text": text.format(**facts)}
        for i, (sign, text) in enumerate(zip(signs, REASONS[language], strict=True))
    ]


def make_quality() -> dict[str, Any]:
    """The shape of `log.quality.Quality.as_dict()`."""
    taken = [
        ("read", "Rows read", 0, 0.0),
        ("missing_customer_id", "No customer id", 135_080, 1_447_682.12),
        ("duplicates", "Exact duplicates", 5_225, 21_000.4),
        ("products", "Not a product", 1_915, -100_200.75),
        ("purchases", "Purchases only", 8_539, -420_000.0),
        ("cancellations", "Cancelled on the same day", 742, 170_300.5),
    ]
    rows, amount, steps = 541_909, 9_747_747.93, []
    for step, title, gone, money in taken:
        rows, amount = rows - gone, amount - money
        steps.append(
            {
                "step": step,
                "title": title,
                "rows_removed": gone,
                "rows": rows,
                "amount_removed": money,
                "amount": amount,
            }
        )
    example = {"source_file": "<b>orders</b>.csv", "source_row": 17, "item_id": HOSTILE[0], "quantity": -2.0}
    finding = {"rule": "duplicates", "disposition": "merged", "rows": 5_225, "amount": 21_000.4, "examples": [example]}
    proof = {"proof": "rows", "sentence": "Rows in the lake = kept + rejected + merged.", "holds": True}
    return {
        "reconciles": True,
        "steps": steps,
        "findings": [finding | {"sentence": "5,225 rows repeat another row exactly and were merged."}],
        "proofs": [proof | {"left": 541_909, "right": 541_909}, proof | {"left": 1.25, "right": 1.25}],
        "sources": [
            {"source": "online-retail", "files": [HOSTILE[1]], "read": 541_909, "kept": 406_829, "rejected": 135_080}
        ],
        "orders": 18_301,
        "buyers": 4_332,
        "spend": 8_423_394.01,
        "recorded_at": "assumed",
    }


MODELS = {
    "base_rate": 0.5,
    "own_gap": 0.54,
    "recency": 0.625,
    "rfm_logistic": 0.715,
    "logistic": 0.732,
    "lightgbm": 0.729,
}
TESTS = ("2011-07-12", "2011-08-11", "2011-09-10", "2011-10-10", "2011-11-09")


def make_backtest() -> dict[str, Any]:
    """The shape of `evaluate.backtest.Backtest.as_dict()`."""
    rng = np.random.default_rng(7)
    scores = []
    for model, auc in MODELS.items():
        for metric, value in (
            ("auc", auc),
            ("log_loss", 0.98 - auc * 0.55),
            ("lift_at_10pct", 1 + auc - 0.5),
            ("ece", 0.04),
        ):
            values = value + rng.normal(0, 0.012, len(TESTS))
            for day, one in zip(TESTS, values, strict=True):
                scores.append(_score(f"test {day}", model, metric, one, one - 0.019, one + 0.019))
            scores.append(_score("mean of 5 test cutoffs", model, metric, values.mean(), value - 0.01, value + 0.01))
            scores.append(_score("worst of 5 test cutoffs", model, metric, values.min()))
            scores.append(_score("standard deviation over 5 test cutoffs", model, metric, values.std()))
    names = list(MODELS)
    for place, model in enumerate(names):
        for over in names[:place]:
            gain = MODELS[model] - MODELS[over]
            protocol = f"paired gain over {over}, mean of 5 test cutoffs"
            scores.append(_score(protocol, model, "auc", gain, gain - 0.011, gain + 0.011))
    said = np.linspace(0.25, 0.93, 10)
    groups = [
        {"n": 324, "said": p, "happened": p + d, "low": p + d - 0.05, "high": min(1.0, p + d + 0.05)}
        for p, d in zip(said, rng.normal(0, 0.025, 10), strict=True)
    ]
    recall = 1 - (1 - np.arange(1, 21) / 20) ** 1.55
    lift = [{"share": (i + 1) / 20, "recall": r, "lift": r * 20 / (i + 1)} for i, r in enumerate(recall.tolist())]
    metric = {"value": 0.66, "low": 0.63, "high": 0.69}
    segment = {"by": "orders", "n": 5_020, "churn_rate": 0.71, "mean_said": 0.7}
    return {
        "horizon": "30d",
        "test_cutoffs": list(TESTS),
        "models": names,
        "chosen": "logistic",
        "calibration": "shrunken_intercept",
        "scores": scores,
        "reference": {
            "cutoff": TESTS[-1], "model": "logistic", "n": 3_239, "base_rate": 0.609, "mean_said": 0.598,
            "calibration": groups, "lift": lift,
        },
        "segments": [
            segment | {"segment": "one order", "metrics": {"auc": metric, "log_loss": metric}},
            segment | {"segment": "5 orders or more", "metrics": {}},
        ],
        "value_at_risk": [
            {"cutoff": day, "customers": 1_800, "said": 52_000.0, "lost": 47_500.0, "expected": 1.0, "spent": 1.0}
            for day in TESTS
        ],
        "notes": ["No correction of p_churn would have helped at earlier cutoffs, so none is made."],
    }  # fmt: skip


def _score(
    what: str, model: str, metric: str, value: float, low: float | None = None, high: float | None = None
) -> Any:
    protocol = f"churned, 30d, {what}"
    return {
        "bench": "backtest", "data": "shop", "protocol": protocol, "model": model, "metric": metric,
        "value": float(value), "low": low, "high": high, "n": 3_239, "seconds": None, "peak_mb": None,
    }  # fmt: skip


def make_promise(cutoff: str = "2011-10-10") -> dict[str, Any]:
    """The shape of `evaluate.promises.score_promises`."""
    bands = [("critical", 0.93, 0.9), ("high", 0.81, 0.84), ("watch", 0.68, 0.61), ("low", 0.34, 0.36)]
    return {
        "release_id": f"{cutoff}-30d", "cutoff": cutoff, "horizon": "30d", "currency": "GBP", "n": 3_102,
        "said": 0.604, "happened": 0.583, "happened_low": 0.56, "happened_high": 0.6, "within_interval": True,
        "bands": [
            {"band": b, "n": 400, "said": s, "happened": h, "low": h - 0.04, "high": h + 0.04} for b, s, h in bands
        ],
        "value_at_risk": {"customers": 1_700, "said": 48_200.0, "lost": 44_900.0, "spent": 61_000.0},
        "sentence": {
            "en": "We said 60% of 3,102 customers would not order within 30d; 58% did not.",
            "zh": "我们曾预测3,102位客户中有60%在30d内不下单；实际为58%。",
        },
    }  # fmt: skip


def make_story(language: str = "en", **parts: Any) -> Story:
    """A whole story; `parts` replaces some of it."""
    orders = make_orders()
    customers = make_customers(orders, language)
    total = sum(customers["value_at_risk"].to_pylist())
    whole: dict[str, Any] = {
        "release": {
            "release_id": "2011-11-09-30d-1a2b3c4d",
            "shop": "Gifts & Garlands <Ltd>",
            "cutoff": "2011-11-09T00:00:00Z",
            "horizon": "30d",
            "gap": "0d",
            "zone": "Europe/London",
            "currency": "GBP",
            "population": {"active_by": "order", "within": "180d"},
            "model": "logistic",
            "code_version": "0.1.0",
            "first_day": "2010-12-01",
            "last_day": "2011-12-09",
        },
        "customers": customers,
        "cohorts": cohorts(orders, CUTOFF),
        "lifecycle": lifecycle_over_time(orders, CUTOFF),
        "retention": retention_curves(orders, CUTOFF),
        "bands": describe_bands(currency="GBP"),
        "quality": make_quality(),
        "backtest": make_backtest(),
        "card": {"limits": ["It says who is likely not to order, not whom a message would bring back."]},
        "promises": [make_promise(), make_promise("2011-09-10")],
        "value_at_risk": {"total": total, "low": 0.85 * total, "high": 1.2 * total},
    }
    return Story(**(whole | parts))


@pytest.fixture(scope="session")
def make() -> Callable[..., Story]:
    """`make_story`, its slow parts built once per language."""
    whole = {language: make_story(language) for language in LANGUAGES}
    return lambda language="en", **parts: replace(whole[language], **parts)


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(scope="session")
def empty_story() -> Story:
    """Nothing but a release of nobody."""
    return Story({"horizon": "30d", "cutoff": "2024-01-01T00:00:00Z"}, RELEASE_CUSTOMERS.empty())
