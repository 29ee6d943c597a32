"""From closed slices to published value: choose, correct the level, bound, and say how good it was at earlier cutoffs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Cutoff, Duration, Horizon
from holdfast.core.errors import TooLittleData
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import Slices
from holdfast.core.text import Language, Text
from holdfast.metrics.value import decile_table, gain_curve, top_share, value_metrics
from holdfast.models.clv.boost import Boosting, Trees, fit_trees
from holdfast.models.clv.choose import Rival, choose
from holdfast.models.clv.conformal import SpendIntervals, learn_intervals
from holdfast.models.clv.horizon import stretch
from holdfast.models.clv.level import Level, choose_level, level_doubt, levels
from holdfast.models.clv.orders import fit_orders
from holdfast.models.clv.published import PublishedValue
from holdfast.models.clv.registry import ValueModel, row_weights, spend_of
from holdfast.models.clv.rolling import crossed, fit_all, forward, halves, judgeable, known_at, usable
from holdfast.models.clv.settings import ValueSettings, value_models
from holdfast.models.columns import customer_columns, slice_weights

Floats = NDArray[np.float64]
#: Horizons that spend may be learnt over, in days, beside the one that is asked.
_LEARNABLE = (365, 180, 90, 60, 30)
#: Closed slices that a horizon needs to be learnt over.
_NEED_SLICES = 4
#: Closed slices behind a cutoff that the forecast is judged at.
_NEED_BEHIND = 2
_ONE_CUTOFF = Text(
    "No earlier cutoff can judge the forecast of value: the history is too short. Its order was chosen across customers.",
    "历史太短，没有较早的时刻可以检验价值预测；模型仅在客户之间交叉选择。",
)


@dataclass(frozen=True)
class ValueStudy:
    """What was published and how it would have done earlier; `as_dict` is for the report."""

    published: PublishedValue
    rivals: tuple[Rival, ...]
    judged: tuple[dict[str, Any], ...]
    notes: tuple[Text, ...]

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        """{model, horizon, learnt_horizon, rivals, cutoffs: [{cutoff, model, metrics, deciles, gain_curve, ...}], notes}."""
        p = self.published
        return {
            "model": p.model_id, "horizon": str(p.horizon), "learnt_horizon": str(p.stretch.learnt),
            "stretch": p.stretch.kind, "retained": p.stretch.retained, "level": p.level.as_dict(),
            "margin_rate": p.margin_rate, "discount_rate": p.stretch.discount_rate,
            "rivals": [one.as_dict() for one in self.rivals], "cutoffs": list(self.judged),
            "notes": [one.render(language) for one in self.notes],
        }  # fmt: skip


def learning_horizon(asked: Horizon, cutoffs: Sequence[Cutoff], now: Cutoff, gap: Duration = NO_GAP) -> Horizon | None:
    """The longest horizon, up to the asked one, that enough of these cutoffs have closed by `now`.

    One that leaves an earlier cutoff to judge the forecast at goes first: a longer one that nothing can hold against what
    happened, and whose fading is assumed, is not worth its length. None where too few cutoffs have closed any.

    >>> days = [Cutoff.parse(f"2011-{m:02d}-01") for m in range(3, 10)]
    >>> str(learning_horizon(Horizon.parse("365d"), days, Cutoff.parse("2011-12-01")))
    '90d'
    """
    closed: list[Horizon] = []
    for days in sorted({asked.days, *(float(one) for one in _LEARNABLE if one <= asked.days)}, reverse=True):
        horizon = Horizon.parse(f"{days:.0f}d")
        able = [one for one in cutoffs if one.plus(gap, horizon) <= now]
        if len(able) < _NEED_SLICES:
            continue
        closed.append(horizon)
        if sum(one.plus(gap, horizon) <= able[-1] for one in able) >= _NEED_BEHIND:
            return horizon
    return closed[0] if closed else None


def learn_value(
    long: Slices, cutoff: Cutoff, settings: ValueSettings | None = None, *, short: Slices | None = None,
    gap: Duration = NO_GAP, models: Mapping[str, ValueModel] | None = None, judge: bool = True, seed: int = 1,
    progress: Progress = SILENT,
) -> ValueStudy:  # fmt: skip
    """Learn value as of `cutoff`.

    `long`: features and outcomes over the longest closed horizon (`learning_horizon`); `short`: the same or later
    cutoffs over the churn horizon, from which orders and the newest level are learnt. Slices that have not closed by
    `cutoff` are left alone. `judge=False` skips the earlier cutoffs, for speed.
    """
    settings = settings or ValueSettings()
    train = known_at(long, cutoff, gap, settings.max_train_rows)
    if not len(train):
        raise TooLittleData(
            f"no slice of {long.outcomes.horizon} has closed by {cutoff}: value cannot be learnt",
            remedy="import a longer history, or set a shorter [value] horizon",
        )
    rivals = usable(models or value_models(settings), train)
    said = crossed(rivals, train)
    chosen, compared = choose(
        said, train, half_life_days=settings.half_life_days, replicates_count=settings.replicates, seed=seed
    )
    fits = fit_all(_needed(rivals, chosen), train)
    found, judged = _judge(long, short, cutoff, gap, rivals, chosen, settings, progress) if judge else ([], [])
    kinds = levels(fits[chosen], long, short, cutoff, gap)
    kind = choose_level(found, kinds)
    level = replace(kinds[kind], sd=level_doubt([one[kind] for one in found if kind in one]))
    order, intervals = _bounds(train, said[chosen], level, settings)
    orders = None if short is None else fit_orders(known_at(short, cutoff, gap, settings.max_train_rows))
    published = PublishedValue(
        fits[chosen], order, level, intervals,
        stretch(Horizon.parse(settings.horizon), long, cutoff, gap, settings.discount_rate),
        settings.margin_rate, orders,
    )  # fmt: skip
    notes = published.notes if judged else (*published.notes, _ONE_CUTOFF)
    return ValueStudy(published, tuple(compared), tuple(judged), notes)


def _needed(rivals: Mapping[str, ValueModel], chosen: str) -> dict[str, ValueModel]:
    """The chosen model, with the members that a mean is made of."""
    members = getattr(rivals[chosen], "members", ())
    return {name: model for name, model in rivals.items() if name == chosen or name in members}


def _bounds(train: Slices, said: Floats, level: Level, settings: ValueSettings) -> tuple[Trees, SpendIntervals]:
    """P(order) trees on everybody, and intervals from forecasts of customers by models of the others."""
    half, spend = halves(train), spend_of(train.outcomes)
    p = np.zeros(len(train))
    for one in (0, 1):
        others = half != one
        if others.any() and (~others).any():
            p[~others] = _order(train.take(others), settings).predict(train.features.take(~others))
        elif (~others).any():
            p[~others] = _order(train, settings).predict(train.features.take(~others))
    weight = slice_weights(train.features.key.cutoff, settings.half_life_days)
    return _order(train, settings), learn_intervals(spend, said, np.clip(p, 0.0, 1.0), weight, half, level.sd)


def _order(slices: Slices, settings: ValueSettings) -> Trees:
    came = (slices.outcomes.revenue > 0).astype(np.float64)
    weight = row_weights(slices.features, settings.half_life_days, slices.weights)
    return fit_trees("binary", Boosting(), slices.features, customer_columns(slices.features), came, weight)


def _judge(
    long: Slices, short: Slices | None, cutoff: Cutoff, gap: Duration, rivals: Mapping[str, ValueModel], chosen: str,
    settings: ValueSettings, progress: Progress,
) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:  # fmt: skip
    """At earlier cutoffs: the error of the level under each correction, and what would have been said."""
    at = judgeable(long, cutoff, gap, count=settings.rolling)
    said, fits = forward(_needed(rivals, chosen), long, at, gap, settings.max_train_rows, progress)
    errors: list[dict[str, float]] = []
    judged = []
    for one in at:
        spend, told = spend_of(long.at([one]).outcomes), said[chosen][one]
        known = levels(fits[one][chosen], long, short, one, gap)
        off = float(np.log(max(told.sum(), 1e-9) / max(spend.sum(), 1e-9)))
        kind = choose_level(
            [past for at_then, past in zip(at, errors, strict=False) if _closed(at_then, one, long, gap)], known
        )
        errors.append({name: off + float(np.log(level.factor)) for name, level in known.items()})
        judged.append(_judgement(one, chosen, spend, told * known[kind].factor))
    return errors, judged


def _closed(earlier: Cutoff, cutoff: Cutoff, slices: Slices, gap: Duration) -> bool:
    return earlier.plus(gap, slices.outcomes.horizon) <= cutoff


def _judgement(cutoff: Cutoff, model: str, spend: Floats, said: Floats) -> dict[str, Any]:
    """How one cutoff's forecast turned out, ready for JSON."""
    numbers = {name: (float(v) if np.isfinite(v) else None) for name, v in value_metrics(spend, said).items()}
    held = top_share(spend, said)
    return {
        "cutoff": str(cutoff), "model": model, "customers": len(spend), "said": float(said.sum()),
        "spent": float(spend.sum()), **numbers, "top_tenth_share": held if np.isfinite(held) else None,
        "deciles": decile_table(spend, said), "gain_curve": gain_curve(spend, said) if np.isfinite(held) else [],
    }  # fmt: skip
