"""Each mail against nothing: does a learner put those first whom the mail changes?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.bench.uplift_data import ARMS
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.bench.uplift_data import MailTrial
    from holdfast.models.uplift.experiment import Experiment

FOLDS = 5
METRICS = ("qini", "qini_normalised", "auuc", "uplift_at_10pct")


def ranked(trial: MailTrial, repeats: int, progress: Progress = SILENT) -> list[Score]:
    """The mean over folds and repeats; `low` and `high` hold the middle 90% of the folds' values."""
    from holdfast.models.uplift.experiment import Experiment

    found: list[Score] = []
    jobs = [(arm, name, outcome) for arm, name in enumerate(ARMS.values()) if arm for outcome in trial.outcomes]
    for done, (arm, name, outcome) in enumerate(jobs):
        progress.step("rank by uplift", done, len(jobs))
        two = trial.only(arm)
        each: dict[tuple[str, str], list[float]] = {}
        for seed in range(1, repeats + 1):
            whole = Experiment.of(two.X, two.arm, two.outcomes[outcome], [0.5, 0.5], seed=seed)
            for model, metric, value in by_fold(whole):
                each.setdefault((model, metric), []).append(value)
        protocol = f"{name}, {outcome}, ranked, {FOLDS}-fold x {repeats}"
        found += [_row(protocol, *key, of, len(two.arm)) for key, of in each.items()]
    progress.step("rank by uplift", len(jobs), len(jobs))
    return found


def by_fold(whole: Experiment) -> list[tuple[str, str, float]]:
    """(learner, metric, value) on each fold that the learner did not see."""
    import numpy as np

    from holdfast.metrics.uplift import uplift_metrics
    from holdfast.models.uplift.experiment import even_parts
    from holdfast.models.uplift.learner import UPLIFT
    from holdfast.models.uplift.regressor import Said

    part = even_parts(whole.arm, FOLDS, whole.seed)
    found = []
    for one in range(FOLDS):
        train, test = whole.take(np.flatnonzero(part != one)), part == one
        said = Said(whole.X[test])
        for name, learner in UPLIFT.items():
            score = train.fitted(learner).effects_from(said)[:, 1]
            metrics = uplift_metrics(score, whole.arm[test], whole.outcome[test], 0.5, shares=(0.1,))
            found += [(name, metric, metrics[metric].value) for metric in METRICS]
    return found


def _row(protocol: str, model: str, metric: str, values: list[float], n: int) -> Score:
    import numpy as np

    low, high = np.quantile(values, [0.05, 0.95])
    return Score("uplift", "hillstrom", protocol, model, metric, float(np.mean(values)), float(low), float(high), n)
