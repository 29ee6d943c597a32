"""A plan from the command line: made, looked over, approved, exported; each step once, nothing without --yes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from holdfast.app.plan.book import Book
from holdfast.app.plan.make import make
from holdfast.app.shop import Shop
from holdfast.cli.run import run
from holdfast.core.errors import UsageError
from holdfast.engine.state.assignments import Assigned
from holdfast.engine.state.audit import Audit
from holdfast.engine.state.ledger import SqliteLedger
from holdfast.synth.parameters import World
from said import Said

WORLD = World(customers=900, days=420, seed=5)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    from holdfast.app.demo import demo_of

    folder: Path = tmp_path_factory.mktemp("plans") / "shop"
    small = {"models": {"use": ["logistic"]}, "recommend": {"lanes": ["popular"]}, "alerts": {"capacity": 0}}
    demo_of(folder, WORLD, settings={**small, "plan": {"holdout_share": 0.1}})
    return Shop.open(folder)


@pytest.fixture
def say(shop: Shop, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(verb: str, *args: object) -> Said:
        capsys.readouterr()
        code = run(["plan", verb, str(shop.folder), *(str(one) for one in args)])
        found = capsys.readouterr()
        return Said(code, found.out, found.err)

    return call


def test_a_release_holds_a_plan_for_everybody(shop: Shop) -> None:
    release = shop.releases.current()
    decisions = release.table("decisions")
    assert decisions["customer_id"].to_pylist() == release.customers["customer_id"].to_pylist()
    assert pc.min(decisions["propensity"]).as_py() > 0
    sums = [sum(arm["propensity"] for arm in row) for row in decisions["arm_propensities"].to_pylist()]
    assert max(abs(one - 1) for one in sums) < 1e-9
    held = decisions.filter(decisions["holdout"])
    assert set(held["treatment_id"].to_pylist()) == {"nothing"}
    assert 0.1 < held.num_rows / decisions.num_rows < 0.35


def test_the_story_of_a_plan(shop: Shop, say: Any, tmp_path: Path) -> None:
    made = json.loads(say("make", "--budget", 20, "--campaign", "spring", "--json").out)
    assert made["status"] == "proposed"
    assert [one["policy"] for one in made["money_line"]] == ["nothing", "everyone", "riskiest", "guarded"]
    assert made["money_line"][3]["cost"] <= 20 + 1e-9
    again = json.loads(say("make", "--budget", 20, "--campaign", "spring", "--json").out)
    assert again["plan_id"] == made["plan_id"]

    review = say("review", "--csv", tmp_path / "review.csv", "--json")
    facts = json.loads(review.out)
    rows = list(csv.reader((tmp_path / "review.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == made["customers"] + 1
    assert (
        sum(one["customers"] for one in facts["left_alone"]) + made["money_line"][3]["customers"] == made["customers"]
    )
    one = say("review", "--customer", rows[1][0])
    assert one.code == 0
    assert rows[1][0] in one.out
    assert say("review", "--customer", "nobody").code == 2

    book = Book(shop)
    assert say("export", "--yes").code == 1  # not approved
    dry = json.loads(say("approve", "--json").out)
    assert dry["approved"] is False
    assert book.get().status == "proposed"
    done = json.loads(say("approve", "--by", "ana", "--yes", "--json").out)
    assert done["granted"] == dry["asked"]
    assert say("approve", "--yes").code == 1  # once
    balances = {(one.kind, one.name): one for one in SqliteLedger(book.states.db).balances("spring")}
    assert balances[("money", "")].reserved == round(done["money"] * 10_000)

    said = json.loads(say("export", "--to", tmp_path / "audience.csv", "--yes", "--json").out)
    audience = list(csv.DictReader((tmp_path / "audience.csv").read_text("utf-8-sig").splitlines()))
    assert len(audience) == said["messages"] == done["granted"]
    assert say("export", "--to", tmp_path / "more.csv", "--yes").code == 1  # once
    assert not (tmp_path / "more.csv").exists()
    balances = {(one.kind, one.name): one for one in SqliteLedger(book.states.db).balances("spring")}
    assert balances[("money", "")].reserved == 0
    assert balances[("money", "")].spent == round(done["money"] * 10_000)
    _logged(shop, book, said)


def _logged(shop: Shop, book: Book, said: dict[str, Any]) -> None:
    """Every decision but the holdout's is in the log, with its chances; holdout and audit are written down."""
    from holdfast.app.study import history

    plan = book.get(said["plan_id"])
    with shop.engine() as engine:
        log, _ = history(shop, engine)
        told = log.tables["exposures"]
        rows = engine.arrow(told.filter(told.campaign_id == "spring"))
    open_ones = plan.decisions.filter(pc.invert(plan.decisions["holdout"]))
    assert sorted(rows["customer_id"].to_pylist()) == sorted(open_ones["customer_id"].to_pylist())
    assert pc.count(rows["delivered_at"]).as_py() == said["messages"]
    assert all(abs(sum(arm["propensity"] for arm in row) - 1) < 1e-9 for row in rows["arm_propensities"].to_pylist())
    held = Assigned(book.states.db).holdout(plan.decisions["customer_id"].to_pylist())
    assert held
    assert held <= set(plan.decisions.filter(plan.decisions["holdout"])["customer_id"].to_pylist())
    trail = Audit(book.states.db)
    assert (trail.entries()[0].action, trail.entries()[0].actor) == ("approve", "ana")
    assert [one.action for one in trail.entries()] == ["approve", "export"]
    assert trail.whole()


def test_a_plan_of_an_older_release_cannot_be_approved(shop: Shop, say: Any) -> None:
    plan = make(shop, campaign="summer")
    facts = {**plan.facts, "release_id": "2000-01-01-0000000000"}
    Book(shop).add(facts, plan.decisions)
    refused = say("approve", "--yes")
    assert refused.code == 1
    assert "is published now" in refused.err


def test_money_below_nothing_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError, match="below 0"):
        make(shop, budget=-1)


def test_messages_leave_by_channels_and_are_logged_when_they_left(shop: Shop, say: Any) -> None:
    (shop.folder / "channels.toml").write_text('[mail]\nkind = "file"\nfolder = "sent"\n')
    assert say("make", "--campaign", "autumn").code == 0
    assert say("approve", "--yes").code == 0
    done = json.loads(say("export", "--to", "channels", "--yes", "--json").out)
    assert done["exported"]
    sent = done["sent"]["channels"]["mail"]
    again = json.loads(say("send", "--json").out)
    assert again["logged"] == 0
    assert again["channels"]["mail"]["sent"] == 0
    from holdfast.app.study import history

    with shop.engine() as engine:
        log, _ = history(shop, engine)
        told = log.tables["exposures"]
        rows = engine.arrow(told.filter(told.campaign_id == "autumn"))
    assert pc.count(rows["delivered_at"]).as_py() == sent["sent"]
    paid = rows.filter(pc.greater(rows["cost"], 0))
    assert paid.num_rows == done["messages"]


def test_groups_are_compared_and_other_prices_stop_an_approval(shop: Shop, say: Any) -> None:
    plan = make(shop, campaign="winter")
    text = "Open to the same offers, group a is offered +0.100 more"
    facts = {**plan.facts, "fairness": {"attributes": [{"gaps": [], "prices": [{"text": text}]}]}}
    made = Book(shop).add(facts, plan.decisions)
    assert text in say("approve").out
    refused = say("approve", "--yes")
    assert refused.code == 1
    assert "other prices" in refused.err
    assert say("approve", "--yes", "--despite-findings").code == 0
    assert Book(shop).get(made.plan_id).status == "approved"


def test_floors_and_ceilings_of_the_config_are_kept(shop: Shop) -> None:
    import pyarrow as pa

    from holdfast.app.plan.proposal import bounds_of
    from holdfast.core.errors import ConfigError
    from holdfast.decide.budget import Bound

    people = pa.table({"customer_id": ["a"], "segment": ["loyal"]})
    assert bounds_of({"segment=loyal": 3}, people) == {("segment", "loyal"): Bound(count=3)}
    with pytest.raises(ConfigError, match="no group of customers"):
        bounds_of({"segmnt=loyal": 3}, people)
    text = shop.config_file.read_text()
    shop.config_file.write_text(text.replace("# ceilings = {}", 'ceilings = { "lifecycle=active" = 5 }'))
    try:
        again = Shop.open(shop.folder)
        plan = make(again, campaign="ceiling")
        states = dict(
            zip(
                *(again.releases.current().customers[name].to_pylist() for name in ("customer_id", "lifecycle")),
                strict=True,
            )
        )
        acts = plan.decisions.filter(pc.not_equal(plan.decisions["treatment_id"], "nothing"))
        assert sum(states[one] == "active" for one in acts["customer_id"].to_pylist()) <= 5
    finally:
        shop.config_file.write_text(text)
