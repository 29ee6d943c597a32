"""A plan looked at by protected group, before anybody approves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.decide import Decisions, Options, Treatment
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.measure.settings import MeasureSettings


def groups_of(customers: pa.Table, ids: pa.Array, attribute: str) -> list[str | None]:
    """The value of one attribute of each of these customers (their newest row of the `customers` table); None if unknown."""
    table = customers.sort_by([("valid_from", "ascending")])
    newest: dict[str, str | None] = dict(
        zip(table["customer_id"].to_pylist(), table["attributes"].to_pylist(), strict=True)
    )
    return [_said(newest.get(one), attribute) for one in ids.to_pylist()]


def limits_of(customers: pa.Table, ids: pa.Array, settings: MeasureSettings) -> dict[str, Any]:
    """`groups` and `parity` of `decide.budget.Limits`, of the protected attributes; nothing where none is declared.

    Groups too small to be judged, and customers of whom nothing is known, are one group together, `other`.
    """
    from holdfast.measure.fairness import fair_limit

    groups: dict[str, list[str]] = {}
    for one in settings.protected:
        limit = fair_limit(groups_of(customers, ids, one), settings.max_gap)
        groups[one] = [limit.names[at] if at >= 0 else "other" for at in limit.group.tolist()]
    return {"groups": groups, "parity": dict.fromkeys(groups, settings.max_gap)} if groups else {}


def plan_fairness(
    customers: pa.Table, decisions: Decisions, options: Options, treatments: Sequence[Treatment], settings: MeasureSettings,
    language: Language = "en",
) -> dict[str, Any]:  # fmt: skip
    """{attributes: [{attribute, gaps: [...], max_gap, over: bool, prices: [findings]}]}; empty without protected attributes.

    Customers of the holdout are left out: nothing is decided for them. Prices are those of what was chosen.
    """
    from holdfast.core.results import Effect
    from holdfast.measure.fairness import fair_limit, gaps, price_findings

    kept = np.flatnonzero(~decisions.holdout)
    ids, chosen = decisions.customer_id.take(pa.array(kept)), decisions.chosen[kept]
    by_id = {one.treatment_id: one for one in treatments}
    discount, money = (
        np.array([getattr(by_id[arm], name) if arm in by_id else 0.0 for arm in decisions.arms])[chosen]
        for name in ("discount", "incentive")
    )
    place = pc.index_in(ids, value_set=options.customer_id).to_numpy(zero_copy_only=False).astype(np.int64)
    eligible, treated = options.eligible[place], (chosen > 0).astype(np.float64)
    found = []
    for attribute in settings.protected:
        groups = groups_of(customers, ids, attribute)
        rows = gaps(groups, {"treatment_rate": treated, "value": decisions.expected_profit[kept]}, language=language)
        listed = [{**one, "gap": one["gap"].as_dict()} for one in rows]
        limit = fair_limit(groups, settings.max_gap)
        wide = any(
            isinstance(one["gap"], Effect)
            and one["measure"] == "treatment_rate"
            and abs(one["gap"].estimate) > settings.max_gap
            for one in rows
        )
        prices = [
            *price_findings(groups, eligible, discount, what="discount", language=language),
            *price_findings(groups, eligible, money, what="incentive", language=language),
        ]
        gap = limit.gap(chosen > 0)
        found.append(
            {
                "attribute": attribute,
                "gaps": listed,
                "max_gap": gap,
                "over": wide or gap > settings.max_gap,
                "prices": prices,
            }
        )
    return {"attributes": found}


def _said(text: str | None, attribute: str) -> str | None:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    value = found.get(attribute) if isinstance(found, dict) else None
    return None if value is None else str(value)
