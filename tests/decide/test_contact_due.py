"""When a message is due: against a twin that looks at every minute, and the million at once against the one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import to_micros
from holdfast.core.contact import CONTACTS, Blocked, Cap
from holdfast.decide.contact import Contact, Customer, People, Rules, Suppression, Unsubscribed, due, due_all
from holdfast.decide.contact.people import LEFT
from holdfast.decide.contact.quiet import Quiet
from holdfast.decide.contact.rules import caps_of

YES = {"mail": True, "sms": True}
MINUTE = timedelta(minutes=1)
#: Nights on which the clock is changed: an hour skipped and repeated, half an hour at Lord Howe, never in Shanghai.
NIGHTS = [
    ("Europe/Berlin", datetime(2024, 3, 31, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2024, 10, 27, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 3, 10, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 11, 3, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 4, 6, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 10, 5, 15, 30, tzinfo=UTC)),
    ("Asia/Shanghai", datetime(2024, 10, 5, 15, tzinfo=UTC)),
]


def at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2024, 5, day, hour, minute, tzinfo=UTC)


def allowed(moment: datetime, channel: str, zone: str, sent: list[Contact], rules: Rules) -> bool:
    """The rules read off one instant: local clock not quiet, and no window that holds the message is too full."""
    quiet = rules.quiet_on(channel)
    local = moment.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if quiet is not None:
        over = quiet.start > quiet.end
        if (minute >= quiet.start or minute < quiet.end) if over else quiet.start <= minute < quiet.end:
            return False
    for scope, cap in rules.caps_on(channel):
        times = [c.at for c in sent if not c.transactional and (scope == "all" or c.channel in (None, scope))]
        # Windows (end - length, end]: those that hold the message and end at it or at a later one.
        for end in [moment, *(one for one in times if one >= moment)]:
            start = end - cap.window.length
            if start < moment and 1 + sum(start < one <= end for one in times) > cap.count:
                return False
    return True


def minute_by_minute(now: datetime, channel: str, zone: str, sent: list[Contact], rules: Rules) -> datetime:
    moment = now
    while not allowed(moment, channel, zone, sent, rules):
        moment += MINUTE
        assert moment - now < timedelta(days=20)
    return moment


def test_the_fourth_message_is_due_when_the_first_leaves_the_window() -> None:
    rules = Rules(caps_of({"mail": "3 per 7d"}))
    sent = [Contact("mail", at(1, 9, 30)), Contact("mail", at(3)), Contact("mail", at(5))]
    customer = Customer("c", consents=YES)
    assert due(customer, "mail", "marketing", at(6), sent, rules) == at(8, 9, 30)
    assert due(customer, "mail", "marketing", at(8, 9, 30), sent, rules) == at(8, 9, 30)
    assert due(customer, "mail", "marketing", at(8, 9, 29), sent, rules) == at(8, 9, 30)
    assert due(customer, "mail", "marketing", at(6), sent[1:], rules) == at(6)
    assert due(customer, "sms", "marketing", at(6), sent, rules) == at(6)  # no cap of its own


def test_zero_is_off_and_absent_is_no_cap() -> None:
    rules = Rules(caps_of({"sms": "0"}))
    customer, many = Customer("c", consents=YES), [Contact("mail", at(1, 9, i)) for i in range(50)]
    assert due(customer, "sms", "marketing", at(2), [], rules) == Blocked("channel_off", "sms")
    assert due(customer, "mail", "marketing", at(2), many, rules) == at(2)


def test_a_reserved_message_ahead_counts_too() -> None:
    rules = Rules(caps_of({"mail": "1 per 2d"}))
    ahead = [Contact("mail", at(10))]
    assert due(Customer("c", consents=YES), "mail", "marketing", at(8, 9), ahead, rules) == at(8, 9)
    assert due(Customer("c", consents=YES), "mail", "marketing", at(8, 9, 1), ahead, rules) == at(12)


def test_a_message_of_unknown_channel_counts_against_every_channel() -> None:
    rules = Rules(caps_of({"mail": "1 per 1d", "sms": "1 per 1d"}))
    for channel in ("mail", "sms"):
        assert due(Customer("c", consents=YES), channel, "marketing", at(2, 8), [Contact(None, at(1))], rules) == at(2)


@pytest.mark.parametrize(
    ("who", "purpose", "wanted"),
    [
        (Customer("c"), "marketing", "consent_unknown"),
        (Customer("c", consents={"mail": True}), "marketing", None),
        (Customer("c", consents={"mail": "yes"}), "marketing", "no_consent"),
        (Customer("c", consents={"mail": None}), "marketing", "consent_unknown"),
        (Customer("c", consents={"marketing": {"mail": True}}), "marketing", None),
        (Customer("c", consents={"marketing": {"sms": True}}), "marketing", "consent_unknown"),
        (Customer("c", consents={"marketing": {"mail": True}}), "survey", "consent_unknown"),
        (Customer("c", consents={"mail": True, "marketing": {"mail": False}}), "marketing", "no_consent"),
        (Customer("c", consents={"mail": {"survey": True}}), "survey", None),
        (Customer("c", consents={"mail": False}), "transactional", None),
        (Customer("hard", consents={"mail": True}), "transactional", "suppressed"),
        (Customer("c", consents=YES, addresses={"mail": "Gone@X.example"}), "transactional", "suppressed"),
        (Customer("c", consents=YES, unsubscribed=(Unsubscribed("mail", at(1)),)), "marketing", "unsubscribed"),
        (Customer("c", consents=YES, unsubscribed=(Unsubscribed("", at(1)),)), "marketing", "unsubscribed"),
        (Customer("c", consents=YES, unsubscribed=(Unsubscribed("sms", at(1)),)), "marketing", None),
        (Customer("c", consents=YES, unsubscribed=(Unsubscribed("mail", at(1)),)), "transactional", None),
        (Customer("c", consents=YES, consented_at=at(2), unsubscribed=(Unsubscribed("mail", at(1)),)), "marketing", None),
    ],
)  # fmt: skip
def test_who_may_be_written_to(who: Customer, purpose: str, wanted: str | None) -> None:
    listed = Suppression.of([("", "hard")], [("mail", "gone@x.example")])
    found = due(who, "mail", purpose, at(3), [], Rules(suppression=listed))
    assert found == (at(3) if wanted is None else Blocked(wanted, "mail"))


def test_transactional_mail_waits_for_nothing_and_fills_no_cap() -> None:
    rules = Rules(caps_of({"all": "1 per 7d"}), {"all": Quiet(0, 1439)})
    sent = [Contact("mail", at(1), transactional=True), Contact("mail", at(1), "transactional")]
    assert due(Customer("c"), "mail", "transactional", at(1, 9, 1), sent, rules) == at(1, 9, 1)
    assert due(Customer("c", consents=YES), "mail", "marketing", at(1), sent, Rules(caps_of({"all": "1 per 7d"}))) == at(1)  # fmt: skip


def test_the_end_of_quiet_hours_through_a_skipped_and_a_repeated_hour() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = Quiet.parse("22:00-02:30")
    assert night is not None
    # 02:30 does not exist on 31 March: the jump from 02:00 to 03:00 ends the quiet.
    assert night.ends(datetime(2024, 3, 31, 0, 15, tzinfo=UTC), berlin) == datetime(2024, 3, 31, 1, tzinfo=UTC)
    # On 27 October 02:30 comes twice: after the first it is loud, from 02:00 to 02:30 again quiet.
    assert night.ends(datetime(2024, 10, 27, 0, 0, tzinfo=UTC), berlin) == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert night.ends(datetime(2024, 10, 27, 1, 0, tzinfo=UTC), berlin) == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


HOURS = st.tuples(st.integers(0, 287), st.integers(0, 287)).filter(lambda p: p[0] != p[1]).map(
    lambda p: Quiet(p[0] * 5, p[1] * 5)
)  # fmt: skip
CAPS = st.sampled_from(["1 per 1h", "1 per 6h", "2 per 1d", "3 per 12h, 4 per 2d", "2 per 7d", "1 per 26h"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, datetime, list[Contact], Rules]:
    zone, change = draw(st.sampled_from(NIGHTS))
    now = change + draw(st.integers(-2 * 1440, 1440)) * MINUTE
    minutes = draw(st.lists(st.integers(-3 * 1440, 1440), max_size=6))
    sent = [
        Contact(draw(st.sampled_from(["mail", "sms", None])), now + one * MINUTE, transactional=draw(st.booleans()))
        for one in minutes
    ]
    caps = draw(st.dictionaries(st.sampled_from(["all", "mail", "sms"]), CAPS, max_size=2))
    quiet = draw(st.dictionaries(st.sampled_from(["all", "mail"]), st.none() | HOURS, max_size=2))
    return zone, now, sent, Rules(caps_of(caps), quiet)


@given(cases())
@settings(max_examples=120, deadline=None)
def test_due_is_the_first_minute_that_the_rules_allow(case: tuple[str, datetime, list[Contact], Rules]) -> None:
    zone, now, sent, rules = case
    found = due(Customer("c", zone, YES), "mail", "marketing", now, sent, rules)
    assert found == minute_by_minute(now, "mail", zone, sent, rules)


def history(rows: list[tuple[str, Contact]]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"customer_id": who, "channel": c.channel, "purpose": c.purpose, "at": c.at, "transactional": c.transactional}
            for who, c in rows
        ],
        schema=CONTACTS,
    )  # fmt: skip


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_many_at_once_answer_as_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, now = 60, NIGHTS[seed % len(NIGHTS)][1] - timedelta(hours=int(rng.integers(30)))
    consents = [None, "{}", "broken", '{"mail": true}', '{"mail": false}', '{"marketing": {"mail": true}}',
                '{"mail": true, "marketing": false}', '{"transactional": {"mail": false}, "mail": true}']  # fmt: skip
    zones = [None, "No/Where", *sorted({zone for zone, _ in NIGHTS})]
    table = pa.table(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "consents": [consents[i] for i in rng.choice(len(consents), n, p=[0.1, 0.05, 0.05, 0.5, 0.1, 0.1, 0.05, 0.05])],
            "attributes": [json.dumps({"zone": zones[rng.integers(len(zones))], "email": f"a{i}@x.example"}) for i in range(n)],
            "valid_from": pa.array([None if rng.random() < 0.5 else at(3) for _ in range(n)], LEFT.field(2).type),
        }
    )  # fmt: skip
    left = pa.Table.from_pylist(
        [
            {"customer_id": f"c{rng.integers(n)}", "channel": [None, "mail", "sms"][rng.integers(3)], "occurred_at": at(int(rng.integers(1, 6)))}
            for _ in range(12)
        ],
        schema=LEFT,
    )  # fmt: skip
    people = People.of(table, "Europe/Berlin", left)
    rows = [
        (f"c{rng.integers(n + 3)}", Contact(["mail", "sms", None][rng.integers(3)], now + timedelta(seconds=int(rng.integers(-900_000, 300_000))),
                                           ["marketing", "transactional"][rng.integers(2)], bool(rng.random() < 0.2)))
        for _ in range(300)
    ]  # fmt: skip
    rules = Rules(
        caps_of({"all": "4 per 7d", "mail": ["2 per 3d", "1 per 1d, 3 per 7d", "0"][rng.integers(3)]}),
        {"all": Quiet.parse("21:00-08:00"), "mail": [None, Quiet(1300, 150), Quiet(60, 150)][rng.integers(3)]},
        bool(rng.integers(2)),
        suppression=Suppression.of([("mail", "c1"), ("", "c2")], [("", "A3@x.example"), ("sms", "a4@x.example")]),
    )
    for channel, purpose in [("mail", "marketing"), ("sms", "marketing"), ("mail", "transactional"), ("", "marketing")]:
        found = due_all(people, channel, purpose, now, history(rows), rules)
        for i in range(n):
            mine = [c for who, c in rows if who == f"c{i}"]
            assert found.one(i) == due(people.one(i), channel, purpose, now, mine, rules)


@given(st.lists(st.integers(0, 400), min_size=0, max_size=9), st.integers(0, 400), st.integers(1, 4), st.integers(1, 5))
def test_what_is_barred_is_what_is_not_allowed(times: list[int], moment: int, count: int, hours: int) -> None:
    cap = Cap.parse(f"{count} per {hours}h")
    scale = 15 * 60_000_000
    low, high = cap.barred(np.array(sorted(times), np.int64) * scale)
    inside = bool(((low < moment * scale) & (moment * scale < high)).any())
    assert cap.allows(moment * scale, [one * scale for one in times]) == (not inside)


def test_due_never_lies_before_now_and_is_exact_to_the_microsecond() -> None:
    rules = Rules(caps_of({"mail": "1 per 1d"}))
    sent = datetime(2024, 5, 1, 9, 0, 0, 123457, tzinfo=UTC)
    found = due(Customer("c", consents=YES), "mail", "marketing", at(1, 10), [Contact("mail", sent)], rules)
    assert isinstance(found, datetime)
    assert to_micros(found) == to_micros(sent + timedelta(days=1))
