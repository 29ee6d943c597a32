"""Are protected groups treated alike by a plan: limits handed to the allocator, gaps, and prices before approval."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.text import Language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions, Options, Treatment


def protected_groups(question: Study, ids: pa.Array) -> dict[str, list[str | None]]:
    """The group of each customer by protected attribute (`[measure] protected`), as known at the cutoff."""
    from holdfast.app.plan.contacts import newest_rows
    from holdfast.measure.settings import MeasureSettings

    names = question.shop.config.section(MeasureSettings).protected
    if not names:
        return {}
    texts = newest_rows(question, ids)["attributes"].to_pylist()
    held = [_read(one) for one in texts]
    return {name: [None if (value := one.get(name)) is None else str(value) for one in held] for name in names}


def _read(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def fair_limits(question: Study, groups: Mapping[str, Sequence[str | None]]) -> dict[str, Any]:
    """What the allocator must keep: groups large enough to compare, and how far their treatment rates may differ."""
    from holdfast.measure.fairness import fair_limit
    from holdfast.measure.settings import MeasureSettings

    gap = question.shop.config.section(MeasureSettings).max_gap
    limited = {name: fair_limit(list(values), gap) for name, values in groups.items()}
    limited = {name: one for name, one in limited.items() if len(one.names) > 1}
    columns = {
        name: [one.names[place] if place >= 0 else None for place in one.group.tolist()]
        for name, one in limited.items()
    }
    return {"parity": dict.fromkeys(limited, gap), "groups": columns} if limited else {}


def fairness(
    groups: Mapping[str, Sequence[str | None]], decisions: Decisions, options: Options, treatments: Sequence[Treatment],
    language: Language,
) -> dict[str, Any]:  # fmt: skip
    """Gaps of treatment rate and expected profit by group, and findings on prices, as plain data."""
    from holdfast.measure.fairness import gaps, price_findings

    columns = {
        "treatment_rate": (decisions.chosen > 0).astype(np.float64), "value": decisions.expected_profit,
    }  # fmt: skip
    open_ones = ~decisions.holdout
    price = _offered(decisions, treatments)
    found: dict[str, Any] = {}
    for name, values in groups.items():
        told = gaps(list(values), columns, language=language)
        findings = [
            one
            for what, each in price.items()
            for one in price_findings(
                np.array(values, dtype=object)[open_ones], options.eligible[open_ones], each[open_ones], what=what,
                language=language,
            )
        ]  # fmt: skip
        found[name] = {
            "gaps": [{**one, "gap": one["gap"].as_dict()} for one in told],
            "prices": [one for one in findings if "text" in one],
        }
    return found


def _offered(decisions: Decisions, treatments: Sequence[Treatment]) -> dict[str, NDArray[np.float64]]:
    """What each customer may expect to be offered: discount and incentive, weighed with the chances of the arms."""
    off = np.array([one.discount for one in treatments])
    gift = np.array([one.incentive for one in treatments])
    return {"discount": decisions.propensities @ off, "incentive": decisions.propensities @ gift}


def price_texts(facts: Mapping[str, Any]) -> list[str]:
    """Sentences of all findings on prices of a plan."""
    return [str(one["text"]) for each in (facts.get("fairness") or {}).values() for one in each["prices"]]
