"""Section `[value]`: how far ahead value is counted, at which margin, and which models compete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.settings import SECTIONS, setting

if TYPE_CHECKING:
    from holdfast.models.clv.registry import ValueModel


@dataclass(frozen=True)
class ValueSettings:
    """Section `[value]`. Rate and margin are assumptions of the shop's, printed beside every `clv`."""

    horizon: str = setting("365d", "How far ahead customer value (clv) is counted.")
    discount_rate: float = setting(0.10, "Yearly rate at which later money counts less.")
    margin_rate: float = setting(0.30, "Margin as a share of revenue: assumed until the shop says otherwise.")
    use: tuple[str, ...] = setting(
        ("carry_forward", "btyd_gamma_gamma", "two_part_lognormal", "two_part_gamma", "tweedie", "ziln", "value_mean"),
        "Value models that compete, simplest first; those whose columns are missing stay out.",
    )
    rolling: int = setting(4, "Earlier cutoffs at which value is forecast, to judge it and to correct its level.")
    max_train_rows: int = setting(20_000, "Customers are sampled down to about so many rows for each fit.")
    half_life_days: float = setting(90.0, "Days after which a closed slice counts half in intervals and choice.")
    replicates: int = setting(300, "Bootstrap replicates behind each interval of a score.")


SECTIONS.add("value", ValueSettings)


def value_models(settings: ValueSettings) -> dict[str, ValueModel]:
    """The models to compare, by id, simplest first.

    >>> list(value_models(ValueSettings(use=("carry_forward", "tweedie"))))
    ['carry_forward', 'tweedie']
    """
    from holdfast.models.clv.registry import VALUE_MODELS

    return {name: VALUE_MODELS[name]() for name in settings.use}
