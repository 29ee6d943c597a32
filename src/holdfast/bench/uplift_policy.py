"""All arms at once: what is a policy worth, and does it beat giving everybody the best mail?

The models of a fold learn policy and outcomes; the customers outside it are scored doubly robustly. A division into folds
gives every customer one score and one choice by every policy, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from holdfast.bench.uplift_data import ARMS
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from holdfast.bench.uplift_data import MailTrial
    from holdfast.metrics.uplift_value import PolicyValue
    from holdfast.models.uplift.experiment import Experiment

    Choices = dict[str, NDArray[np.int64]]

FOLDS = 5
PROPENSITY = (1 / 3, 1 / 3, 1 / 3)


def values(trial: MailTrial, seeds: int, progress: Progress = SILENT) -> list[Score]:
    """Every policy: uniform arms, the best arm that a learner says (argmax), and the guard."""
    return _table(trial, seeds, FOLDS, every_choice, "value policies", progress)


def guarded(trial: MailTrial, seeds: int, folds: int, progress: Progress = SILENT) -> list[Score]:
    """The guard alone, over many divisions into folds."""
    return [
        one for one in _table(trial, seeds, folds, guard_choice, "guard over seeds", progress) if one.model == "guarded"
    ]


def every_choice(train: Experiment, X: NDArray[np.float64]) -> Choices:
    """Learners and guard."""
    return {**argmax_choices(train, X), **guard_choice(train, X)}


def argmax_choices(train: Experiment, X: NDArray[np.float64]) -> Choices:
    """The arm that each learner expects most from, for each row of X."""
    from holdfast.models.uplift.learner import UPLIFT
    from holdfast.models.uplift.regressor import Said

    said = Said(X)
    return {name: train.fitted(one).effects_from(said).argmax(axis=1) for name, one in UPLIFT.items()}


def guard_choice(train: Experiment, X: NDArray[np.float64]) -> Choices:
    """The arm of the guarded policy; fixed and confirmed inside the training fold."""
    from holdfast.decide.guard import Guard

    fit = Guard().fit(
        train.X, train.arm, train.outcome, PROPENSITY, arms=tuple(ARMS.values()), cost=0.0, seed=train.seed
    )
    return {"guarded": fit.choose(X)}


def _table(
    trial: MailTrial, seeds: int, folds: int, choose: Callable[..., Choices], step: str, progress: Progress
) -> list[Score]:
    from holdfast.models.uplift.experiment import Experiment

    found: list[Score] = []
    for at, (outcome, y) in enumerate(trial.outcomes.items()):
        each: dict[str, list[tuple[PolicyValue, PolicyValue]]] = {}
        moved: list[float] = []
        for seed in range(1, seeds + 1):
            progress.step(step, at * seeds + seed - 1, seeds * len(trial.outcomes))
            whole = Experiment.of(trial.X, trial.arm, y, PROPENSITY, seed=seed)
            for name, pair, share in divided(whole, folds, choose):
                each.setdefault(name, []).append(pair)
                moved += [share] if name == "guarded" else []
        protocol = f"policy value, {outcome}, cross-fitted AIPW, {folds}-fold x {seeds}"
        found += [row for name, pairs in each.items() for row in _rows(protocol, name, pairs, len(y))]
        found.append(_score(protocol, "guarded", "share_deviating", sum(moved) / len(moved), len(y)))
    progress.step(step, seeds * len(trial.outcomes), seeds * len(trial.outcomes))
    return found


def divided(
    whole: Experiment, folds: int, choose: Callable[..., Choices]
) -> Iterator[tuple[str, tuple[PolicyValue, PolicyValue], float]]:
    """(policy, (value, difference to the best uniform arm), share of customers who get another arm) of one division."""
    import numpy as np

    from holdfast.metrics.uplift_value import scores, value_of
    from holdfast.models.uplift.experiment import even_parts, outcomes_said
    from holdfast.models.uplift.learner import OUTCOME
    from holdfast.models.uplift.regressor import Said

    part, n = even_parts(whole.arm, folds, 1000 + whole.seed), len(whole)
    said = np.zeros((n, whole.arms))
    chosen: dict[str, Any] = {}
    for one in range(folds):
        train, test = whole.take(np.flatnonzero(part != one)), part == one
        said[test] = outcomes_said(train, tuple(OUTCOME.values()), Said(whole.X[test]))
        for name, arm in choose(train, whole.X[test]).items():
            chosen.setdefault(name, np.zeros(n, np.int64))[test] = arm
    score = scores(whole.outcome, whole.arm, whole.propensity, said)
    best = int(score.mean(axis=0).argmax())
    uniform = {f"uniform_{name}": np.full(n, arm) for arm, name in enumerate(ARMS.values())}
    for name, arm in {**uniform, **chosen}.items():
        yield name, (value_of(score, arm), value_of(score, arm, best)), float((arm != best).mean())


def _rows(protocol: str, model: str, pairs: list[tuple[PolicyValue, PolicyValue]], n: int) -> list[Score]:
    """The mean over seeds. Its error is that of one seed: all seeds divide the same customers."""
    found = []
    for metric, of in (
        ("policy_value", [one for one, _ in pairs]),
        ("gain_over_best_uniform", [one for _, one in pairs]),
    ):
        value, error = sum(one.value for one in of) / len(of), sum(one.standard_error for one in of) / len(of)
        found.append(_score(protocol, model, metric, value, n, error))
    found.append(_score(protocol, model, "gain_in_standard_errors", value / error if error > 0 else 0.0, n))
    return found


def _score(protocol: str, model: str, metric: str, value: float, n: int, error: float | None = None) -> Score:
    low, high = (None, None) if error is None else (value - 1.96 * error, value + 1.96 * error)
    return Score("uplift", "hillstrom", protocol, model, metric, value, low, high, n)
