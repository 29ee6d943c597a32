"""Who counts as treated around a cutoff, how likely each was to be left alone, and what is known when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.schema import CUSTOMERS, EXPOSURES
from holdfast.core.tables import Key
from holdfast.engine.duck import Engine
from holdfast.log.history import open_log
from holdfast.log.intake import take_in
from holdfast.log.sources.open import open_source
from holdfast.log.store import Lake
from holdfast.snapshot.assignments import assigned, assignments
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.snapshot import Snapshot
from holdfast.snapshot.treated_settings import TreatedSettings
from holdfast.synth.raw import write_raw
from holdfast.synth.world import Made, World, make

DAY = 150
CUTOFF, MONTH, ENDS = Cutoff.parse("2024-03-01"), Horizon.parse("30d"), Cutoff.parse("2024-06-01")


def at(day: str | None) -> datetime | None:
    return None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC)


def decision(
    who: str, arm: str, decided: str, delivered: str | None = None, p: float | None = None, **more: Any
) -> dict:
    shares = None if p is None else [
        {"treatment_id": "nothing", "propensity": p}, {"treatment_id": "mail", "propensity": 1 - p}
    ]  # fmt: skip
    own = 0.5 if p is None else p if arm == "nothing" else 1 - p
    row = {
        "decision_id": f"{who}{decided}", "customer_id": who, "treatment_id": arm, "campaign_id": decided, "arm": arm,
        "propensity": own, "arm_propensities": shares, "cost": 0, "decided_at": at(decided), "delivered_at": at(delivered),
    }  # fmt: skip
    return {**row, **more}


def people(*rows: tuple[str, str, str]) -> pa.Table:
    """(customer_id, attributes, valid from)."""
    listed = [
        {"customer_id": who, "attributes": told, "valid_from": at(since), "created_at": at(since), "consents": None}
        for who, told, since in rows
    ]
    return pa.Table.from_pylist(listed, CUSTOMERS.schema)


def found(rows: list[dict], who: str = "a", settings: TreatedSettings | None = None, **options: Any) -> dict[str, Any]:
    table = pa.Table.from_pylist(rows, EXPOSURES.schema)
    given = {"gap": NO_GAP, "known_at": ENDS, "customers": CUSTOMERS.schema.empty_table()} | options
    said = assigned(
        Key.of([who], CUTOFF), table, given["customers"], MONTH, given["gap"], settings or TreatedSettings(),
        given["known_at"],
    )  # fmt: skip
    return said.to_arrow().to_pylist()[0]


def test_the_window_is_half_open_and_moves_with_the_gap() -> None:
    first, last, after = (
        decision("a", "mail", day, day, 0.3) for day in ("2024-03-01", "2024-03-30T23:59", "2024-03-31")
    )
    assert found([first])["treated"]
    assert found([first])["contact_days"] == 0.0
    assert found([last])["arm"] == "mail"
    assert not found([after])["treated"]
    assert found([after], gap=Gap.parse("1d"))["treated"]
    before = decision("a", "mail", "2024-02-20", "2024-02-20", 0.3)
    assert not found([before])["treated"]
    lingering = found([before], settings=TreatedSettings(lingers="14d"))
    assert lingering["treated"]
    assert lingering["contact_days"] == -10.0
    assert found([], who="b") == {
        "customer_id": "b", "cutoff": CUTOFF.at, "treated": False, "arm": None, "contact_days": None,
        "p_untreated": 1.0, "holdout": False,
    }  # fmt: skip


def test_propensities_multiply_and_what_was_not_logged_is_missing() -> None:
    twice = [decision("a", "nothing", "2024-03-05", p=0.3), decision("a", "nothing", "2024-03-20", p=0.5)]
    other = decision("b", "mail", "2024-03-05", "2024-03-05", p=0.3)
    assert found([*twice, other])["p_untreated"] == pytest.approx(0.15)
    assert found([*twice, other], who="b")["p_untreated"] == pytest.approx(0.3)
    assert found([*twice, other], who="b")["treated"]
    bare = [decision("a", "nothing", "2024-03-05"), decision("b", "mail", "2024-03-05", "2024-03-05")]
    assert found(bare)["p_untreated"] == pytest.approx(0.5)  # the drawn arm is the one that contacts nobody
    assert found(bare, who="b")["p_untreated"] is None  # nobody wrote down how likely it was to be left alone
    for silly in (0.0, -1.0, 2.0, float("nan")):
        assert found([decision("a", "nothing", "2024-03-05", propensity=silly)])["p_untreated"] is None


def test_a_decision_without_contact_counts_when_its_campaign_delivers() -> None:
    rows = [
        decision("a", "nothing", "2024-02-28", p=0.4, campaign_id="spring"),
        decision("b", "mail", "2024-02-28", "2024-03-02", p=0.4, campaign_id="spring"),
    ]
    assert found(rows)["p_untreated"] == pytest.approx(0.4)
    assert found(rows, who="b")["treated"]


def test_a_campaign_that_logs_only_its_contacts_tells_no_chance_of_being_left_alone() -> None:
    contact = decision("a", "mail", "2024-03-05", "2024-03-05", campaign_id="spring")
    spared = decision("c", "nothing", "2024-03-06", p=0.7, campaign_id="spring")
    assert found([contact], who="b")["p_untreated"] is None
    assert found([contact, spared], who="b")["p_untreated"] == 1.0  # nobody decided anything about b
    late = decision("a", "mail", "2024-04-20", "2024-04-20", campaign_id="summer")
    assert found([late], who="b")["p_untreated"] == 1.0  # not in the window


def test_a_contact_that_was_drawn_and_never_arrived_is_no_untreated_row() -> None:
    rows = [decision("a", "mail", "2024-03-05", None, 0.4), decision("b", "mail", "2024-03-05", "2024-03-05", 0.4)]
    assert found(rows)["treated"]
    placebo = [decision("a", "control", "2024-03-05", None, 0.4)]
    assert not found(placebo)["treated"]
    never = [decision("a", "ghost", "2024-03-05")]  # a treatment that reached nobody at all contacts nobody
    assert not found(never)["treated"]


def test_nothing_decided_later_than_known_is_seen_and_open_windows_are_refused() -> None:
    early = Cutoff.parse("2024-03-31")
    rows = [decision("a", "nothing", "2024-03-05", p=0.3), decision("a", "mail", "2024-03-20", "2024-04-20", 0.9)]
    seen = found(rows, known_at=early)
    later = [*rows, *(decision("a", "mail", f"2024-04-{day}", f"2024-04-{day}", 0.1) for day in (10, 20))]
    assert found(later, known_at=early) == seen
    with pytest.raises(TooLittleData, match="not known yet"):
        found(rows, known_at=Cutoff.parse("2024-03-30"))


def test_the_holdout_flag_is_that_of_the_cutoff() -> None:
    table = people(
        ("a", '{"holdout": true}', "2024-01-01"), ("a", '{"holdout": false}', "2024-04-01"),
        ("b", '{"holdout": "yes"}', "2024-05-01"), ("c", "not json", "2024-01-01"),
    )  # fmt: skip
    assert found([], customers=table)["holdout"]
    assert found([], who="b", customers=table)["holdout"]  # no older version: the oldest counts
    assert not found([], who="c", customers=table)["holdout"]
    assert not found([], who="nobody", customers=table)["holdout"]
    own = TreatedSettings(holdout="control_group")
    assert not found([], customers=table, settings=own)["holdout"]


def test_misaligned_columns_are_refused() -> None:
    said = assigned(
        Key.of(["a"], CUTOFF), EXPOSURES.schema.empty_table(), CUSTOMERS.schema.empty_table(), MONTH, NO_GAP,
        TreatedSettings(), ENDS,
    )  # fmt: skip
    with pytest.raises(UsageError, match="rows"):
        type(said)(
            said.key, MONTH, np.array([True, False]), said.arm, said.contact_days, said.p_untreated, said.holdout
        )


@pytest.fixture(scope="module")
def shop(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Snapshot]:
    """A small targeted world, imported, cleaned and folded, at one cutoff."""
    made, folder = make(World(customers=120, days=260, target="risk")), tmp_path_factory.mktemp("shop")
    lake = Lake(folder / "lake")
    for path in write_raw(made, folder / "raw", form="parquet"):
        source = open_source(path, preset="holdfast", zone=made.world.zone, currency="EUR")
        take_in(engine, lake, source, zone=made.world.zone, currency="EUR", now=datetime(2026, 1, 1, tzinfo=UTC))
    log, _ = open_log(engine, lake, zone=made.world.zone, currency="EUR")
    return made, Snapshot(Ledger.open(engine, log), [made.world.cutoff(DAY)])


def test_a_whole_shop_gives_what_the_world_knows(shop: tuple[Made, Snapshot]) -> None:
    made, snapshot = shop
    said = assignments(snapshot, MONTH)
    assert said.key.equals(snapshot.population())
    life, ids = made.hidden.life, made.hidden.customer_id.to_pylist()
    inside = (life.contact_day >= DAY) & (life.contact_day < DAY + 30)
    told = {ids[who] for who in life.contact_who[inside & (life.contact_arm > 0)]}
    names = said.key.customer_id.to_pylist()
    assert said.treated.tolist() == [name in told for name in names]
    assert said.treated.any()
    chance = dict.fromkeys(ids, 1.0)
    for who, shares in zip(life.contact_who[inside], life.contact_chance[inside], strict=True):
        chance[ids[who]] *= shares[0]
    planned = np.array([chance[name] for name in names])
    assert said.p_untreated[~said.treated] == pytest.approx(planned[~said.treated])
    held = {ids[i] for i in np.flatnonzero(made.hidden.people.holdout)}
    assert said.holdout.tolist() == [name in held for name in names]


def test_messages_stand_in_for_exposures_where_a_shop_keeps_none(shop: tuple[Made, Snapshot]) -> None:
    _, snapshot = shop
    log = snapshot.ledger.log
    bare = replace(log, tables={name: table for name, table in log.tables.items() if name != "exposures"})
    without = Snapshot(replace(snapshot.ledger, log=bare), snapshot.cutoffs)
    assert not assignments(without, MONTH).treated.any()
    said = assignments(without, MONTH, settings=TreatedSettings(messages=True))
    assert said.treated.tolist() == assignments(snapshot, MONTH).treated.tolist()
    assert np.isnan(said.p_untreated[said.treated]).all()
