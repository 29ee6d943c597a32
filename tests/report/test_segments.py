"""Segments, stickiness and paths on the page and in the terminal: whole, in both languages, hostile names harmless."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.report.test_page import Page

from holdfast.core.text import LANGUAGES, Language
from holdfast.profile.interests import sentence
from holdfast.profile.paths import Path
from holdfast.report.customer import interest_lines, profile_rows
from holdfast.report.page import render
from holdfast.report.segments import segments_page
from holdfast.report.voice import Voice

HOSTILE = "<script>alert(1)</script>"


def row(name: str, customers: int, p: float, apart: bool = True) -> dict[str, Any]:
    """One segment, as `app.profile.schemes` tells it."""
    said = {"en": "{value} an order", "zh": "每单{value}"}
    one = {"feature": "basket_value", "size": 1.2, "inside": 60.0, "outside": 18.5, "unit": "money", "said": said,
           "word": {"en": "big baskets", "zh": "大单"}}  # fmt: skip
    return {
        "name": name, "title": {"en": f"{name} title", "zh": f"{name}标题"}, "customers": customers, "share": customers / 300,
        "revenue": 1000.0 * customers, "revenue_share": customers / 300, "p_churn": p, "clv": None, "apart": [one] if apart else [],
    }  # fmt: skip


def make_facts() -> dict[str, Any]:
    """The shape of `outlook["profile"]`."""
    rows = [row("vip", 200, 0.2), row(HOSTILE, 100, 0.7, apart=False)]
    curve = {"n": 120, "days": [7, 30, 90], "silent": [0.9, 0.6, 0.3], "low": [0.8, 0.5, 0.2], "high": [0.95, 0.7, 0.4],
             "median_days": 50.0}  # fmt: skip
    sticky = {"days": ["2011-09-14", "2011-10-12", "2011-11-09"], "daily": [5.0, 6, 7], "weekly": [20.0, 25, 30],
              "monthly": [50, 60, 80], "daily_share": [0.1, 0.1, 0.0875], "weekly_share": [0.4, 0.42, 0.375]}  # fmt: skip
    path = Path(("delivery_failed", f"view {HOSTILE}"), 44, 0.8, 0.5, 1.6, 1.2, 2.1, 0.01).as_dict()
    days = {
        "days": [1, 30, 60],
        "months": ["2011-01"],
        "sizes": [9],
        "share": [[0.1, 0.2, None]],
        "average": [0.1, 0.2, None],
    }
    return {
        "customers": 300, "window_days": 365, "aipl": {"aware": 4, "interest": 3, "purchase": 200, "loyal": 100},
        "interests": {"known": 120, "shrunk_with": 4.0, "categories": [
            {"category": HOSTILE, "usual_share": 0.2, "customers": 30}, {"category": "Tea", "usual_share": 0.1, "customers": 0},
        ]},
        "prices": {"deal_share": 0.2, "high": 10, "low": 7},
        "habits": {by: {"told": 80, "counts": {"0": 50, "3": 30}} for by in ("channel", "hour", "weekday")},
        "value_tiers": [{"name": "top", "customers": 20, "revenue": 9.0, "revenue_share": 0.5}],
        "segments": {"use": "rules", "rules": rows, "rfm": [row("loyal", 300, 0.4)], "learnt": rows, "how_learnt": {
            "method": "k_means", "count": 2, "separation": 0.2, "stability": {"jaccard": [0.9, 0.8], "ari": 0.85},
            "features": ["a", "b"], "tried": [],
        }},
        "flow": {"since": "2011-10-10", "rules": [
            {"from": "vip", "to": "vip", "count": 150}, {"from": "outside", "to": HOSTILE, "count": 40},
        ], "rfm": {"undetermined": "no reason"}},
        "survival": {"cutoff": "2011-08-11", "by": "rules", "curves": [{"segment": "vip", **curve}, {"segment": HOSTILE, **curve}]},
        "triangles": {"n_day": {"kind": "n_day", **days}, "bracket": {"kind": "bracket", **days}},
        "stickiness": {"ordering": sticky, "browsing": sticky},
        "paths": {"cutoff": "2011-10-10", "horizon": "30d", "steps": 8, "customers": 300, "left_share": 0.5, "looked_at": 90,
                  "leaving": [path], "staying": []},
    }  # fmt: skip


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param  # type: ignore[no-any-return]


def test_the_sections_are_whole_and_hostile_names_stay_text(make: Any, language: Language) -> None:
    page = Page(render(make(language, outlook={"profile": make_facts()}), language))
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert HOSTILE in page.text
    assert {"en": "vip title", "zh": "vip标题"}[language] in page.text
    assert {"en": "$60.00 an order (others $18.50)", "zh": "每单£60.00（其他客户£18.50）"}[language].replace(
        "$", "£"
    ) in page.text
    assert {"en": "delivery failed → viewed", "zh": "配送失败 → 浏览"}[language] in page.text
    assert "1.60 (1.20–2.10)" in page.text
    charts = [a["aria-label"] for _, a in page.tags if a.get("role") == "img"]
    assert {"en": "How long each segment stays silent", "zh": "各分群沉默多久"}[language] in charts
    assert len(page.all("id")) == len(set(page.all("id")))
    if language == "zh":
        visible = re.sub(r"[^\x20-\x7e]+", " ", page.text)
        assert "What sets it apart" not in visible
        assert "Who the customers are" not in visible


def test_a_release_without_profiles_says_so(make: Any, language: Language) -> None:
    page = Page(render(make(language, outlook={"profile": {"undetermined": "nobody came"}}), language))
    assert "nobody came" in page.text


def test_no_path_is_said_in_words(make: Any) -> None:
    facts = make_facts()
    facts["paths"] |= {"leaving": [], "staying": []}
    facts["stickiness"] = {"ordering": {**facts["stickiness"]["ordering"], "days": [], "weekly_share": []}}
    assert "Of 90 paths, none sets" in Page(render(make("en", outlook={"profile": facts}), "en")).text


def test_the_terminal_page_lists_segments_moves_and_how_they_were_learnt(language: Language) -> None:
    voice = Voice(language, "GBP")
    text = segments_page(make_facts(), "rules", voice, day="2011-11-09", moves=True)
    assert "£200,000" in text
    assert {"en": "like the others", "zh": "相近"}[language] in text
    assert "40" in text.splitlines()[-2]
    learnt = segments_page(make_facts(), "learnt", voice, day="2011-11-09", moves=True)
    assert "0.85" in learnt
    assert "0.20" in learnt  # a cut through a continuum
    assert "holdfast segments --since" in learnt
    assert "\x1b" not in text


PROFILE = {
    "segment": "vip", "rfm_cell": "543", "rfm_group": "champions", "value_tier": "top", "aipl": "loyal",
    "price_sensitivity": 0.31, "price_level": 1.2, "channel": "app", "channel_share": 0.8, "hour": 20, "hour_share": 0.5,
    "weekday": None, "weekday_share": None, "occasion_count": 14, "ticket_count": 1, "refund_count": 0,
    "delivery_failed_count": 2, "rating": 4.5, "message_count": 3, "message_open_count": 1, "treated_count": 0,
    "platforms": ["site"],
    "interests": [{"category": "Electronics", "strength": 0.6, "lift": 4.2, "views": 14, "all_views": 20, "wishes": 0, "orders": 3}],
}  # fmt: skip


def test_the_customer_page_tells_what_is_known_and_leaves_out_what_is_not(language: Language) -> None:
    voice = Voice(language, "GBP")
    known = [{"source": "crm", "source_id": str(i), "evidence": "email"} for i in range(5)]
    rows = dict(profile_rows(PROFILE, make_facts(), voice, known))
    said = " ".join(f"{label} {value}" for label, value in rows.items())
    for part in ("543", "31%", "20%", "1.20", "app", "80%", "4.5", "crm:0", "vip"):
        assert part in said
    assert ("Monday" in said) is False
    assert {"en": "and 2 more", "zh": "等2个"}[language] in said
    assert interest_lines(PROFILE, voice) == [f"  · {sentence(PROFILE['interests'][0], language)}"]
    bare = profile_rows({**PROFILE, **dict.fromkeys(PROFILE), "occasion_count": 3}, {}, voice)
    assert len(bare) == 1
    assert profile_rows(None, {}, voice) == []
    assert interest_lines(None, voice) == []
