"""The report's section on alerts: what it says, in both languages, and what it says where there are none."""

from __future__ import annotations

import pytest

from holdfast.core.schema import RELEASE_CUSTOMERS
from holdfast.core.text import LANGUAGES, Language
from holdfast.report.sections.alerts import alerts
from holdfast.report.story import Story

FIGURE = {"value": 0.31, "low": 0.25, "high": 0.4}
ROW = {
    "customer_id": "<script>x</script>", "raised_at": "2024-05-01T00:00:00+00:00", "risk_band": "high",
    "value_at_risk": 90.0, "expected_shortfall": 123.4, "lead_days": 12.2, "reason": "silent for <b>40</b> days",
    "treatment_id": None,
}  # fmt: skip
FACTS = {
    "capacity": 50, "listed": 50, "fresh": 5, "alertable": 440, "shortfall": 4630.0, "horizon": "30d", "lead_days": 69.0,
    "measured": False, "assumed_effect": 0.03, "clear_share": 0.9, "list": [ROW], "drift": "The data has drifted: fewer visits",
    "retention": {"sentence": {"en": "73% came back", "zh": "73%再次下单"}},
    "judged": {
        "cutoffs": ["2024-03-01", "2024-04-01"],
        "rows": [
            {"model": name, "value_recall": FIGURE, "precision": FIGURE, "lead_days": {"value": 60.0}}
            for name in ("alert_score", "own_spend", "recency", "own_gap")
        ],
    },
}  # fmt: skip


def shown(facts: dict[str, object], language: Language) -> str:
    release = {"shop": "s", "cutoff": "2024-05-01T00:00:00Z", "currency": "EUR", "zone": "UTC", "horizon": "30d"}
    story = Story(release=release, customers=RELEASE_CUSTOMERS.empty(), outlook={"alerts": facts})
    return str(alerts(story, story.voice(language)).html())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_its_reasons_and_how_such_lists_turned_out(language: Language) -> None:
    page = shown(FACTS, language)
    for part in ("€4,630", "€123", "lists/alerts.csv", "31%", "440", "3%", "fewer visits"):
        assert part in page, part
    assert ("73% came back" if language == "en" else "73%再次下单") in page
    assert "<script>x" not in page
    assert "<b>40" not in page
    assert ("assumed, not measured" if language == "en" else "假设") in page


def test_no_alerts_say_why_and_unjudged_ones_say_so() -> None:
    assert "No alerts: switched off." in shown({"undetermined": "switched off"}, "en")
    assert "No closed check" in shown({**FACTS, "judged": {}}, "en")
    assert "No alerts: this release has none." in shown({}, "en")
