"""The whole story on a shop whose truth is known: import, run, plan, approve, export, live on, measure, and what was kept.

What a plan is worth is not what it expects but what follows: the same morning is lived many times under each policy
(`holdfast.synth.future`), and the money kept over doing nothing is counted, with the cost of contacts. The measured
effect, from one of these futures through `holdfast measure`, stands beside it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.plan.book import Plan
    from holdfast.app.shop import Shop
    from holdfast.synth.future import Future
    from holdfast.synth.parameters import World

BUDGET, CAMPAIGN, FOLLOW_UP = 5000.0, "story", 30
#: Futures that each policy is lived through; the first is the one that is imported and measured.
SEEDS = 200
#: A small shop holds out more, or it never learns what its plans change.
HELD = 0.15
_Z95 = 1.959963984540054


@BENCHES.register("story")
def story(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Plan 5,000 euros on the synthetic shop, live on, measure; money kept against nothing, random, riskiest, everybody."""
    if data not in (None, "synthetic"):
        raise UsageError(f"the story knows no data {data!r}", remedy="leave --data out")
    with tempfile.TemporaryDirectory() as folder:
        return told(Path(folder) / "shop", world(), progress, seeds=SEEDS * (3 if full else 1))


def world(customers: int = 6000, days: int = 730, seed: int = 1) -> World:
    """A shop that may call: dear, strong on those who still come, resented by some. Mail is cheap and weak."""
    from holdfast.synth.parameters import Arm, World

    arms = (
        Arm("nothing", 0.40),
        Arm("reminder", 0.20, cost=0.02, effect=0.25, by_annoyance=0.90),
        Arm("voucher", 0.15, cost=0.05, effect=0.55, by_price=1.20, discount=0.10),
        Arm("call", 0.25, cost=3.00, effect=1.00, by_annoyance=1.50),
    )
    return World(customers=customers, days=days, seed=seed, arms=arms)


def told(folder: Path, one: World, progress: Progress = SILENT, *, seeds: int = SEEDS) -> list[Score]:
    """The rows of the story, in its order."""
    from holdfast.synth.future import Future
    from holdfast.synth.world import drawn

    started = time.perf_counter()
    shop, plan = planned(folder, one, progress)
    future = Future(drawn(one))
    rows = [_row("as promised", "guarded", metric, value) for metric, value in _promised(plan).items()]
    kept = money_kept(future, plan, seeds)
    rows += [_row("as lived", name, metric, *value) for name, found in kept.items() for metric, value in found.items()]
    rows += measured(shop, plan, future, progress)
    return [*rows, _row("as lived", "whole", "seconds", time.perf_counter() - started)]


def planned(folder: Path, one: World, progress: Progress = SILENT) -> tuple[Shop, Plan]:
    """Import, run, plan 5,000 euros, approve, export."""
    from holdfast.app.demo import demo_of
    from holdfast.app.plan.approve import approve
    from holdfast.app.plan.book import Book
    from holdfast.app.plan.export import export
    from holdfast.app.plan.make import make
    from holdfast.app.shop import Shop

    demo_of(folder, one, settings={"plan": {"holdout_share": HELD}}, progress=progress)
    shop = Shop.open(folder)
    plan = make(shop, budget=BUDGET, campaign=CAMPAIGN, progress=progress)
    approve(shop, plan.plan_id, by="story", yes=True, progress=progress)
    export(shop, plan.plan_id, yes=True, progress=progress)
    return shop, Book(shop).get(plan.plan_id)


def _promised(plan: Plan) -> dict[str, float]:
    mine = next(one for one in plan.facts["money_line"] if one["policy"] == "guarded")
    return {
        "expected_profit": mine["net_profit"], "spends": mine["cost"], "contacts": mine["customers"],
        "gap": plan.facts["gap"],
    }  # fmt: skip


def policies(plan: Plan, future: Future, p_churn: NDArray[np.float64], seed: int) -> dict[str, dict[str, str]]:
    """Treatment by customer under each policy, for the customers of the plan who are not held out and may be called."""
    rows = plan.decisions.to_pylist()
    may = [i for i, one in enumerate(rows) if not one["holdout"] and _open(one, "call")]
    ids = [rows[i]["customer_id"] for i in may]
    cost = next(arm.cost for arm in future.drawn.world.arms if arm.treatment_id == "call")
    places = int(BUDGET // cost)
    risky = [ids[i] for i in np.argsort(-p_churn[may], kind="stable")[:places]]
    drawn = np.random.default_rng([seed, 97]).permutation(len(ids))[:places]
    return {
        "nothing": {},
        "random": {ids[i]: "call" for i in drawn},
        "riskiest": dict.fromkeys(risky, "call"),
        "everybody": dict.fromkeys(ids, "call"),
        "guarded": {one["customer_id"]: one["treatment_id"] for one in rows if one["treatment_id"] != "nothing"},
    }


def _open(row: dict[str, Any], treatment: str) -> bool:
    return any(arm["treatment_id"] == treatment and arm["propensity"] > 0 for arm in row["arm_propensities"])


def money_kept(future: Future, plan: Plan, seeds: int) -> dict[str, dict[str, tuple[float, ...]]]:
    """Money over doing nothing under each policy, mean over futures with a 95% interval; spend and contacts."""
    from holdfast.synth.future import Given

    world, names = future.drawn.world, future.drawn.names
    p_churn = _p_churn(plan)
    earned: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    cost = {arm.treatment_id: arm.cost for arm in world.arms}
    for seed in range(1, seeds + 1):
        for name, decided in policies(plan, future, p_churn, seed).items():
            given = Given.of(world, names, decided) if decided else None
            earned.setdefault(name, []).append(float(future.money(given, FOLLOW_UP, 0.3, seed).sum()))
            spent.setdefault(name, []).append(sum(cost[one] for one in decided.values()))
    nothing = np.array(earned["nothing"])
    return {
        name: {"money_kept": _mean(np.array(found) - nothing), "spends": (float(np.mean(spent[name])),)}
        for name, found in earned.items()
    }


def _p_churn(plan: Plan) -> NDArray[np.float64]:
    from holdfast.app.releases import Releases

    customers = Releases(plan.folder.parent.parent / "releases").get(plan.facts["release_id"]).customers
    said = dict(zip(customers["customer_id"].to_pylist(), customers["p_churn"].to_pylist(), strict=True))
    return np.array([said[one] for one in plan.decisions["customer_id"].to_pylist()])


def _mean(values: NDArray[np.float64]) -> tuple[float, float, float]:
    half = _Z95 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def measured(shop: Shop, plan: Plan, future: Future, progress: Progress = SILENT) -> list[Score]:
    """Live one future under the plan as it was sent, import it, and ask `holdfast measure` what the plan changed."""
    from holdfast.app.service import measure
    from holdfast.synth.future import Given

    rows = plan.decisions.to_pylist()
    decided = {one["customer_id"]: one["treatment_id"] for one in rows if not one["holdout"]}
    given = Given.of(future.drawn.world, future.drawn.names, decided)
    live(shop, future.events(given, FOLLOW_UP + 2, 1), progress)
    facts = measure(shop.folder, follow_up=f"{FOLLOW_UP}d", progress=progress).data
    found = []
    for one in facts["whole"].get("comparisons", []):
        for name, effect in one["effects"].items():
            if "estimate" in effect:
                found.append(
                    _row(
                        f"{one['arm']} against the holdout",
                        f"measured_{name}",
                        effect["estimate"],
                        effect["low"],
                        effect["high"],
                    )
                )
    return found


def live(shop: Shop, tables: dict[str, pa.Table], progress: Progress = SILENT) -> None:
    """Import what happened after the plan was sent."""
    from holdfast.synth.raw import as_raw

    for name, table in tables.items():
        shop.add(as_raw(name, table), preset="holdfast", source=None, progress=progress)


def _row(how: str, model: str, metric: str, value: float, low: float | None = None, high: float | None = None) -> Score:
    protocol = f"plan of {BUDGET:,.0f} euros, {FOLLOW_UP}d, {how}"
    return Score("story", "synthetic", protocol, model, metric, float(value), low, high)
