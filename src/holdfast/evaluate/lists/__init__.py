"""The one evaluator of lists: every task, every lane, the same definitions (those of `metrics/toplists.py`).

- `judge(lists, later, past)` -> `Judged`: one value a customer, for each metric and slice
- `compare(one, other, metric)` -> (gain, low, high), paired by customer
- `ListWindow(past, later, on_sale)`: what was known, what came, what may be shown; by date from `snapshot`, by place from
  `leave_one_out(past)` and `last_basket(past)`
- `walk_forward(recommenders, windows, Protocol(...))`: fitted before each window, baselines beside them, all judged
- `rows(judged, protocol, ...)`, `scores(...)`, `gains(...)`: what benches print
"""

from __future__ import annotations

from holdfast.evaluate.lists.compare import compare, gains, pooled, scores
from holdfast.evaluate.lists.forward import Protocol, baselines, rows, walk_forward
from holdfast.evaluate.lists.judge import Judged, judge
from holdfast.evaluate.lists.windows import ListWindow, last_basket, leave_one_out

__all__ = [
    "Judged", "ListWindow", "Protocol", "baselines", "compare", "gains", "judge", "last_basket", "leave_one_out",
    "pooled", "rows", "scores", "walk_forward",
]  # fmt: skip
