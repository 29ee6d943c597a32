"""Each cleaning rule on rows of a hand: what it takes, what it leaves, what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.core.errors import ConfigError
from holdfast.core.schema import EVENTS_CLEAN
from holdfast.log.clean.rule import CUSTOMER_RULES, RULES, ordered
from holdfast.log.settings import CleanSettings


def found(quality: Any, rule: str) -> tuple[int, float]:
    """Rows and money of a rule's finding; (0, 0) where it found nothing."""
    hits = [one for one in quality.findings if one.rule == rule]
    return (hits[0].rows, hits[0].amount / 10_000) if hits else (0, 0.0)


def test_the_log_has_exactly_the_promised_columns(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line()]))
    events = desk.open()[0].events
    assert desk.engine.arrow(events).schema.names == list(EVENTS_CLEAN.names)
    for column in EVENTS_CLEAN.columns:
        assert desk.engine.arrow(events.select(column.name)).schema.field(0).type == column.dtype, column.name


def test_rules_have_their_own_place_and_speak_both_languages() -> None:
    assert len({rule.order for rule in ordered()}) == len(RULES)
    for _, rule in [*RULES.items(), *CUSTOMER_RULES.items()]:
        assert rule.title.en != rule.title.zh
        assert "{rows}" in rule.sentence.zh


def test_exact_duplicates_count_once_unless_a_preset_says_they_are_people(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line(), line(), line("bob")]))
    assert len(desk.rows()) == 2
    assert found(desk.open()[1], "exact_duplicates") == (1, 1.0)
    assert len(desk.rows(settings=CleanSettings(merge_duplicates=False))) == 3


def test_impossible_times_are_set_aside(desk: Any, made: Any, line: Any, day: Any) -> None:
    rows = [
        line("ok", 0),
        line("future", 400),
        line("zero", occurred_at=datetime(1970, 1, 1, tzinfo=UTC)),
        line("zone", occurred_at=day(10.5)),
    ]
    desk.take(made(rows), now=day(10))
    assert {row["customer_id"] for row in desk.rows()} == {"ok", "zone"}
    assert found(desk.open()[1], "impossible_times") == (2, 2.0)
    late = CleanSettings(shop_start="2024-01-02")
    assert {row["customer_id"] for row in desk.rows(settings=late)} == {"zone"}
    assert {row["customer_id"] for row in desk.rows(now=day(5))} == {"ok"}
    with pytest.raises(ConfigError, match="is not a day"):
        desk.open(settings=CleanSettings(shop_start="yesterday"))


def test_events_only_in_the_future_leave_an_empty_log_that_reconciles(
    desk: Any, made: Any, line: Any, day: Any
) -> None:
    desk.take(made([line("a", 50), line("b", 60)]), now=day(1))
    log, quality = desk.open()
    assert desk.engine.scalar(log.events.count()) == 0
    assert quality.reconciles
    assert quality.steps[-1].rows == 0


def test_codes_that_are_no_products_are_set_aside_as_each_preset_wishes(desk: Any, made: Any, line: Any) -> None:
    rows = [line("a", item_id="85123A"), line("b", item_id="POST"), line("c", item_id=None)]
    desk.take(made(rows, clean={"product_pattern": "[0-9]{5}"}))
    desk.take(made([line("d", item_id="POST")], source="app"))
    assert {row["customer_id"] for row in desk.rows()} == {"a", "c", "app:d"}
    fees = CleanSettings(non_product_pattern="POST|FEE")
    assert {row["customer_id"] for row in desk.rows(settings=fees)} == {"a", "c"}


def test_test_orders_are_set_aside_but_words_that_begin_alike_stay(desk: Any, made: Any, line: Any) -> None:
    names = ["test", "TEST-1", "tester", "testimonial", "dummy@shop.com", "anna"]
    desk.take(made([line(name) for name in names] + [line("bob", event_type="view", item_id="TEST001")]))
    assert {row["customer_id"] for row in desk.rows()} == {"testimonial", "anna", "bob"}
    assert found(desk.open()[1], "test_orders")[0] == 4


def test_prices_and_quantities_of_zero_or_less(desk: Any, made: Any, line: Any) -> None:
    rows = [
        line("ok"), line("gift", unit_price=0), line("negative", unit_price=-5), line("none", quantity=0.0),
        line("nan", quantity=float("nan")), line("unknown", unit_price=None), line("view", event_type="view", unit_price=0),
    ]  # fmt: skip
    desk.take(made(rows))
    assert {row["customer_id"] for row in desk.rows()} == {"ok", "unknown", "view"}
    kept = CleanSettings(zero_prices="keep")
    assert {row["customer_id"] for row in desk.rows(settings=kept)} == {"ok", "unknown", "view", "gift"}


def test_a_cancellation_of_the_same_day_voids_its_order_from_when_it_was_known(
    desk: Any, made: Any, line: Any, day: Any
) -> None:
    rows = [line("a", 0.1), line("a", 0.2, event_type="cancel"), line("b", 0.1), line("b", 1.2, event_type="cancel")]
    desk.take(made(rows))
    seen = [(row["customer_id"], row["event_type"], row["retracted_at"]) for row in desk.rows()]
    assert seen == [
        ("a", "purchase", day(0.2)), ("a", "cancel", day(0.2)), ("b", "purchase", None), ("b", "cancel", None),
    ]  # fmt: skip
    quality = desk.open()[1]
    assert found(quality, "cancellations") == (2, 0.0)
    assert found(quality, "refunds") == (1, -1.0)
    assert desk.rows(settings=CleanSettings(match_cancellations=False))[0]["retracted_at"] is None


def test_cancellations_match_one_to_one_in_either_order_and_only_like_with_like(
    desk: Any, made: Any, line: Any, day: Any
) -> None:
    rows = [
        line("a", 0.1, event_type="cancel"), line("a", 0.2), line("a", 0.3),
        line("b", 0.1), line("b", 0.2, event_type="cancel", quantity=2.0),
        line("c", 0.1), line("c", 0.2, event_type="cancel", item_id="20002"),
    ]  # fmt: skip
    desk.take(made(rows))
    gone = [(row["customer_id"], row["occurred_at"], row["retracted_at"]) for row in desk.rows() if row["retracted_at"]]
    assert gone == [("a", day(0.1), day(0.2)), ("a", day(0.2), day(0.2))]


def test_a_late_recording_never_changes_an_earlier_pair(desk: Any, made: Any, line: Any, day: Any) -> None:
    early = [line("a", 0.2), line("a", 0.3, event_type="cancel")]
    desk.take(made(early))
    before = {row["occurred_at"]: row["retracted_at"] for row in desk.rows()}
    desk.take(made([line("a", 0.1, recorded_at=day(5))], origin="late.csv"))
    after = {row["occurred_at"]: row["retracted_at"] for row in desk.rows()}
    assert {when: after[when] for when in before} == before
    assert after[day(0.1)] is None


def test_versions_count_until_the_next_was_recorded(desk: Any, made: Any, line: Any, day: Any) -> None:
    desk.take(made([line(event_id="e", unit_price=10_000)]))
    desk.take(made([line(event_id="e", unit_price=30_000)]), now=day(7))
    assert [(row["unit_price"], row["retracted_at"]) for row in desk.rows()] == [(10_000, day(7)), (30_000, None)]
    quality = desk.open()[1]
    assert found(quality, "versions") == (1, 1.0)
    assert quality.facts["spend"] == 3.0
    assert quality.reconciles


def test_a_cancelled_order_stays_cancelled_when_its_row_is_edited(desk: Any, made: Any, line: Any, day: Any) -> None:
    rows = [line("a", 0.1, event_id="p"), line("a", 0.2, event_id="c", event_type="cancel")]
    desk.take(made(rows))
    desk.take(made([line("a", 0.1, event_id="p", channel="web")]), now=day(3))
    assert [row["retracted_at"] for row in desk.rows() if row["event_type"] == "purchase"] == [day(0.2), day(3)]
    assert desk.open()[1].facts["orders"] == 0


def test_other_currencies_are_converted_or_their_money_does_not_count(desk: Any, made: Any, line: Any) -> None:
    rows = [line("a", currency="EUR"), line("b", currency="USD", discount=1_000), line("c", currency="JPY"), line("d")]
    desk.take(made(rows))
    settings = CleanSettings(rates={"usd": 0.5})
    quality = desk.open(settings=settings)[1]
    money = {
        row["customer_id"]: (row["unit_price"], row["discount"], row["currency"])
        for row in desk.rows(settings=settings)
    }
    assert money == {
        "a": (10_000, None, "EUR"), "b": (5_000, 500, "EUR"), "c": (None, None, "JPY"), "d": (10_000, None, None),
    }  # fmt: skip
    assert found(quality, "currencies") == (1, -0.45)
    assert found(quality, "unknown_currency") == (1, -1.0)
    assert quality.reconciles
    assert quality.facts["spend"] == 2.45
    assert quality.facts["orders"] == 4


def test_prices_are_filled_from_what_was_known_then_and_never_from_later(
    desk: Any, made: Any, line: Any, day: Any
) -> None:
    rows = [
        line("a", 1, unit_price=None), line("b", 2, unit_price=20_000), line("c", 3, unit_price=None),
        line("d", 4, unit_price=40_000), line("e", 5, unit_price=None, item_id="other"),
        line("f", 4.5, unit_price=90_000, recorded_at=day(9)), line("g", 6, unit_price=None),
    ]  # fmt: skip
    desk.take(made(rows))
    assert desk.open()[1].facts["spend"] == 15.0
    settings = CleanSettings(fill_prices=True)
    prices = {row["customer_id"]: row["unit_price"] for row in desk.rows(settings=settings)}
    assert prices == {"a": None, "b": 20_000, "c": 20_000, "d": 40_000, "e": None, "f": 90_000, "g": 40_000}
    quality = desk.open(settings=settings)[1]
    assert found(quality, "fill_prices") == (2, 6.0)
    assert quality.reconciles
    assert quality.facts["spend"] == 21.0


def test_categories_are_read_from_titles_when_asked(desk: Any, made: Any, line: Any) -> None:
    titles = {"1": "RED MUG", "2": "Mug tree", "3": None, "4": "!"}
    items = [{"item_id": name, "title": title} for name, title in titles.items()]
    desk.take(made([line()], {"items": [*items, {"item_id": "5", "title": "Tray", "category": "Own"}]}))

    def categories(**options: Any) -> dict[str, str | None]:
        rows = desk.open(settings=CleanSettings(**options))[0].tables["items"].to_pyarrow().to_pylist()
        return {row["item_id"]: row["category"] for row in rows}

    assert categories() == {"1": None, "2": None, "3": None, "4": None, "5": "Own"}
    assert categories(fill_categories=True) == {"1": "MUG", "2": "TREE", "3": None, "4": None, "5": "Own"}
    words = {"mug": "Kitchen > Mugs"}
    assert categories(fill_categories=True, title_words=words)["2"] == "Kitchen > Mugs"
    assert found(desk.open(settings=CleanSettings(fill_categories=True))[1], "fill_categories") == (2, 0.0)


def test_bots_and_outliers_are_flagged_and_not_dropped(desk: Any, made: Any, line: Any) -> None:
    people = [line(f"p{n}", n, unit_price=10_000 + n * 100) for n in range(40)]
    robot = [line("robot", 1 + n / 1000, event_type="view") for n in range(60)]
    desk.take(made([*people, *robot, line("wholesaler", 3, quantity=100_000.0)]))
    log, quality = desk.open(settings=CleanSettings(bot_events_per_day=50))
    flags = log.tables["flags"].to_pyarrow().to_pylist()
    assert [(one["customer_id"], one["rule"], one["value"]) for one in flags] == [
        ("robot", "bots", 60.0), ("wholesaler", "outlier_customers", 100_000.0),
    ]  # fmt: skip
    assert found(quality, "bots") == (60, 0.0)
    assert found(quality, "outlier_customers") == (1, 100_000.0)
    assert quality.facts["customers"] == 42


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_is_a_pure_function_that_counts_what_it_does(name: str, desk: Any, made: Any, line: Any) -> None:
    from holdfast.log.clean.rule import Context

    desk.take(
        made(
            [
                line(),
                line(),
                line(item_id="POST", unit_price=0),
                line("test"),
                line(event_type="cancel", currency="JPY"),
            ]
        )
    )
    events = desk.lake.table(desk.engine, "events")
    context = Context.of(CleanSettings(fill_prices=True, rates={"JPY": 0.5}), "EUR")
    one, found_once = RULES[name](events, context)
    two, found_twice = RULES[name](events, context)
    assert one.equals(two)
    assert found_once == found_twice
    assert desk.engine.scalar(one.count()) == 5
    assert sum(finding.rows for finding in found_once) <= 5
