"""LambdaRank over candidates (Burges 2010): trees that put the items a customer went on to buy at the top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates of many customers: (rows x features), whether each was bought, whose (a query; rising), its fold."""

    values: NDArray[np.float32]
    bought: NDArray[np.bool_]
    query: Ints
    fold: Ints  # of each query
    newest: NDArray[np.bool_]  # of each query: whether it belongs to the newest lesson

    @classmethod
    def joined(cls, parts: list[Examples]) -> Examples:
        starts = np.concatenate([[0], np.cumsum([len(one.fold) for one in parts])])
        query = [one.query + start for one, start in zip(parts, starts[:-1], strict=True)]
        values = [np.concatenate([getattr(one, n) for one in parts]) for n in ("values", "bought", "fold", "newest")]
        return cls(values[0], values[1], np.concatenate(query), values[2], values[3])

    def of(self, kept: NDArray[np.bool_]) -> Examples:
        """Some queries."""
        rows, place = kept[self.query], np.cumsum(kept) - 1
        return Examples(
            self.values[rows], self.bought[rows], place[self.query[rows]], self.fold[kept], self.newest[kept]
        )

    def telling(self) -> Examples:
        """Only queries with a bought candidate: the others teach no order."""
        hits = np.bincount(self.query[self.bought], minlength=len(self.fold))
        return self.of(hits > 0)


@dataclass(frozen=True)
class Trees:
    """Settings of the trees. `threads` is fixed: sums over threads differ in the last digit."""

    leaves: int = 15
    rate: float = 0.1
    least: int = 100
    columns: float = 0.5
    l2: float = 10.0
    most: int = 200
    patience: int = 20
    depth: int = 30
    threads: int = 2

    def parameters(self, seed: int) -> dict[str, Any]:
        return {
            "objective": "lambdarank", "metric": "ndcg", "eval_at": [10], "num_leaves": self.leaves, "verbosity": -1,
            "learning_rate": self.rate, "min_data_in_leaf": self.least, "feature_fraction": self.columns,
            "lambda_l2": self.l2, "lambdarank_truncation_level": self.depth, "seed": seed, "deterministic": True,
            "force_row_wise": True, "num_threads": self.threads, "max_bin": 63, "bagging_fraction": 0.8, "bagging_freq": 1,
        }  # fmt: skip


def train(examples: Examples, trees: Trees, names: list[str], seed: int = 1) -> tuple[str, int, float]:
    """(model text, rounds, nDCG at 10 of held-out customers), or ("", 0, 0) where there is nothing to learn from.

    For each fold the trees learn from customers outside it, over all lessons, and stop by the newest lesson of those
    inside. The final model learns from everybody, for as many rounds as the folds needed in the mean.
    """
    examples = examples.telling()
    if len(examples.fold) < 20:
        return "", 0, 0.0
    needed, reached = [], []
    for fold in np.unique(examples.fold):
        held = examples.of((examples.fold == fold) & examples.newest)
        rest = examples.of(examples.fold != fold)
        if len(held.fold) and len(rest.fold):
            stopped = _stopped(rest, held, trees, names, seed)
            needed.append(max(stopped.best_iteration, 1))
            reached.append(float(stopped.best_score["valid_0"]["ndcg@10"]))
    if not needed:
        return "", 0, 0.0
    rounds = max(round(float(np.mean(needed))), 1)
    return str(_boosted(examples, trees, names, seed, rounds).model_to_string()), rounds, float(np.mean(reached))


def _stopped(rest: Examples, held: Examples, trees: Trees, names: list[str], seed: int) -> Any:
    import lightgbm

    lessons = _data(rest, trees, names, seed)
    judge = lightgbm.Dataset(held.values, held.bought, group=np.bincount(held.query), reference=lessons)
    stop = lightgbm.early_stopping(trees.patience, verbose=False)
    return lightgbm.train(trees.parameters(seed), lessons, trees.most, valid_sets=[judge], callbacks=[stop])


def _boosted(examples: Examples, trees: Trees, names: list[str], seed: int, rounds: int) -> Any:
    import lightgbm

    return lightgbm.train(trees.parameters(seed), _data(examples, trees, names, seed), rounds)


def _data(examples: Examples, trees: Trees, names: list[str], seed: int) -> Any:
    import lightgbm

    return lightgbm.Dataset(
        examples.values, examples.bought.astype(np.float32), group=np.bincount(examples.query), feature_name=names,
        params=trees.parameters(seed),
    )  # fmt: skip
