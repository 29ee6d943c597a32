"""Who was known as whom, when: keys, limits, merges that obey the leak law and can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.errors import UsageError
from holdfast.log.identity.decide import follow_keys, unmerge
from holdfast.log.identity.keys import key_hash, normalise
from holdfast.log.identity.timeline import Decision, Sighting, timelines
from holdfast.log.settings import IdentitySettings


def key(source_id: str, seen: Any, value: str = "ann@mail.org", kind: str = "email", source: str = "shop") -> Any:
    return {"source": source, "source_id": source_id, "kind": kind, "value": value, "seen_at": seen}


def visible(desk: Any, cutoff: Any, **options: Any) -> list[tuple[str, str]]:
    """(customer, source id) of every row that counts at a cutoff."""
    rows = desk.rows(**options)
    seen = [
        row
        for row in rows
        if row["occurred_at"] < cutoff
        and row["recorded_at"] < cutoff
        and not (row["retracted_at"] is not None and row["retracted_at"] < cutoff)
    ]
    return sorted((row["customer_id"], row["source_id"]) for row in seen)


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        ("email", "mailto:Ann@Shop.co.uk", "ann@shop.co.uk"),
        ("email", "a.n.n+x@googlemail.com", "ann@gmail.com"),
        ("email", "info@shop.com", None),
        ("email", "ann", None),
        ("email", "null", None),
        ("phone", "0044 20 7946 0018", "442079460018"),
        ("phone", "0000000", None),
        ("phone", "123", None),
        ("login", " Ann ", "ann"),
        ("login", "0", None),
        ("login", None, None),
    ],
)
def test_keys_have_one_form_or_prove_nothing(kind: str, value: str | None, normal: str | None) -> None:
    assert normalise(kind, value) == normal


def test_keys_are_stored_as_keyed_hashes_only(desk: Any, made: Any, line: Any, day: Any) -> None:
    desk.take(made([line("1")], {"identity_keys": [key("1", day(0))]}), pepper="salt and")
    stored = desk.stored("identity_keys")
    assert [row["key_hash"] for row in stored] == [key_hash("email", "ann@mail.org", "salt and")]
    assert key_hash("email", "ann@mail.org") != key_hash("email", "ann@mail.org", "salt and")
    assert all(b"ann@mail" not in data for data in desk.bytes().values())


def test_one_source_without_keys_keeps_its_ids(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line("17850")]))
    assert [row["customer_id"] for row in desk.rows()] == ["17850"]


def test_a_second_source_renames_nobody(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line("17")]))
    desk.take(made([line("17", 1)], source="app"))
    assert {row["customer_id"] for row in desk.rows()} == {"17", "app:17"}
    shared = IdentitySettings(shared_ids=("app",))
    assert {row["customer_id"] for row in desk.rows(identity=shared)} == {"17"}


def test_a_merge_counts_from_when_it_was_learnt_and_never_before(desk: Any, made: Any, line: Any, day: Any) -> None:
    desk.take(made([line("ann", 0), line("ann", 9)], {"identity_keys": [key("ann", day(0))]}))
    desk.take(made([line("x", 1), line("x", 8)], {"identity_keys": [key("x", day(5), source="app")]}, source="app"))
    assert visible(desk, day(5)) == [("ann", "ann"), ("app:x", "x")]
    assert visible(desk, day(5.1)) == [("ann", "ann"), ("ann", "x")]
    assert visible(desk, day(20)) == [("ann", "ann"), ("ann", "ann"), ("ann", "x"), ("ann", "x")]
    log, quality = desk.open()
    assert quality.reconciles
    who = log.tables["identities"].order_by(["source_id", "valid_from"]).to_pyarrow().to_pylist()
    assert [(one["source_id"], one["customer_id"], one["evidence"], one["valid_to"]) for one in who] == [
        ("ann", "ann", "alone", None), ("x", "app:x", "alone", day(5)), ("x", "ann", "email", None),
    ]  # fmt: skip


def test_a_merge_can_be_undone_and_the_undoing_too(desk: Any, made: Any, line: Any, day: Any) -> None:
    keys = [key("ann", day(0)), key("amy", day(1))]
    desk.take(made([line("ann", 0), line("amy", 2)], {"identity_keys": keys}))
    unmerge(desk.engine, desk.lake, "shop", "amy", now=day(10))
    follow_keys(desk.engine, desk.lake, "shop", "amy", now=day(20))
    together, apart = [("ann", "amy"), ("ann", "ann")], [("amy", "amy"), ("ann", "ann")]
    assert [visible(desk, day(when)) for when in (5, 10, 15, 25)] == [together, together, apart, together]
    assert desk.open()[1].reconciles
    with pytest.raises(UsageError, match="no key was ever seen"):
        unmerge(desk.engine, desk.lake, "shop", "nobody", now=day(30))


def test_a_key_that_many_share_proves_nothing_from_the_breach_on(desk: Any, made: Any, line: Any, day: Any) -> None:
    names = ["a", "b", "c", "d"]
    keys = [key(name, day(number)) for number, name in enumerate(names)]
    desk.take(made([line(name, 0) for name in names], {"identity_keys": keys}))
    few = IdentitySettings(max_ids_per_key=3)
    merged = [("a", "a"), ("a", "b"), ("a", "c"), ("d", "d")]
    assert visible(desk, day(3), identity=few) == merged
    assert visible(desk, day(4), identity=few) == [(name, name) for name in names]


def test_a_blocked_key_proves_nothing_in_any_spelling(desk: Any, made: Any, line: Any, day: Any) -> None:
    keys = [key("a", day(0), "Till@Shop.org"), key("b", day(0), "till@shop.org")]
    desk.take(made([line("a"), line("b")], {"identity_keys": keys}))
    assert visible(desk, day(9)) == [("a", "a"), ("a", "b")]
    assert visible(desk, day(9), identity=IdentitySettings(blocked=("TILL@shop.org",))) == [("a", "a"), ("b", "b")]
    assert visible(desk, day(9), identity=IdentitySettings(keys=("phone",))) == [("a", "a"), ("b", "b")]


def test_the_same_keys_again_add_nothing(desk: Any, made: Any, line: Any, day: Any) -> None:
    source = made([line("a")], {"identity_keys": [key("a", day(1)), key("a", day(3))]})
    assert desk.take(source).rows_by_table["identity_keys"] == 1
    before = desk.bytes()
    desk.take(source)
    assert desk.bytes() == before


def test_chains_are_one_customer_and_parting_the_middle_breaks_them() -> None:
    a, b, c = (("s", name) for name in "abc")
    seen = [
        Sighting(1, a, "email", "k"),
        Sighting(2, b, "email", "k"),
        Sighting(3, b, "phone", "p"),
        Sighting(4, c, "phone", "p"),
    ]
    first = {a: 1, b: 2, c: 4}
    found = {(one.node[1], one.begins): one.leader[1] for one in timelines(seen, [Decision(9, b, True)], first, 5)}
    assert found == {
        ("a", None): "a",
        ("b", None): "b",
        ("b", 2): "a",
        ("b", 9): "b",
        ("c", None): "c",
        ("c", 4): "a",
        ("c", 9): "c",
    }


def test_texts_are_named_as_known_when_they_were_written(desk: Any, made: Any, line: Any, day: Any) -> None:
    words = {"occurred_at": day(1), "recorded_at": day(1), "kind": "review", "author": "customer", "text": "fine"}
    texts = [
        {"text_id": "t1", "customer_id": "x", **words},
        {"text_id": "t2", "customer_id": "x", **words, "recorded_at": day(7)},
        {"text_id": "t3", "customer_id": None, **words},
    ]
    desk.take(made([line("ann")], {"identity_keys": [key("ann", day(0))]}))
    later = {"identity_keys": [key("x", day(5), source="app")], "texts": texts}
    desk.take(made([line("x")], later, source="app"))
    found = {row["text_id"]: row["customer_id"] for row in desk.open()[0].tables["texts"].to_pyarrow().to_pylist()}
    assert found == {"t1": "app:x", "t2": "ann", "t3": None}
