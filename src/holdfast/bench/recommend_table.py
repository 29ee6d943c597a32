"""Lists beside each other as rows of a bench: each with its interval, then the paired gains that the bench is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.results import Score
from holdfast.evaluate.lists.compare import gains, scores
from holdfast.evaluate.lists.judge import Judged

METRICS = ("recall_at_10", "recall_at_20", "ndcg_at_10", "hit_at_10")


def table(
    judged: Mapping[str, Judged], pairs: Sequence[tuple[str, str]], *, data: str, protocol: str,
    metrics: Sequence[str] = METRICS,
) -> list[Score]:  # fmt: skip
    """Means over customers and (model, over) gains, with 95% intervals by resampling customers; nDCG is cut at k."""
    how: dict[str, Any] = {"bench": "recommend", "data": data, "protocol": protocol}
    found = [row for one in judged.values() for row in scores(one, metrics=metrics, slices=("all",), **how)]
    for model, over in pairs:
        found += gains({model: judged[model]}, {over: judged[over]}, metrics=metrics, **how)
    return found
