"""What the terminal shows: summary, one customer, quality, doctor; and that every sentence exists twice."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
from datetime import date
from typing import Any

import numpy as np
import pytest

import holdfast.decide
import holdfast.profile
import holdfast.report
from holdfast.core.text import LANGUAGES, Language, Text
from holdfast.report.doctor import doctor_page
from holdfast.report.explain import explain, explanation
from holdfast.report.kept import kept
from holdfast.report.opening import half_holders, opening
from holdfast.report.plain import columns, width, wrap
from holdfast.report.quality import quality_page
from holdfast.report.scores import Scores
from holdfast.report.story import Story
from holdfast.report.summary import summary
from holdfast.report.voice import Voice

PAGE = {
    "first_order": "2011-01-02", "last_order": "2011-08-27", "orders": 9, "order_days": 9, "revenue": 1234.5,
    "days_since_last_order": 74, "gaps": [31] * 8, "usual_gap_days": 31.0, "overdue_ratio": 2.39,
    "months": [{"month": f"2011-{m:02}", "orders": 1, "revenue": 10.0 * m} for m in range(1, 12)],
    "timeline": [
        {"day": "2011-08-27", "kind": "purchase", "order_id": "1", "lines": 2, "units": 3.0, "amount": 99.0,
         "items": ["cake\x1b[31m stand", "客户"]},
        {"day": "2011-08-26", "kind": "something new", "order_id": None, "lines": 1, "units": 0, "amount": None, "items": []},
    ],
}  # fmt: skip


def texts() -> list[tuple[str, Text]]:
    """Every Text of the three rooms, by module."""
    found = []
    for room in (holdfast.report, holdfast.profile, holdfast.decide):
        for info in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            for name, thing in vars(importlib.import_module(info.name)).items():
                inner = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, tuple) else [thing]
                found += [(f"{info.name}.{name}", one) for one in inner if isinstance(one, Text)]
    return found


def test_every_sentence_has_both_languages_and_the_same_blanks() -> None:
    said = texts()
    assert len(said) > 150
    for where, text in said:
        blanks = [{name for _, name, _, _ in string.Formatter().parse(text.render(one)) if name} for one in LANGUAGES]
        assert blanks[0] == blanks[1], where
        assert re.search("[一-鿿]", text.zh) or text.en == text.zh or not re.search("[a-z]{4}", text.en), where


@pytest.mark.parametrize("language", LANGUAGES)
def test_summary_says_what_the_page_says(make: Any, language: Language) -> None:
    story = make(language)
    said = summary(story, language, report="shop/report/index.html")
    flat = re.sub(r"\s", "", said)
    for sentence in opening(story, story.voice(language)):
        assert re.sub(r"\s", "", sentence)[:20] in flat
    for one in story.top(5):
        assert one["customer_id"] in said
    assert "shop/report/index.html" in said
    assert re.sub(r"\s", "", story.definition(story.voice(language))) in flat
    assert max(width(line) for line in said.splitlines()) <= 110


def test_summary_of_nobody(empty_story: Story) -> None:
    assert "Nobody is in the population" in summary(empty_story)


def test_opening_with_nothing_at_risk(make: Any) -> None:
    import pyarrow as pa

    table = make("en").customers
    n = table.num_rows
    calm = table.set_column(table.column_names.index("value_at_risk"), "value_at_risk", pa.array(np.zeros(n)))
    calm = calm.set_column(table.column_names.index("risk_band"), "risk_band", pa.array(["low"] * n))
    said = opening(make("en", customers=calm, value_at_risk={}), Voice("en", "GBP"))
    assert "No usual spend is at risk" in said[1]
    assert "contact nobody yet" in said[2]


def test_opening_compares_with_the_last_period(make: Any) -> None:
    story = make("en")
    share = float(story.p_churn.mean())
    voice = story.voice("en")
    assert "more than the" in opening(story, voice, base_rate=share - 0.1)[0]
    assert "fewer than the" in opening(story, voice, base_rate=share + 0.1)[0]
    assert "much like" in opening(story, voice, base_rate=share + 0.01)[0]


def test_half_is_held_by_as_few_as_possible() -> None:
    assert half_holders(np.array([4.0, 3.0, 2.0, 1.0])) == 2
    assert half_holders(np.zeros(3)) == 0
    assert half_holders(np.array([])) == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_explain_one_customer(make: Any, language: Language) -> None:
    story = make(language)
    one = story.top(1)[0]
    said = explain(story, one["customer_id"], PAGE, language)
    assert one["reasons"][0]["text"].split()[0] in said
    assert story.definition(story.voice(language)).split("。")[0][:15] in said
    assert "\x1b" not in said
    plain = explanation(story, one["customer_id"], PAGE, language)
    assert plain["prediction"]["p_churn"] == one["p_churn"]
    assert isinstance(plain["prediction"]["cutoff"], str)


def test_explain_somebody_outside(make: Any) -> None:
    story = make("en")
    assert "No forecast: outside the population" in explain(story, "nobody", PAGE)
    assert explanation(story, "nobody", PAGE)["prediction"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_quality_as_text(make: Any, language: Language) -> None:
    said = quality_page({**make(language).quality, "currency": "GBP"}, language)
    assert "541,909" in said
    assert "390,408" in said
    assert "135,080" in said
    assert quality_page({}, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_doctor_page_and_what_it_could_not_tell(make: Any, language: Language) -> None:
    story = make(language)
    facts: dict[str, Any] = {
        "file": {"name": "orders\x07.csv", "rows": 541_909, "currency": "GBP", "first_day": date(2010, 12, 1)},
        "guess": {"columns": {"customer_id": "CustomerID"}, "delimiter": ";", "notes": ["assumed"], "override": "[mapping]"},
        "quality": story.quality,
        "history": [{"forecast": "30d", "enough": True, "has": "373", "needs": "150"}],
        "silence": {
            "median_gap_days": 31, "within_days": 180,
            "returns": [{"share": 0.5, "silent_days": 60}, {"share": 0.1, "silent_days": None}],
            "suggested": {"horizon": "30d", "within": "120d"},
            "alternatives": [{"horizon": "30d", "within": "120d", "customers": 2_000, "churned": 0.6}],
        },
        "backtest": story.backtest,
        "value_at_risk": {"undetermined": Text("no prices", "没有价格")},
        "holdout": {"customers": 3_239, "holdout_share": 0.1, "churned": 0.6, "smallest_effect": 0.08, "power": 0.8},
    }  # fmt: skip
    said = doctor_page(facts, language)
    assert "\x07" not in said
    for figure in ("541,909", "CustomerID", "[mapping]", "120d", "0.017", "3,239", "8.0"):
        assert figure in said, figure
    assert ("没有价格" if language == "zh" else "no prices") in said
    nothing = doctor_page({}, language)
    assert nothing.count("无法确定" if language == "zh" else "Not determined") == 8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "£44,900 were then lost"),
        ({"value_at_risk": {"said": 10.0, "lost": -250.0, "spent": 900.0}}, "then spent £250 more than usual"),
        ({"value_at_risk": {"said": 10.0, "lost": None, "spent": 900.0}}, "then spent £900."),
        ({"value_at_risk": None}, "58% did not."),
        ({"gone": 3}, "3 published customers are no longer known"),
        ({"said": 0.2, "happened": 0.9}, "20% of 3,102 customers would not order in the 30 days after; 90% did not"),
    ],
)
def test_promises_are_told_as_they_turned_out(make: Any, change: dict[str, Any], said: str) -> None:
    story = make("en")
    promise = {**story.promises[0], **change}
    assert said in kept(promise, story.voice("en"))
    assert said in re.sub(r"\s+", " ", summary(make("en", promises=[promise])))


def test_scores_find_the_hardest_baseline(make: Any) -> None:
    found = Scores.read(make("en").backtest)
    assert found.chosen == "logistic"
    assert found.best_baseline() == "rfm_logistic"
    assert found.best_baseline("log_loss") == "rfm_logistic"
    assert found.cutoffs[-1] == "2011-11-09"
    assert found.value("recency", "auc", "worst") is not None
    assert Scores.read({}).verdict(Voice()) == ""


def test_a_gain_that_may_be_chance_is_called_so(make: Any) -> None:
    backtest = make("en").backtest
    doubtful = [
        {**row, "low": -0.01} if "paired gain over rfm_logistic" in row["protocol"] else row
        for row in backtest["scores"]
    ]
    assert "not surely better" in Scores.read({**backtest, "scores": doubtful}).verdict(Voice())


def test_a_simple_model_that_was_kept_says_why(make: Any) -> None:
    backtest = {**make("en").backtest, "chosen": "base_rate"}
    assert "base rate, because no other model was surely better" in Scores.read(backtest).verdict(Voice())


def test_columns_line_up_in_any_script() -> None:
    lines = columns([("客户", "1"), ("ab", "22")], right=[1])
    assert len({width(line) for line in lines}) == 1
    assert all(width(line) <= 20 for line in wrap("一二三四五六七八九十" * 3, columns=20))
    assert "".join(wrap("a " * 50, columns=20)).replace(" ", "") == "a" * 50


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "£0"), (12.5, "£12.50"), (99.999, "£100"), (1234.4, "£1,234"), (-50.0, "−£50.00"), (None, "–")],
)
def test_money(amount: float | None, said: str) -> None:
    assert Voice("en", "GBP").money(amount) == said
    assert Voice("en", "XYZ").money(amount) == (said if amount is None else said.replace("£", "") + " XYZ")
