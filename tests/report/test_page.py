"""The page is whole, safe and says the same in every language and at every size."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.text import LANGUAGES, Language
from holdfast.report.page import SECTIONS, render, write_report
from holdfast.report.story import Story

VOID = {"meta", "br", "hr", "input", "link", "img"}


class Page(HTMLParser):
    """Tags, attributes and visible text; refuses tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module", params=LANGUAGES)
def page(request: pytest.FixtureRequest, make: Any) -> Page:
    return Page(render(make(request.param), request.param))


def test_every_section_is_there_in_order(page: Page) -> None:
    ids = [a["id"] for tag, a in page.tags if tag == "section"]
    assert ids == [
        "promises", "alerts", "plan", "effects", "quality", "cohorts", "lifecycle", "retention", "segments", "paths", "ahead", "rhythm", "value",
        "wanted", "forecast", "drift", "ladder", "customers", "definitions",
    ]  # fmt: skip
    assert len(ids) == len(SECTIONS)


def test_the_first_screen_is_three_sentences(page: Page) -> None:
    opening = next(i for i, (tag, a) in enumerate(page.tags) if a.get("class") == "opening")
    items = [tag for tag, _ in page.tags[opening : opening + 10] if tag == "li"]
    assert len(items) == 3


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = set(page.all("id"))
    for target in page.all("href"):
        assert target.startswith("../") or target.removeprefix("#") in ids, target
    assert len(page.all("id")) == len(ids), "an id stands twice"


def test_every_chart_is_named_and_has_its_numbers(page: Page) -> None:
    charts = [a for _, a in page.tags if a.get("role") == "img"]
    assert len(charts) >= 6
    assert all(a.get("aria-label") for a in charts)
    assert sum(tag == "table" for tag, _ in page.tags) >= len(charts)
    assert all(a.get("scope") for tag, a in page.tags if tag == "th")


def test_nothing_is_loaded_from_anywhere(make: Any) -> None:
    text = render(make("en"))
    assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(https?:)?//", text)
    assert "default-src &#x27;none&#x27;" in text
    assert "@import" not in text


def test_the_script_in_the_page_is_the_one_the_policy_allows(make: Any) -> None:
    import base64
    import hashlib

    text = render(make("en"))
    script = text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"sha256-{digest}" in text
    assert text.count("<script") == 1


def test_what_came_from_data_stays_text(page: Page, hostile: tuple[str, ...]) -> None:
    """Ids, file names and shop names with markup show as they are; no tag of theirs exists."""
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not any(tag == "img" for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert "Gifts & Garlands <Ltd>" in page.text
    assert hostile[0] in page.text  # in an example of the quality section
    assert hostile[1] in page.text  # as a file name


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_ids_in_every_place(make: Any, hostile: tuple[str, ...], language: Language) -> None:
    import pyarrow as pa

    story = make(language)
    ids = [f"{hostile[i % len(hostile)]}#{i}" for i in range(story.customers.num_rows)]
    table = story.customers.set_column(0, "customer_id", pa.array(ids))
    page = Page(render(make(language, customers=table), language))
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not any(tag == "img" for tag, _ in page.tags)
    assert "\x00" not in page.text
    assert "\x1b" not in page.text


def test_the_same_story_gives_the_same_bytes(make: Any, tmp_path: Path) -> None:
    one = write_report(tmp_path / "a", make("zh"), "zh").read_bytes()
    two = write_report(tmp_path / "b", make("zh"), "zh").read_bytes()
    assert one == two
    assert (tmp_path / "a" / "report" / "index.html").is_file()
    assert len(one) < 400_000, "the page has grown heavy"


def test_a_chinese_page_speaks_chinese(make: Any) -> None:
    """Every heading and caption of ours is Chinese; only ids, units and reasons from data may be Latin."""
    page = Page(render(make("zh"), "zh"))
    text = render(make("zh"), "zh")
    assert '<html lang="zh-Hans">' in text
    for tag in ("h2", "h3", "figcaption", "summary"):
        for words in re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.DOTALL):
            assert re.search("[一-鿿]", words), (tag, words)
    assert "Churned" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_story_says_what_is_missing(empty_story: Story, language: Language) -> None:
    page = Page(render(empty_story, language))
    assert sum(a.get("class") == "absent" for _, a in page.tags) == 17
    assert "None" not in page.text
    assert "nan" not in page.text.lower().split()


PARTS = (
    "quality",
    "backtest",
    "card",
    "promises",
    "cohorts",
    "lifecycle",
    "retention",
    "bands",
    "value_at_risk",
    "outlook",
)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_may_be_absent(make: Any, part: str) -> None:
    story = make("en", **{part: () if part == "promises" else {}})
    assert Page(render(story)).text


def test_a_backtest_that_was_impossible_says_why(make: Any) -> None:
    page = Page(render(make("en", backtest={"undetermined": "the history is too short"})))
    assert "No backtest was possible: the history is too short." in page.text


def test_promises_come_first_and_unflattering_ones_stay(make: Any) -> None:
    story = make("en")
    bad = {
        **story.promises[0],
        "said": 0.3,
        "happened": 0.8,
        "within_interval": False,
        "sentence": {"en": "Bad.", "zh": "差"},
    }
    page = Page(render(make("en", promises=[bad])))
    assert "Said 30%, happened 80%" in page.text
    assert "outside the published interval" in page.text
    assert page.text.index("Said 30%") < page.text.index("Data quality", page.text.index("Said 30%"))


def test_broken_counts_are_not_hidden(make: Any) -> None:
    quality = make("en").quality
    proof = {"proof": "rows", "sentence": "Rows agree.", "left": 2, "right": 1, "holds": False}
    page = Page(render(make("en", quality={**quality, "proofs": [proof]})))
    assert "Do not trust this release" in page.text


def test_every_number_of_churn_carries_its_definition(page: Page, make: Any) -> None:
    language: Language = "zh" if "客户" in page.text else "en"
    story = make(language)
    definition = story.definition(story.voice(language))
    assert page.text.count(definition) >= 3  # first screen, customers, definitions


def test_the_horizon_of_the_definition_is_half_open(make: Any) -> None:
    release = {**make("en").release, "cutoff": "2011-11-09T00:00:00Z", "horizon": "30d", "gap": "7d"}
    story = make("en", release=release)
    assert "no order from 16 Nov 2011 to 15 Dec 2011 (30 days)" in story.definition(story.voice("en"))
