"""Laws of the log, on random histories: batches, repeats, order, money, and the past that nothing later changes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: Days on which things may happen; fractions make several events of one day.
DAYS = st.sampled_from([0.0, 0.1, 0.2, 1.0, 1.3, 2.5, 40.0])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.sampled_from(["ann", "bob", "test", "eve"]),
            "day": DAYS,
            "late": st.sampled_from([None, None, None, 0.0, 1.0, 3.0]),
            "event_type": st.sampled_from(["purchase", "purchase", "purchase", "cancel", "refund", "view"]),
            "item_id": st.sampled_from(["1", "2", None, "POST"]),
            "quantity": st.sampled_from([1.0, 1.0, 2.0, 0.0, None]),
            "unit_price": st.sampled_from([10_000, 12_345, 0, -1, None]),
            "discount": st.sampled_from([None, None, 77]),
            "currency": st.sampled_from([None, None, "EUR", "USD", "JPY"]),
            "event_id": st.sampled_from([None, None, None, "e1", "e2"]),
        }
    ),
    min_size=1,
    max_size=14,
)
CLEANING = {"product_pattern": "[0-9]"}


@pytest.fixture
def rows_of(line: Any, day: Any) -> Any:
    """Event rows from drawn values; `late` days after the event its source recorded it (None: it does not say)."""

    def build(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
        built = []
        for one in drawn:
            values = {name: one[name] for name in one if name not in ("customer", "day", "late")}
            recorded = None if one["late"] is None else day(one["day"] + one["late"])
            built.append(line(one["customer"], one["day"], recorded_at=recorded, **values))
        return built

    return build


def cleaning(**more: Any) -> Any:
    from holdfast.log.settings import CleanSettings

    return CleanSettings(product_pattern="[0-9]", rates={"USD": 0.5}, **more)


@LAW
@given(drawn=ROWS, size=st.integers(1, 5))
def test_splitting_into_batches_changes_nothing(new_desk: Any, made: Any, rows_of: Any, drawn: Any, size: int) -> None:
    whole, split = new_desk(), new_desk()
    assert whole.take(made(rows_of(drawn))) == split.take(made(rows_of(drawn), batch=size))
    assert whole.bytes() == split.bytes()


@LAW
@given(drawn=ROWS)
def test_importing_twice_adds_nothing(new_desk: Any, made: Any, rows_of: Any, drawn: Any) -> None:
    desk = new_desk()
    first = desk.take(made(rows_of(drawn)))
    assert first.read == first.kept + first.known + first.rejected
    before = desk.bytes()
    again = desk.take(made(rows_of(drawn), origin="again.csv"))
    assert (again.kept, again.rejected, again.known) == (0, 0, first.read)
    assert desk.bytes() == before


@LAW
@given(drawn=ROWS, cut=st.integers(0, 14))
def test_two_files_are_as_good_as_one_when_rows_have_no_ids(
    new_desk: Any, made: Any, rows_of: Any, drawn: Any, cut: int
) -> None:
    rows = rows_of([{**one, "event_id": None} for one in drawn])
    whole, parts = new_desk(), new_desk()
    whole.take(made(rows))
    for number, part in enumerate((rows[:cut], rows[cut:])):
        if part:
            parts.take(made(part, origin=f"{number}.csv"))
    assert whole.rows(settings=cleaning()) == parts.rows(settings=cleaning())


@LAW
@given(drawn=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(new_desk: Any, made: Any, rows_of: Any, drawn: Any, seed: int) -> None:
    rows = rows_of([{**one, "event_id": None} for one in drawn])
    shuffled = random.Random(seed).sample(rows, len(rows))
    one, two = new_desk(), new_desk()
    one.take(made(rows))
    two.take(made(shuffled))
    assert one.rows(settings=cleaning()) == two.rows(settings=cleaning())


@LAW
@given(drawn=ROWS, fill=st.booleans())
def test_money_in_is_money_out_and_findings(new_desk: Any, made: Any, rows_of: Any, drawn: Any, fill: bool) -> None:
    desk = new_desk()
    aside = [{"reason": "missing_customer_id", "amount": 123, "source_row": 99}]
    receipt = desk.take(made(rows_of(drawn), rejected=aside))
    quality = desk.open(settings=cleaning(fill_prices=fill))[1]
    assert quality.reconciles, [proof.as_dict() for proof in quality.proofs if not proof.holds]
    first, last = quality.steps[0], quality.steps[-1]
    assert first.rows - sum(step.rows_removed for step in quality.steps) == last.rows
    assert first.amount - sum(step.amount_removed for step in quality.steps) == last.amount
    assert first.rows == receipt.kept + receipt.rejected


@LAW
@given(drawn=ROWS, cutoff=st.sampled_from([0.15, 1.0, 1.2, 2.6, 5.0]), fill=st.booleans())
def test_what_is_recorded_later_changes_nothing_before(
    new_desk: Any, made: Any, rows_of: Any, day: Any, drawn: Any, cutoff: float, fill: bool
) -> None:
    """The leak law at the log: the rows visible at a cutoff are the same when all later ones were never imported."""
    keys = [
        {"source": "shop", "source_id": name, "kind": "email", "value": "one@mail.org", "seen_at": day(when)}
        for name, when in (("ann", 0), ("bob", 1.1), ("eve", 2.55))
    ]
    rows = rows_of([{**one, "event_id": None} for one in drawn])
    at = day(cutoff)
    past = [row for row in rows if (row["recorded_at"] or row["occurred_at"]) < at]
    known = [key for key in keys if key["seen_at"] < at]
    everything, earlier = new_desk(), new_desk()
    everything.take(made(rows, {"identity_keys": keys}))
    if not past:
        return
    earlier.take(made(past, {"identity_keys": known} if known else {}))
    options = {"settings": cleaning(fill_prices=fill)}
    assert _visible(everything, at, options) == _visible(earlier, at, options)


def _visible(desk: Any, at: Any, options: Any) -> list[dict[str, Any]]:
    rows = [
        {name: value for name, value in row.items() if name != "retracted_at"}
        for row in desk.rows(**options)
        if row["occurred_at"] < at
        and row["recorded_at"] < at
        and not (row["retracted_at"] and row["retracted_at"] < at)
    ]
    return sorted(rows, key=lambda row: (row["customer_id"], row["occurred_at"], row["event_id"]))
