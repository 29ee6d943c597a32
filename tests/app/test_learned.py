"""What is learnt of today's customers: without a budget the guard's word stands, whatever the order among them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.app.plan.experience import COLUMNS, Experience
from holdfast.app.plan.learned import learn
from holdfast.core.clock import Cutoff
from holdfast.core.decide import Treatment
from holdfast.core.tables import FeatureColumn, FeatureTable, Key
from holdfast.core.text import Text

ARMS = ("nothing", "call", "mail")
OFFERS = (Treatment("nothing"), Treatment("call", "service_call", cost=1.0), Treatment("mail", "reminder", cost=0.02))


def taught(call: float, spread: float, n: int = 6000) -> Experience:
    random = np.random.default_rng([n, 3])
    X, arm = random.standard_normal((n, len(COLUMNS))), random.integers(0, 3, n)
    profit = 3 + X[:, 1] + (call + spread * X[:, 0]) * (arm == 1) + 1.5 * random.standard_normal(n)
    ids = pa.array([f"c{i}" for i in range(n)])
    return Experience(
        X, np.zeros(len(COLUMNS)), ids, ARMS, arm, np.full((n, 3), 1 / 3), profit, profit, profit > 3, ("one",),
        "2024-01-01", "2024-01-01",
    )  # fmt: skip


def today(n: int = 400) -> FeatureTable:
    random = np.random.default_rng(11)
    columns = tuple(FeatureColumn(name, "", "", "", "", Text("", "")) for name in COLUMNS)
    values = random.standard_normal((n, len(COLUMNS))).astype(np.float32)
    return FeatureTable(Key.of([f"d{i}" for i in range(n)], Cutoff.parse("2024-03-01")), columns, values)


def test_the_order_changes_nobodys_arm() -> None:
    for call, spread in ((2.5, 0.8), (1.0, 1.5), (0.0, 0.0)):
        now = today()
        found = learn(taught(call, spread), now, OFFERS, seed=1)
        X = np.column_stack([now.column(name) for name in COLUMNS]).astype(np.float64)
        assert (found.gain.argmax(axis=1) == found.fit.choose(X)).all()
        assert not found.gain[:, 0].any()


def test_money_goes_first_to_those_who_gain_more() -> None:
    now = today()
    found = learn(taught(2.5, 0.8), now, OFFERS, seed=1)
    true = 2.5 + 0.8 * now.column(COLUMNS[0]) - 1.0
    assert np.corrcoef(found.gain[:, 1], true)[0, 1] > 0.7


def test_an_arm_without_effect_is_never_expected_to_earn() -> None:
    found = learn(taught(2.5, 0.0), today(), OFFERS, seed=1)
    assert found.gain[:, 2].max() < 0 or found.fit.standing.stood[2]
