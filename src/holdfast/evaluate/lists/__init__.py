"""The one evaluator of lists: every task, every lane, the same definitions (those of `metrics/toplists.py`).

- `judge(lists, later, past)` -> `Judged`: one value a customer, for each metric and slice
- `compare(one, other, metric)` -> (gain, low, high), paired by customer
- `scores(judged, data=..., protocol=...)`, `gains(...)`: rows for benches and `backtest.json`
- `Window`: what was known, what came, what may be shown; `walk_forward`, `last_basket`, `leave_one_out` make and judge them
"""

from __future__ import annotations

from holdfast.evaluate.lists.compare import compare, gains, pooled, scores
from holdfast.evaluate.lists.judge import Judged, judge

__all__ = ["Judged", "compare", "gains", "judge", "pooled", "scores"]
