"""treatments.toml is strict; rules and contact close arms with a reason; stated priors are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.decide import Treatment
from holdfast.core.errors import ConfigError, UsageError
from holdfast.decide.eligibility import eligible
from holdfast.decide.priors import Worth, assumed
from holdfast.decide.treatments import DEFAULTS, load, parse, render

FILE = """
[[treatment]]
id = "voucher"
kind = "coupon"
cost = 1
discount = 0.1
channel = "mail"
eligible = "order_count >= 2"
stock = 5
effect = 0.2
"""


def test_a_file_is_read_with_nothing_first(tmp_path: Path) -> None:
    path = tmp_path / "treatments.toml"
    path.write_text(FILE, encoding="utf-8")
    nothing, voucher = load(path)
    assert not nothing.acts
    assert (voucher.cost, voucher.discount, voucher.stock, voucher.channel) == (1.0, 0.1, 5, "mail")


def test_the_file_we_write_is_the_one_we_read(tmp_path: Path) -> None:
    path = tmp_path / "treatments.toml"
    path.write_text(render(), encoding="utf-8")
    assert load(path) == DEFAULTS
    assert {one.kind for one in DEFAULTS} >= {"reminder", "recommendation", "coupon", "free_shipping", "member_benefit"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[treatment]]\nid = 'a'\nchanel = 'mail'",
            r"unknown key 'chanel' \(treatments.toml, treatment 1 \(a\)\).*channel",
        ),
        ("[[treatmint]]\nid = 'a'", r"unknown key 'treatmint'"),
        ("[[treatment]]\nkind = 'coupon'", "has no id"),
        ("[[treatment]]\nid = 'a'\n[[treatment]]\nid = 'a'", "two treatments are called 'a'"),
        ("[[treatment]]\nid = 'a'\ncost = 'much'", "cost must be a float"),
        ("[[treatment]]\nid = 'a'\ncost = true", "cost must be a float"),
        ("[[treatment]]\nid = 'a'\nstock = 1.5", "stock must be a int"),
        ("[[treatment]]\nid = 'a'\ncost = -1", "makes no sense"),
        ("[[treatment]]\nid = 'a'\nkind = 'bribe'", "no known kind"),
        ("[[treatment]]\nid = 'a'\neligible = 'orders >='", "treatment 1"),
        ("treatment = 3", "not a list"),
        ("= 3", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "treatments.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load(path)
    assert parse({})[0].treatment_id == "nothing"


def test_rules_and_contact_close_arms_with_a_reason() -> None:
    table = pa.table({"customer_id": ["a", "b", "c"], "order_count": [1.0, 5.0, None]})
    arms = [
        Treatment("nothing"),
        Treatment("gift", "coupon", "A gift", eligible="order_count >= 2"),
        Treatment("mail", "reminder"),
    ]
    found = eligible(arms, table, {"mail": np.array([True, False, True])})
    assert found.allowed.tolist() == [[True, False, True], [True, True, False], [True, False, True]]
    assert found.why_not[:, 0].tolist() == [-1, -1, -1]
    assert "A gift" in found.reasons[found.why_not[0, 1]]
    assert "contacted" in found.reasons[found.why_not[1, 2]]
    assert "A gift" in eligible(arms, table, {}, "zh").reasons[0]


def test_priors_by_hand() -> None:
    worth = Worth(np.array([0.5]), np.array([100.0]), 0.3)
    voucher = Treatment("voucher", "coupon", cost=1, incentive=2, discount=0.1, effect=0.2)
    options = assumed(pa.array(["a"]), [Treatment("nothing"), voucher], worth)
    assert options.uplift[0, 1] == pytest.approx(0.1)
    assert options.cost[0, 1] == pytest.approx(1 + 0.6 * (2 + 10))
    assert options.gain[0, 1] == pytest.approx(0.1 * 30 - (1 + 0.6 * 12))
    assert not options.measured
    with pytest.raises(UsageError):
        Worth(np.array([0.5]), np.array([1.0, 2.0]), 0.3)
