"""A realistic story: a shop of two thousand customers, its hostile names included, without any other room."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.schema import RELEASE_CUSTOMERS
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


def make_story(language: str = "en", **parts: Any) -> Story:
    """A whole story; `parts` replaces some of it."""
    orders = make_orders()
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
        "customers": make_customers(orders, language),
        "cohorts": cohorts(orders, CUTOFF),
        "lifecycle": lifecycle_over_time(orders, CUTOFF),
        "retention": retention_curves(orders, CUTOFF),
        "bands": describe_bands(currency="GBP"),
        "value_at_risk": {"total": 41_234.0, "low": 33_900.0, "high": 49_800.0},
    }
    return Story(**(whole | parts))


@pytest.fixture(scope="session")
def story() -> Story:
    return make_story()


@pytest.fixture(scope="session")
def empty_story() -> Story:
    """Nothing but a release of nobody."""
    return Story({"horizon": "30d", "cutoff": "2024-01-01T00:00:00Z"}, RELEASE_CUSTOMERS.empty())
