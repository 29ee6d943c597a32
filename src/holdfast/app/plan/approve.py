"""Approval: money, places and contacts are set aside, arms and holdout are written down for good. A dry run by default."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.app.moment import acting_at
from holdfast.app.plan.book import Book, Plan
from holdfast.app.plan.claims import claims, limits, treated
from holdfast.app.plan.fair import price_texts
from holdfast.core.errors import StateError
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from holdfast.app.plan.contacts import Contacting
    from holdfast.app.shop import Shop
    from holdfast.app.study import Study
    from holdfast.core.decide import Treatment
    from holdfast.core.state import Verdicts

#: What was set aside for a plan is kept so long for its export.
HOLD = timedelta(days=14)


def approve(
    shop: Shop,
    plan_id: str | None,
    *,
    by: str = "",
    yes: bool = False,
    despite: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Reserve what a plan needs; without `yes`, say what would be reserved and change nothing.

    Raises `StateError` for a plan that is not proposed any more, that was made from an older release, or that offers
    protected groups other prices than everybody else, unless `despite` says that this is meant.
    """
    from holdfast.app.study import study

    book = Book(shop)
    plan = book.get(plan_id)
    _refuse_stale(shop, plan)
    with shop.locked(), shop.engine() as engine:
        question = study(shop, engine, cutoff=plan.facts["cutoff"], progress=progress)
        now = acting_at(question.log.last_event_at)
        asked, contacting, treatments = prepared(question, book, plan, now)
        facts: dict[str, Any] = {
            "plan_id": plan.plan_id, "campaign_id": plan.facts["campaign_id"], "approved": False, "asked": asked.num_rows,
            "money": sum(asked["cost"].to_pylist()) / 10_000, "currency": plan.facts["currency"],
            "left_out": treated(plan).num_rows - asked.num_rows, "findings": price_texts(plan.facts),
        }  # fmt: skip
        if not yes:
            return facts
        if facts["findings"] and not despite:
            raise StateError(
                f"plan {plan.plan_id} offers protected groups other prices: {facts['findings'][0]}",
                where=str(plan.folder),
                remedy="change treatments.toml and make a new plan, or approve with --despite-findings",
            )
        verdicts = _reserve(book, plan, asked, contacting, treatments, shop, now)
        _assign(question, book, plan, now)
        book.states.step(plan.plan_id, "approve", by=by)
        told = {"granted": int(verdicts.granted.sum()), "reasons": verdicts.counts()}
        _audit(book, "approve", plan, now, by, told)
    return {**facts, "approved": True, **told}


def prepared(
    question: Study, book: Book, plan: Plan, now: datetime
) -> tuple[pa.Table, Contacting, dict[str, Treatment]]:
    """The claims of a plan by the contact rules of this moment."""
    from holdfast.app.plan.contacts import Contacting
    from holdfast.app.plan.offered import offered

    treatments = offered(book.shop)
    people = plan.decisions["customer_id"].combine_chunks()
    contacting = Contacting.of(question, people, treatments, now, book.states.db).without(
        [plan.decision_id(one) for one in people.to_pylist()]
    )
    by_id = {one.treatment_id: one for one in treatments}
    return claims(plan, by_id, contacting), contacting, by_id


def _refuse_stale(shop: Shop, plan: Plan) -> None:
    current = shop.releases.current().release_id
    if plan.facts["release_id"] != current:
        raise StateError(
            f"plan {plan.plan_id} was made from release {plan.facts['release_id']}, but {current} is published now",
            where=str(plan.folder),
            remedy="make a new plan: holdfast plan make",
        )
    if plan.status != "proposed":
        raise StateError(
            f"plan {plan.plan_id} is {plan.status} already", where=str(plan.folder), remedy="holdfast plan export"
        )


def _reserve(
    book: Book, plan: Plan, asked: pa.Table, contacting: Contacting, treatments: dict[str, Treatment], shop: Shop,
    now: datetime,
) -> Verdicts:  # fmt: skip
    from holdfast.engine.state.ledger import SqliteLedger

    bound = limits(plan, shop, treatments, contacting)
    return SqliteLedger(book.states.db).reserve(plan.plan_id, asked, bound, now, hold=HOLD, outside=contacting.history)


def _assign(question: Study, book: Book, plan: Plan, now: datetime) -> None:
    """Write down who is held out, and everybody's arm with its chances: the first write stands for good."""
    from holdfast.app.plan.held import held_by_shop
    from holdfast.core.state import HOLDOUT, Arm
    from holdfast.decide.assign import holdout
    from holdfast.decide.plan_settings import PlanSettings
    from holdfast.engine.state.assignments import Assigned

    store, share = Assigned(book.states.db), float(plan.facts["holdout_share"])
    rows = plan.decisions.to_pylist()
    if 0 < share < 1:
        odds = {HOLDOUT: share, "open": 1 - share}
        ids = plan.decisions["customer_id"].combine_chunks()
        lot = holdout(ids, share, book.shop.config.section(PlanSettings).salt).tolist()
        # whom the shop itself never treats may be unlike everybody else: they stand on neither side of the comparison
        never = held_by_shop(question, ids).tolist()
        drawn = [(one, mine) for one, mine, out in zip(rows, lot, never, strict=True) if not out]
        store.assign(HOLDOUT, [Arm(one["customer_id"], HOLDOUT if mine else "open", odds, now) for one, mine in drawn])
    store.assign(
        plan.facts["campaign_id"],
        [
            Arm(
                one["customer_id"], one["treatment_id"],
                {arm["treatment_id"]: arm["propensity"] for arm in one["arm_propensities"]}, now,
            )
            for one in rows
            if not one["holdout"]
        ],
    )  # fmt: skip


def _audit(book: Book, action: str, plan: Plan, now: datetime, by: str, told: dict[str, Any]) -> None:
    from holdfast.engine.state.audit import Audit

    Audit(book.states.db).add(action, plan.plan_id, now, actor=by, facts=told)
