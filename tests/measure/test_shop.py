"""The synthetic shop, whose true effects are known: imported, measured, and said on the command line and in the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast.app.measure.part import holdout_of, measured
from holdfast.app.shop import Shop
from holdfast.app.study import history
from holdfast.bench.measure import true_effect
from holdfast.cli.run import run
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.results import Effect
from holdfast.core.trials import Trial
from holdfast.measure.effects import compare
from holdfast.report.effects import effects_page
from holdfast.report.sections.effects import effects
from holdfast.report.story import Story
from holdfast.snapshot.folds import default_cutoff
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.trials import trials
from holdfast.synth.parameters import World
from holdfast.synth.raw import write_raw
from holdfast.synth.world import Made, make

MONTH = Horizon.parse("30d")


@dataclass(frozen=True)
class Measured:
    """The shop, its world, every assignment, and the facts."""

    folder: Path
    made: Made
    trial: Trial
    facts: dict[str, Any]
    early: dict[str, Any]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("measured") / "shop"
    made = make(World(customers=1500, days=450, seed=4, effect=1.5, holdout_share=0.25))
    shop = Shop.create(folder, preset="holdfast", zone=made.world.zone, currency=made.world.currency)
    shop.add(*write_raw(made, folder / "raw"))
    with shop.engine() as engine:
        log, _ = history(shop, engine)
        ledger, ends = Ledger.open(engine, log, shop.cache), default_cutoff(log)
        found = trials(ledger, ends, MONTH)
        facts = measured(ledger, ends, shop.config, "en")
        early = measured(ledger, Cutoff(found_at(found, 3)), shop.config, "en")
    return Measured(folder, made, found, facts, early)


def found_at(trial: Trial, campaign: int) -> Any:
    """A minute after the decisions of a campaign."""
    return Cutoff.from_micros(int(trial.assigned_at[trial.campaign == campaign].max()) + 60_000_000).at


@pytest.mark.parametrize("arm", ["reminder", "voucher", "postcard"])
def test_the_pooled_interval_covers_the_true_effect(shop: Measured, arm: str) -> None:
    done = shop.trial.finished
    found = compare(done, arm, assigned=shop.trial).effects["retention"]
    assert isinstance(found, Effect)
    true = true_effect(shop.made, done, arm)
    assert found.low <= true <= found.high
    assert (abs(true) < 1e-12) == (arm == "postcard"), "a postcard does nothing in this world"


def test_the_facts_are_those_of_the_log(shop: Measured) -> None:
    made = shop.made.tables["exposures"]
    assert shop.facts["pooled"]["assigned"] == made.num_rows
    assert [one["name"] for one in shop.facts["campaigns"]] == sorted(set(made["campaign_id"].to_pylist()))
    assert shop.facts["pooled"]["health"]["ratio"]["alarm"] is False
    assert shop.facts["pooled"]["health"]["contamination"]["share"] == 0
    whole = shop.facts["whole"]
    assert {one["arm"] for one in whole["arms"]} == {"nothing", "holdfast"}
    assert whole["comparisons"][0]["effects"]["revenue"]["n_control"] > 200
    json.dumps(shop.facts)


def test_nothing_after_the_cutoff_is_looked_at(shop: Measured) -> None:
    """At the moment of the fourth campaign: it has been drawn, nobody's follow-up of it has closed."""
    names = [one["name"] for one in shop.early["campaigns"]]
    assert names == ["campaign-00", "campaign-01", "campaign-02", "campaign-03"]
    newest = shop.early["campaigns"][-1]
    assert newest["closed"] == 0
    assert "closed yet" in newest["undetermined"]
    assert shop.early["whole"]["follow_up"] == "30d", "180 days have not passed yet"


def test_the_command_says_it_in_both_languages(shop: Measured, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["measure", str(shop.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(shop.facts))
    assert run(["measure", str(shop.folder), "--language", "zh", "--follow-up", "20d"]) == 0
    assert "全部活动合计" in capsys.readouterr().out
    assert run(["measure", str(shop.folder), "--campaign", "campaign-2"]) == 2
    assert "did you mean 'campaign-02'" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_has_it_as_a_section(shop: Measured, language: Any) -> None:
    story = Story(release={"currency": "EUR", "zone": "UTC"}, customers=None, outlook={"effects": shop.facts})  # type: ignore[arg-type]
    html = str(effects(story, story.voice(language)).html())
    assert "voucher" in html
    assert 'id="effects"' in html
    empty = Story(release={"currency": "EUR", "zone": "UTC"}, customers=None, outlook={})  # type: ignore[arg-type]
    assert "absent" in str(effects(empty, empty.voice(language)).html())


def _said(facts: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> str:
    copy = json.loads(json.dumps(facts))
    change(copy)
    return effects_page(copy)


def test_what_is_unsound_is_said_loudly(shop: Measured) -> None:
    def spoil(facts: dict[str, Any]) -> None:
        health = facts["pooled"]["health"]
        health["ratio"] |= {"alarm": True, "p_any_time": 1e-9}
        health["contamination"]["share"] = 0.2
        facts["pooled"]["comparisons"][0]["guardrails"][0]["verdict"] = "broken"

    page = " ".join(_said(shop.facts, spoil).split())
    assert "Do not trust these numbers" in page
    assert "20.0% of the rows got another arm's treatment" in page
    assert "breaks a guardrail: unsubscribing" in page
    assert "Nothing can be measured: no decision" in effects_page({"undetermined": "no decision"})


def test_the_holdout_in_the_state_database_is_used(shop: Measured) -> None:
    """Half of the customers written down as held out on one day: their own arms, chances and clock, instead of the attribute."""
    from datetime import timedelta

    from holdfast.core.state import HOLDOUT, Arm
    from holdfast.engine.state.assignments import Assigned
    from holdfast.engine.state.database import StateDb

    made, world = shop.made, shop.made.world
    day = world.cutoff(300)
    ids = made.tables["customers"]["customer_id"].to_pylist()
    odds = {HOLDOUT: 0.5, "open": 0.5}
    drawn = np.random.default_rng(1).random(len(ids)) < 0.5
    state = shop.folder / "state.db"
    Assigned(StateDb(state)).assign(
        HOLDOUT,
        [
            Arm(one, HOLDOUT if held else "open", odds, day.at + timedelta(hours=1))
            for one, held in zip(ids, drawn, strict=True)
        ],
    )
    try:
        with Shop.open(shop.folder).engine() as engine:
            log, _ = history(Shop.open(shop.folder), engine)
            ledger = Ledger.open(engine, log, Shop.open(shop.folder).cache)
            held = holdout_of(Shop.open(shop.folder), ledger)
            facts = measured(ledger, default_cutoff(log), Shop.open(shop.folder).config, "en", held=held)["whole"]
    finally:
        for one in shop.folder.glob("state.db*"):
            one.unlink()
    assert facts["first"] == facts["last"] == str(Cutoff(day.at + timedelta(hours=1)))
    assert facts["follow_up"] == "30d", "180 days have not passed yet"
    assert facts["health"]["ratio"]["alarm"] is False
    assert facts["comparisons"][0]["n_control"] == pytest.approx(len(ids) / 2, rel=0.1)
    low, high = (facts["comparisons"][0]["effects"]["retention"][name] for name in ("low", "high"))
    assert low < 0 < high, "drawn at random, the halves do not differ"
