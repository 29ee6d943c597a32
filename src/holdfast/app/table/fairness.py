"""How the forecast treats groups that it may not look at: scores by protected column."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.app.table.look import groups_of
from holdfast.app.table.study import TableStudy
from holdfast.metrics.bootstrap import interval, replicates
from holdfast.metrics.forecast import forecast_metrics

#: The list whose reach is compared between groups: the riskiest fifth of all rows.
LIST_SHARE = 0.2
LEAST_GROUP = 50
LEAST_CLASS = 10
_SHOWN = ("auc", "log_loss")


def by_protected(study: TableStudy) -> list[dict[str, Any]]:
    """For each group of each protected column: rows, what happened and was said, scores, and the list's reach.

    `listed` is the share of the group among the riskiest fifth, `found` the share of its positives that the list
    holds, `false_alarm` the share of its others that it holds. Scores only where a group has ten rows of each kind.
    """
    rows = np.flatnonzero(study.fold >= 0)
    y, said = study.table.label.happened[rows], study.chosen.said[0, rows]
    line = float(np.quantile(said, 1 - LIST_SHARE))
    found = []
    for column in study.table.protected:
        for name, inside in groups_of(column, rows):
            if inside.sum() >= LEAST_GROUP:
                found.append({"column": column.name, "group": name, **_scored(y[inside], said[inside], line)})
    return found


def _scored(y: Any, said: Any, line: float) -> dict[str, Any]:
    listed = said > line
    facts: dict[str, Any] = {
        "n": len(y), "rate": float(y.mean()), "said": float(said.mean()), "listed": float(listed.mean()),
        "found": float(listed[y].mean()) if y.any() else None,
        "false_alarm": float(listed[~y].mean()) if (~y).any() else None, "metrics": {},
    }  # fmt: skip
    if min(int(y.sum()), int((~y).sum())) < LEAST_CLASS:
        return facts
    points = forecast_metrics(y, said)
    draws = [forecast_metrics(y, said, weights) for weights in replicates(len(y), 200, 1, cells=2_000_000)]
    for metric in _SHOWN:
        low, high = interval(np.concatenate([one[metric] for one in draws]))
        facts["metrics"][metric] = {"value": float(points[metric]), "low": low, "high": high}
    return facts
