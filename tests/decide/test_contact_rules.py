"""What is read: `[contact]`, the suppression list, the log's own messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from holdfast.app.config import parse
from holdfast.core.contact import CONTACTS
from holdfast.core.decide import Treatment
from holdfast.core.errors import ConfigError, InputRefused, UsageError
from holdfast.core.schema import EVENTS, EXPOSURES
from holdfast.decide.contact import People, Rules, Suppression
from holdfast.decide.contact.history import from_events, from_exposures, joined
from holdfast.decide.contact.settings import ContactSettings
from holdfast.decide.contact.suppression import plain

AT = datetime(2024, 5, 1, 9, tzinfo=UTC)


def test_the_settings_are_the_rules() -> None:
    text = '[contact]\ncaps = { all = "3 per 7d, 1 per 1d", sms = "0" }\nquiet = { all = "22:00-07:00", mail = "" }'
    settings = parse(text).section(ContactSettings)
    rules = Rules.of(settings, consents_recorded=True)
    assert [str(cap) for _, cap in rules.caps_on("mail")] == ["3 per 7d", "1 per 1d"]
    assert rules.off("sms")
    assert not rules.off("mail")
    assert rules.quiet_on("mail") is None
    assert str(rules.quiet_on("push")) == "Quiet(start=1320, end=420)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('caps = { mail = "3 a week" }', "is not a cap"),
        ("caps = { mail = 3 }", "is not a text"),
        ('caps = { mail = "" }', "is not a cap"),
        ('caps = { mail = "-1 per 7d" }', "is not a cap"),
        ('quiet = { all = "25:00-08:00" }', "are no hours"),
        ('quiet = { all = "08:00-08:00" }', "all day or never"),
        ("quiet = { all = 8 }", "is not a text"),
        ('unknown_consent = "maybe"', "maybe"),
        ('quite = { all = "" }', "did you mean 'quiet'"),
        ('addresses = { all = "email" }', "is no channel"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(f"[contact]\n{text}")
    assert said in str(error.value)
    assert "[contact]" in str(error.value)


def test_silence_is_a_no_where_anybody_was_asked() -> None:
    for recorded, allowed in ((True, False), (False, True)):
        rules = Rules.of(ContactSettings(), consents_recorded=recorded)
        assert rules.unknown_allowed is allowed
        assert ("not" in rules.stated.en.split("are", 1)[1]) is not allowed
    assert Rules.of(ContactSettings(unknown_consent="allow"), consents_recorded=True).unknown_allowed
    assert not Rules.of(ContactSettings(unknown_consent="deny"), consents_recorded=False).unknown_allowed
    silent = People.of(pa.table({"customer_id": ["a"], "consents": pa.array([None], pa.string())}), "UTC")
    asked = People.of(pa.table({"customer_id": ["a", "b"], "consents": [None, '{"mail": false}']}), "UTC")
    assert (silent.consents_recorded, asked.consents_recorded) == (False, True)


def test_people_need_one_row_each() -> None:
    with pytest.raises(UsageError, match="two rows"):
        People.of(pa.table({"customer_id": ["a", "a"]}), "UTC")


def test_a_zone_that_no_clock_knows_is_counted_and_is_the_shops() -> None:
    table = pa.table({"customer_id": ["a", "b", "c"], "attributes": ['{"zone": "Mars/Base"}', '{"zone": "Asia/Shanghai"}', None]})  # fmt: skip
    people = People.of(table, "Europe/Berlin")
    assert people.zone.to_pylist() == ["Europe/Berlin", "Asia/Shanghai", "Europe/Berlin"]
    assert people.unknown_zones == 1


def test_the_suppression_list_with_its_bom_blanks_and_quotes() -> None:
    listed = Suppression.parse('\ufeffcustomer_id, address ,channel,reason\r\n c1 ,,,"died, 2023"\r\n,ANN@x.example ,mail,\r\n')  # fmt: skip
    assert listed.stops("sms", "c1", "")
    assert listed.stops("mail", "c2", "ann@X.example")
    assert not listed.stops("sms", "c2", "ann@x.example")
    assert not listed.stops("mail", "c11", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer,reason\nc1,\n", "did you mean 'customer_id'"),
        ("channel\nmail\n", "no column says who"),
        ("customer_id,channel\n,mail\n", "line 2 names nobody"),
        ("customer_id\nc1,mail\n", "more cells"),
    ],
)
def test_a_list_that_might_be_read_wrongly_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputRefused) as error:
        Suppression.parse(text)
    assert said in str(error.value)


def test_a_receipt_in_the_log_may_say_what_it_was_for() -> None:
    told = ['{"purpose": "transactional"}', '{"purpose": 7}', '{"purpose": broken', '{"other": 1}', None]
    events = pa.table(
        {"customer_id": ["a"] * 5, "event_type": ["message"] * 5, "channel": ["mail"] * 5, "properties": told,
         "occurred_at": pa.array([AT] * 5), "treatment_id": pa.nulls(5), "decision_id": pa.nulls(5)}
    )  # fmt: skip
    assert from_events(events)["purpose"].to_pylist() == ["transactional", *["marketing"] * 4]


def test_addresses_are_compared_as_people_mean_them() -> None:
    assert plain("Ann@Shop.Example") == plain(" ann@shop.example\n")
    assert plain("+49 (0)30/123-4") != plain("+49 30 1235")
    assert plain("0086 10 1234") == plain("+86-10-1234")


def test_the_log_knows_messages_that_the_ledger_does_not() -> None:
    events = EVENTS.conform(
        pa.table(
            {
                "event_id": ["1", "2", "3"], "customer_id": ["a", "a", "b"], "event_type": ["message", "view", "message"],
                "channel": ["mail", "web", None], "occurred_at": [AT] * 3, "recorded_at": [AT] * 3, "decision_id": ["d1", None, None],
            }
        )
    )  # fmt: skip
    exposures = EXPOSURES.conform(
        pa.table(
            {
                "decision_id": ["d1", "d2", "d3", "d4", "d5"], "customer_id": list("aabcd"),
                "treatment_id": ["news", "news", "nothing", "other", "points"], "delivered_at": [AT, None, AT, AT, AT], "decided_at": [AT] * 5,
            }
        )
    )  # fmt: skip
    treatments = {
        "news": Treatment("news", "reminder", channel="mail"),
        "points": Treatment("points", "member_benefit"),
    }
    sent, exposed = from_events(events), from_exposures(exposures, treatments)
    assert sent.schema == exposed.schema == CONTACTS
    assert sent["channel"].to_pylist() == ["mail", None]
    assert exposed.select(["decision_id", "channel"]).to_pylist() == [
        {"decision_id": "d1", "channel": "mail"}, {"decision_id": "d4", "channel": None},
    ]  # fmt: skip
    assert joined(sent, exposed)["decision_id"].to_pylist() == ["d1", None, "d4"]
