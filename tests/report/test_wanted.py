"""The section on what customers want next, and the same list as text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.text import Language
from holdfast.report.page import render
from holdfast.report.sections.wanted import wanted
from holdfast.report.wanted import wanted_page


def facts() -> dict[str, Any]:
    item = {"rank": 1, "item_id": "i<1>", "title": "<b>tea</b>", "lane": "again", "reason": "bought 3 times"}
    number = {"value": 0.4, "low": 0.35, "high": 0.45}
    row = {"hit": number, "recall": number, "ndcg": number}
    return {
        "recommender": "mix", "weights": {"again": 0.75, "ials": 0.25, "popular": 0.0}, "note": "", "count": 10,
        "customers": 1234, "entries": 12340, "lanes": {"again": 0.7, "explore": 0.3, "complement": 0.0, "new": 0.0},
        "items": 90, "on_sale": 100, "catalogue": 120, "top": [{"item_id": "i<1>", "title": None, "share": 0.5}],
        "examples": [{"customer_id": "<script>", "items": [item]}],
        "judged": {
            "cutoff": "2011-10-10", "horizon": "30d", "customers": 999, "count": 10, "candidate_recall": 0.61,
            "rows": [{"model": "list", **row}, {"model": "popular", **row, "hit": {"value": 0.2, "low": 0.1, "high": 0.3}}],
        },
    }  # fmt: skip


def told(make: Any, given: dict[str, Any], language: Language = "en") -> str:
    story = replace(make(language), outlook={"recommend": given})
    return str(wanted(story, story.voice(language)).html())


def test_the_honest_line_stands_beside_popularity(make: Any) -> None:
    html = told(make, facts())
    assert "for 40% (35–45%) of the 999 customers" in html
    assert "what many buy did for 20%" in html
    assert "again 75% and ials 25%" in html
    assert "popular 0%" not in html
    assert "61%" in html


def test_what_came_from_data_is_text(make: Any) -> None:
    html = told(make, facts())
    assert "&lt;b&gt;tea&lt;/b&gt;" in html
    assert "<script>" not in html


def test_it_speaks_chinese(make: Any) -> None:
    html = told(make, facts(), "zh")
    assert "再次购买" in html
    assert "buy again" not in html
    assert "999位客户" in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_lists_it_says_why(make: Any, language: Language) -> None:
    html = told(make, {"undetermined": "the history names no items"}, language)
    assert "the history names no items" in html
    assert "<table" not in html


def test_without_a_closed_horizon_it_claims_nothing(make: Any) -> None:
    html = told(make, {**facts(), "judged": {}})
    assert "Too few customers bought" in html
    assert "How often they were right" not in html


def test_it_is_a_section_of_the_page(make: Any) -> None:
    assert 'id="wanted"' in render(make())


def test_the_list_as_text_names_lane_item_and_reason() -> None:
    rows = facts()["examples"][0]["items"]
    page = wanted_page("c\x1b1", rows, ["3 newer events considered"], "en")
    assert "\x1b" not in page
    assert " 1. buy again" in page
    assert "bought 3 times" in page
    assert "3 newer events considered" in page
    assert "没有可推荐的商品" in wanted_page("c1", [], [], "zh")
