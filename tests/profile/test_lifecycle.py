"""Life-cycle states: by hand, and as laws over random histories."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.profile.lifecycle import STATES, lifecycle, lifecycle_over_time, meanings
from holdfast.profile.settings import LifecycleSettings

DAY = date(2024, 6, 1)
OWN = LifecycleSettings(gap_strength=0.001)  # practically the customer's own gap


def orders(**customers: list[int]) -> pa.Table:
    """Order days as days before DAY."""
    pairs = [(name, DAY - timedelta(days=ago)) for name, days in customers.items() for ago in days]
    ids, days = zip(*pairs, strict=True) if pairs else ((), ())
    columns = {"customer_id": pa.array(ids, pa.string()), "local_day": pa.array(days, pa.date32())}
    return pa.table({**columns, "revenue": pa.array([10_000] * len(ids), pa.int64())})


def state_of(table: pa.Table, rules: LifecycleSettings | None = None) -> dict[str, str]:
    found = lifecycle(table, DAY, rules)
    return dict(zip(found["customer_id"].to_pylist(), found["lifecycle"].to_pylist(), strict=True))


def test_states_by_hand() -> None:
    steady = [10 * k for k in range(9)]  # an order every 10 days
    found = state_of(
        orders(
            active=[5 + days for days in steady],
            slowing=[20 + days for days in steady],
            dormant=[40 + days for days in steady],
            lost=[90 + days for days in steady],
            new=[3],
            returned=[5, *(70 + days for days in steady)],  # silent for 65 days, then ordered again
            relapsed=[60, *(150 + days for days in steady)],  # came back once, and is silent again
        ),
        OWN,
    )
    assert found == {**{state: state for state in STATES}, "relapsed": "dormant"}


@pytest.mark.parametrize(
    ("silence", "state"), [(15, "active"), (16, "slowing"), (30, "slowing"), (31, "dormant"), (61, "lost")]
)
def test_limits_are_where_they_are_said_to_be(silence: int, state: str) -> None:
    steady = [silence + 10 * k for k in range(10)]
    assert state_of(orders(a=steady), OWN)["a"] == state


def test_a_long_silence_is_lost_whatever_the_gap() -> None:
    assert state_of(orders(a=[366 + 360, 366]), OWN)["a"] == "lost"
    assert state_of(orders(a=[364 + 360, 364]), OWN)["a"] == "active"


def test_few_own_gaps_lean_on_the_shop() -> None:
    table = orders(steady=[1 + 30 * k for k in range(12)], once=[50])
    found = lifecycle(table, DAY).to_pylist()
    assert found[0]["customer_id"] == "once"
    assert found[0]["usual_gap_days"] == pytest.approx(30.0)
    assert found[0]["lifecycle"] == "slowing"


def test_nobody_and_one_order_are_answered() -> None:
    assert lifecycle(orders(), DAY).num_rows == 0
    over = lifecycle_over_time(orders(), DAY)
    assert over["days"] == [DAY.isoformat()]
    assert all(counts == [0] for counts in over["counts"].values())
    assert lifecycle_over_time(orders(a=[5]), DAY)["counts"]["new"][-1] == 1


def test_a_missing_column_says_what_is_wanted() -> None:
    with pytest.raises(UsageError, match="local_day"):
        lifecycle(pa.table({"customer_id": ["a"]}), DAY)


def test_moves_and_counts_hang_together() -> None:
    over = lifecycle_over_time(orders(a=[100, 70, 40, 10], b=[200, 190, 180], c=[5], d=[75, 65, 55, 45]), DAY)
    assert sum(over["counts"][state][-1] for state in STATES) == 4
    assert {"from": "none", "to": "new", "count": 1} in over["moves"]
    assert over["days"][-1] == DAY.isoformat()
    assert over["days"] == sorted(over["days"])


histories = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.lists(st.integers(1, 400), min_size=1, max_size=8), max_size=8
)


@given(histories, st.lists(st.integers(-200, 0), max_size=5))
@settings(max_examples=50, deadline=None)
def test_the_future_changes_nothing(past: dict[str, list[int]], future: list[int]) -> None:
    later = {name: days + future for name, days in past.items()}
    assert lifecycle(orders(**past), DAY).equals(lifecycle(orders(**later), DAY))


@given(histories, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_row_order_and_repeats_change_nothing(past: dict[str, list[int]], random: object) -> None:
    table = orders(**past)
    rows = list(range(table.num_rows)) * 2
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert lifecycle(table, DAY).equals(lifecycle(table.take(pa.array(rows, pa.int64())), DAY))


@given(histories)
@settings(max_examples=30, deadline=None)
def test_everybody_who_ordered_stands_somewhere(past: dict[str, list[int]]) -> None:
    over = lifecycle_over_time(orders(**past), DAY)
    assert sum(over["counts"][state][-1] for state in STATES) == len(past)


def test_every_state_is_explained_in_both_languages() -> None:
    said = meanings()
    assert set(said) == set(STATES)
    assert all(text.en and text.zh for text in said.values())
    assert "2.5" in meanings(LifecycleSettings(slowing_after=2.5))["slowing"].zh
