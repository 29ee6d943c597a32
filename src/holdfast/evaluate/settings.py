"""Section `[evaluate]`: how hard the backtest looks."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class EvaluateSettings:
    """Section `[evaluate]`."""

    rolling: int = setting(10, "Earlier cutoffs at which models predict forward, to choose and calibrate by.")
    need_rolling: int = setting(6, "Calibrate only where so many earlier cutoffs agree that it helps.")
    train_slices: int = setting(2, "Training slices a cutoff needs behind it to be judged.")
    folds: int = setting(2, "Parts of the customers; a calibrator sees predictions for parts a model has not seen.")
    max_train_rows: int = setting(
        30_000, "Slices are thinned, then customers sampled, down to about so many rows for each fit."
    )
    replicates: int = setting(400, "Bootstrap replicates behind each interval.")
    level: float = setting(0.95, "Level of the intervals of metrics.")
    threshold: float = setting(0.5, "p_churn from which a customer is called a churner (accuracy, F1 and so on).")
    refits: int = setting(20, "Refits on resampled customers and slices behind the interval of p_churn.")
    ensemble_refits: int = setting(6, "The same for an ensemble, whose refits cost as much as all its members'.")
    tune_budget: int = setting(
        0, "Changes of hyper-parameters to try on earlier cutoffs, over all models; each costs a few fits."
    )
    calibrations: tuple[str, ...] = setting(
        ("none", "shrunken_intercept", "platt"), "Corrections that compete; also known: beta, isotonic, seasonal."
    )


SECTIONS.add("evaluate", EvaluateSettings)
