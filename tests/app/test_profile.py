"""What a run asks of the shop's own segments before it works, and what decides a release's bytes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from holdfast.app.outlook import Outlook
from holdfast.app.profile.rules import FORECASTS, check, columns, rules_of
from holdfast.app.publish import manifest
from holdfast.app.shop import Shop
from holdfast.core.clock import NO_GAP, Cutoff, Horizon
from holdfast.core.errors import ConfigError, UsageError
from holdfast.core.rules import parse_text
from holdfast.core.rules.columns import kind
from holdfast.core.schema import RELEASE_CUSTOMERS, RELEASE_PROFILES, RELEASE_TABLES
from holdfast.core.text import Text
from holdfast.snapshot.settings import BY_ORDER

RULE = '[[segment]]\nname = "vip"\nwhen = "{when}"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path / "shop", zone="UTC", currency="EUR")


def asked(shop: Shop) -> Any:
    """As much of a question as names a release."""
    cutoff = Cutoff.parse("2024-01-01")
    definition = Text("who", "谁")
    question = SimpleNamespace(cutoff=cutoff, horizon=Horizon.parse("30d"), gap=NO_GAP, zone="UTC", definition=definition,
                               population=BY_ORDER)  # fmt: skip
    return SimpleNamespace(shop=shop, asked=question, log=SimpleNamespace(currency="EUR", fingerprint="f"), ledger=None)


def test_a_shop_without_rules_has_none(shop: Shop) -> None:
    assert rules_of(shop) == ()
    check(shop)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("order_cuont_90d >= 2", "order_count_90d"),
        ("value_at_risk > 3", "unknown column"),
        ("lifecycle > 3", "is a text"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_by_name(shop: Shop, when: str, said: str) -> None:
    (shop.folder / "segments.toml").write_text(RULE.format(when=when))
    with pytest.raises(ConfigError, match=said) as refused:
        check(shop)
    assert "vip" in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "said"), [("[profile]\nwindow = '5h'", "whole days"), ("[segments]\nuse = 'rules'", "segments.toml")]
)
def test_settings_that_make_no_sense_are_refused_early(shop: Shop, setting: str, said: str) -> None:
    shop.config_file.write_text(f"[shop]\nzone = 'UTC'\n{setting}\n")
    with pytest.raises(UsageError, match=said):
        check(shop)


def test_rules_may_ask_about_everything_that_is_documented() -> None:
    schema = columns()
    assert set(FORECASTS) <= set(RELEASE_CUSTOMERS.names)
    assert all(kind(field.type) != "other" for field in schema)
    assert len(set(schema.names)) == len(schema.names)
    for text in (
        "order_count within 90d >= 2",
        "interests contains 'Toys'",
        "value_tier == 'top'",
        "next_order_at < '2024-05-01'",
    ):
        parse_text(text).check(schema)


def test_another_segments_file_is_another_release(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.app.publish.holdout_of", lambda *_: None)
    before = manifest(asked(shop), "en")
    (shop.folder / "segments.toml").write_text(RULE.format(when="order_count >= 2"))
    after = manifest(asked(shop), "en")
    assert before["config_fingerprint"] != after["config_fingerprint"]


def test_parts_add_their_tables() -> None:
    assert RELEASE_TABLES["profiles"] is RELEASE_PROFILES
    one = Outlook().with_part("a", Outlook(tables={"profiles": pa.table({"x": [1]})})).with_part("b", Outlook())
    assert one.tables["profiles"].num_rows == 1
