"""The part of a release that says who the customers are: profiles, segments, and how they stay, leave and move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from holdfast.app.profile.analytics import analytics
from holdfast.app.profile.schemes import moved, schemes, silent
from holdfast.app.profile.seen import Seen, see
from holdfast.core.tables import FeatureTable, Predictions
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.app.outlook import Outlook
    from holdfast.app.study import Study


def profile(
    question: Study, now: FeatureTable, said: Predictions, language: Language, known: Mapping[str, Any] | None = None
) -> Outlook:
    """Columns `segment` and `interests`, the table `profiles`, and facts on segments, habits and retention.

    `known`: columns of the release that earlier parts found; rules of segments.toml may ask for them.
    """
    from holdfast.app.outlook import Outlook
    from holdfast.profile.orders import Orders

    question.progress.step("profiles", 0, 3)
    orders = Orders.read(question.order_days)
    forecasts = {**(known or {}), "p_churn": said.p_churn}
    seen = see(question, now, question.asked.cutoff, orders, forecasts)
    question.progress.step("profiles", 1, 3)
    found = schemes(question, seen, forecasts)
    question.progress.step("profiles", 2, 3)
    facts = {
        **tastes(seen),
        "segments": found.facts,
        "flow": moved(question, found, seen),
        "survival": silent(question, found),
        **analytics(question, seen),
    }
    question.progress.step("profiles", 3, 3)
    table = _filled(seen.made.table, found.columns)
    return Outlook(
        {"segment": found.chosen, "interests": seen.table["interests"]}, facts=facts, tables={"profiles": table}
    )


def tastes(seen: Seen) -> dict[str, Any]:
    """Who likes what, how price-sensitive the shop is, who can be reached where: shop-wide counts."""
    made = seen.made
    liked = made.interests
    most = sorted(range(len(liked.categories)), key=lambda j: (-int(liked.sure[:, j].sum()), liked.categories[j]))[:12]
    customers = len(seen.ids)
    return {
        "customers": customers,
        "window_days": int(seen.acts.window.days),
        "interests": {
            "known": int(liked.sure.any(axis=1).sum()), "shrunk_with": liked.prior,
            "categories": [
                {"category": liked.categories[j], "usual_share": float(liked.usual[j]), "customers": int(liked.sure[:, j].sum())}
                for j in most
            ],
        },
        "prices": {
            "deal_share": made.prices.usual, "high": int(made.prices.high.sum()), "low": int(made.prices.low.sum()),
        },
        "habits": {
            by: {"told": int((one.choice >= 0).sum()), "counts": {str(names[j]): int((one.choice == j).sum()) for j in range(len(names))}}
            for by, (names, one) in made.habits.items()
        },
        "aipl": _everybody(seen),
        "value_tiers": _counted(made.table["value_tier"], ("top", "high", "middle", "low"), seen),
    }  # fmt: skip


def _everybody(seen: Seen) -> dict[str, int]:
    """AIPL over everybody seen in the window, not only the population: the aware have not ordered yet."""
    from holdfast.profile.counts import numbers
    from holdfast.profile.rfm import aipl

    reach = seen.acts.reach()
    stages = aipl(*(numbers(reach[f"{name}_count"]) for name in ("reached", "look", "order_day")))
    return {stage: stages.count(stage) for stage in ("aware", "interest", "purchase", "loyal")}


def _counted(column: pa.ChunkedArray, names: tuple[str, ...], seen: Seen) -> list[dict[str, Any]]:
    values = column.to_pylist()
    total = float(seen.revenue.sum())
    found = []
    for name in names:
        rows = [i for i, one in enumerate(values) if one == name]
        money = float(seen.revenue[rows].sum())
        found.append(
            {"name": name, "customers": len(rows), "revenue": money, "revenue_share": money / total if total else 0.0}
        )
    return found


def _filled(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    return table
