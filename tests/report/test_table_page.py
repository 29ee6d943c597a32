"""The page of a labelled table says everything in both languages, escapes what came from data, and runs nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from holdfast.core.text import LANGUAGES, Language
from holdfast.report.table.page import render
from holdfast.report.table.summary import summary

_BOUND = {"value": 0.1, "low": 0.05, "high": 0.15}


def facts(**more: Any) -> dict[str, Any]:
    """A made-up study of six hundred loans."""
    metrics = ("auc", "average_precision", "log_loss", "brier", "ece", "accuracy", "lift_at_10pct")
    scores = [
        {"model": model, "metric": metric, "value": 0.5 + 0.1 * place, "low": 0.4, "high": 0.9}
        for place, model in enumerate(("base_rate", "one_column", "logistic"))
        for metric in metrics
    ]
    column = {
        "kind": "number", "use": "feature", "missing": 0.25, "different": 9, "why": None, "notes": [], "low": 0.0,
        "high": 9.5, "importance": 0.7, "auc_alone": 0.71,
    }  # fmt: skip
    lesson = {"n": 600, "honest": dict.fromkeys(metrics, 0.7), "other": dict.fromkeys(metrics, 0.97)}
    group = {"n": 100, "rate": 0.4, "low": 0.3, "high": 0.5, "said": 0.39}
    calibration = [{"said": p, "happened": p, "low": p - 0.05, "high": p + 0.05, "n": 60} for p in (0.1, 0.5, 0.8)]
    lift = [{"share": share, "recall": min(1.0, 2 * share), "lift": 2.0} for share in (0.1, 0.2, 0.5, 1.0)]
    fair = {**group, "listed": 0.2, "found": 0.5, "false_alarm": None, "metrics": {}}
    return {
        "file": "loans.csv", "rows": 640, "labelled": 600, "tested": 600, "cut": 2, "preset": None, "notes": ["A note."],
        "label": {"column": "<i>bad</i>", "positive": "yes", "others": ["no"], "rate": 0.3, "guessed": True},
        "dropped": ["x"], "protocol": "bad = yes, 3 x 5-fold", "repeats": 3, "grouped": True,
        "models": ["base_rate", "one_column", "logistic"], "chosen": "logistic", "scores": scores,
        "gain_over_one_column": {"auc": _BOUND}, "after_choosing": _BOUND,
        "copies": {"equal": 40, "near": 6, "different": 500, "random_split": lesson, "equal_only": lesson,
                   "echo": {"rows": 300, "steps": {"age": 1.0}}},
        "suspects": [], "without_suspects": None, "with_protected": lesson,
        "protected": [{**fair, "column": "sex", "group": "m"}],
        "columns": [{**column, "name": "late <b>days</b>"},
                    {**column, "name": "row", "use": "left_out", "why": "id_like", "importance": None, "auc_alone": None}],
        "groups": [{**group, "column": "late", "group": "2 – 5"}, {**group, "column": "late", "group": ""}],
        "curves": {"base_rate": 0.3, "mean_said": 0.3, "roc": [[0, 0], [0.2, 0.6], [1, 1]],
                   "precision_recall": [[0.1, 0.9], [1, 0.3]], "calibration": calibration, "lift": lift, "brier": {}},
        "card": {"sentences": ["It says."], "checked": "Five parts.", "limits": ["Not this."]}, **more,
    }  # fmt: skip


ROWS = [
    {"id": "<u>7</u>", "p": 0.93, "label": None, "fold": None,
     "reasons": [{"column": "late", "value": "5", "contribution": 1.2, "text": "late: 5 (others: <s>0</s>)"}]},
]  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_holds_every_section_and_nothing_from_elsewhere(language: Language) -> None:
    page = render(facts(), ROWS, language)
    tags = Tags()
    tags.feed(page)
    assert {"copies", "scores", "columns", "groups", "protected", "quality", "list", "about"} <= set(tags.ids)
    assert len(tags.ids) == len(set(tags.ids))
    assert not {"u", "s", "iframe", "link"} & set(tags.found)
    assert not re.search(r"https?://", page)
    assert "None" not in page
    assert "nan" not in re.sub(
        r"[a-z]*nan[a-z]+|[a-z]+nan[a-z]*", "", page.lower().split("<body>")[-1].split("<script>")[0]
    )
    for link in re.findall(r'href="#([\w-]+)"', page):
        assert link in tags.ids, link


def test_a_suspect_is_shouted_first() -> None:
    told = facts(suspects=[{"column": "exit", "auc_alone": 0.999}], without_suspects=facts()["with_protected"])
    page = render(told, ROWS)
    assert page.index('id="warning"') < page.index('id="copies"')
    assert "WARNING: exit alone tells 99.9% of pairs apart" in page
    from pathlib import Path

    assert "WARNING" in summary(told, Path("r.html"), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_says_what_counts(language: Language) -> None:
    from pathlib import Path

    text = summary(facts(), Path("r.html"), language).replace("\n", "")
    assert "600" in text
    assert "0.970" in text, "what a random split would have claimed"
    assert "70.0%" in text, "the majority class"
    assert ("客户" in text) is False
