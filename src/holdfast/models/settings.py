"""Section `[models]`: which models compete and how they are held down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core.settings import SECTIONS, setting

if TYPE_CHECKING:
    from holdfast.core.models import Model


@dataclass(frozen=True)
class ModelSettings:
    """Section `[models]`. The order of `use` is the order of simplicity."""

    use: tuple[str, ...] = setting(
        ("base_rate", "recency", "own_gap", "rfm_logistic", "btyd", "logistic", "lightgbm", "ensemble"),
        "Models that compete, simplest first: a later one must beat the earlier one for certain.",
    )
    members: tuple[str, ...] = setting(
        ("rfm_logistic", "btyd", "logistic", "lightgbm", "mlp"),
        "Which of the models in `use` an ensemble averages; those not in `use` are passed over.",
    )
    logistic_l2: float = setting(100.0, "Penalty of the logistic regression over all features.")
    lightgbm_rounds: int = setting(150, "Trees of the LightGBM model.")
    lightgbm_leaves: int = setting(4, "Leaves of one tree.")
    threads: int = setting(1, "Threads of LightGBM; another number may give another last digit.")


SECTIONS.add("models", ModelSettings)


def configured(settings: ModelSettings, seed: int = 1) -> dict[str, Model]:
    """The models to compare, by id, simplest first.

    >>> list(configured(ModelSettings(use=("base_rate", "recency"))))
    ['base_rate', 'recency']
    """
    from holdfast.core.models import MODELS
    from holdfast.models.ensemble import Ensemble

    own: dict[str, dict[str, Any]] = {
        "logistic": {"l2": settings.logistic_l2},
        "lightgbm": {
            "rounds": settings.lightgbm_rounds, "leaves": settings.lightgbm_leaves,
            "threads": settings.threads, "seed": seed,
        },
    }  # fmt: skip
    single = [name for name in settings.use if not issubclass(MODELS[name], Ensemble)]
    made: dict[str, Model] = {name: MODELS[name](**own.get(name, {})) for name in single}
    members = tuple((name, made[name]) for name in single if name in settings.members)
    return {name: made[name] if name in made else _mixed(MODELS[name], members) for name in settings.use}


def _mixed(kind: Any, members: tuple[tuple[str, Model], ...]) -> Model:
    found: Model = kind(members=members)
    return found
