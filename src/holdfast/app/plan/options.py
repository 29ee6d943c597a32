"""What each option is worth for each customer of a release: as campaigns measured it, or as it is assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.app.plan.experience import experience
from holdfast.core.decide import Options
from holdfast.core.errors import TooLittleData
from holdfast.core.results import Undetermined
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.plan.contacts import Contacting
    from holdfast.app.plan.experience import Experience
    from holdfast.app.plan.learned import Learned
    from holdfast.app.study import Study
    from holdfast.core.decide import Treatment
    from holdfast.core.tables import FeatureTable
    from holdfast.decide.eligibility import Eligible
    from holdfast.decide.priors import Worth

Floats = NDArray[np.float64]
#: Orders of the shop that a customer's own order value is shrunk with.
_SHRINK = 2.0
MEASURED = Text(
    "Measured: {rows} decisions of {campaigns} campaigns from {first} to {last} say what each treatment did. {guard}",
    "基于实测：{first}至{last}的{campaigns}次活动、{rows}项决定显示了各措施的效果。{guard}",
)
ASSUMED = Text(
    "Assumed, not measured ({why}). Effects are those stated in treatments.toml; the plan tries every treatment on a few "
    "customers by chance, so that the next one can be measured.",
    "以下为假设，并非实测（{why}）。效果取自 treatments.toml；计划会随机对少量客户试用各措施，以便下次实测。",
)
_UNIFORM = Text(
    "Best for everybody, as far as it is confirmed with at most 5% error in all: {arm}. ",
    "在总错误率不超过5%的前提下可确认的对所有人最优：{arm}。",
)
_DEVIATES = Text(
    "Groups that were confirmed to do better with something else get that.", "经证实适合其他措施的群体会得到相应措施。"
)
_KEEPS = Text("No group was confirmed to do better with anything else.", "没有群体被证实更适合其他措施。")


@dataclass(frozen=True)
class Choices:
    """Options with what they rest on. `spread`: customers x arms, the standard deviation of what is not known of a gain.
    The doubt is one for all customers: a mean that was measured, or a prior, is wrong for everybody at once.
    """

    options: Options
    spread: Floats
    basis: Text
    worth: Worth
    learned: Learned | None
    experience: Experience | Undetermined
    means: Floats | None = None


def choices(
    question: Study, now: FeatureTable, customers: pa.Table, treatments: Sequence[Treatment],
    contacting: Contacting | None, language: Language,
) -> Choices:  # fmt: skip
    """Options of the customers of `now`; `customers` is the release's table in the same order."""
    from holdfast.app.plan.claims import WAIT
    from holdfast.decide.eligibility import eligible
    from holdfast.decide.priors import assumed

    worth = worth_of(question, now, customers)
    open_to = {} if contacting is None else contacting.due_within(treatments, WAIT)
    allowed = eligible(treatments, _table(now, customers), open_to, language)
    taught = experience(question, treatments)
    learned, taught = _learned(question, taught, now, treatments)
    if learned is None:
        why = taught.reason if isinstance(taught, Undetermined) else ""
        found = assumed(now.key.customer_id, treatments, worth, allowed)
        doubt = np.abs(found.uplift) * (worth.order_value * worth.margin_rate)[:, None]
        return Choices(found, doubt, _texts(ASSUMED, why=why), worth, None, taught)
    options, spread = _measured(now.key.customer_id, treatments, learned, worth, allowed)
    return Choices(options, spread, _basis(learned, taught), worth, learned, taught, _means(learned, options.arms))


def worth_of(question: Study, now: FeatureTable, customers: pa.Table) -> Worth:
    """P(no order) and the usual value of an order of each customer, shrunk to the shop's."""
    from holdfast.decide.priors import Worth
    from holdfast.decide.settings import CostSettings

    count = np.nan_to_num(now.column("order_count").astype(np.float64))
    own = now.column("basket_value").astype(np.float64)
    known = np.isfinite(own)
    shop = float(np.average(own[known], weights=np.maximum(count[known], 1e-9))) if known.any() else 0.0
    value = (count * np.where(known, own, shop) + _SHRINK * shop) / (count + _SHRINK)
    p = customers["p_churn"].to_numpy(zero_copy_only=False).astype(np.float64)
    return Worth(p, np.asarray(value), question.shop.config.section(CostSettings).margin_rate)


def with_profiles(customers: pa.Table, profiles: pa.Table) -> pa.Table:
    """The release's customers with the columns of their profiles beside them."""
    where = pc.index_in(customers["customer_id"], value_set=profiles["customer_id"].combine_chunks()).combine_chunks()
    for name in profiles.column_names:
        if name not in customers.column_names:
            customers = customers.append_column(name, profiles[name].combine_chunks().take(where))
    return customers


def _table(now: FeatureTable, customers: pa.Table) -> pa.Table:
    """What a rule of eligibility may ask for: columns of the release's customers and their profiles, and the features."""
    columns = {name: customers[name] for name in customers.column_names}
    return pa.table({**{name: pa.array(now.column(name), from_pandas=True) for name in now.names}, **columns})


def _learned(
    question: Study, taught: Experience | Undetermined, now: FeatureTable, treatments: Sequence[Treatment]
) -> tuple[Learned | None, Experience | Undetermined]:
    from holdfast.app.plan.learned import learn

    if isinstance(taught, Undetermined):
        return None, taught
    if not set(taught.arms[1:]) & {one.treatment_id for one in treatments}:
        return None, Undetermined("no treatment of treatments.toml has been tried by a campaign with logged chances")
    try:
        return learn(taught, now, treatments, question.shop.settings.seed), taught
    except TooLittleData as error:
        return None, Undetermined(error.what)


def _measured(
    ids: pa.Array, treatments: Sequence[Treatment], learned: Learned, worth: Worth, allowed: Eligible
) -> tuple[Options, Floats]:
    """Measured arms as measured; an arm that no campaign has tried gains nothing yet and is only explored."""
    from holdfast.decide.priors import spent

    shape = (len(ids), len(treatments))
    gain, cost, uplift, spread = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan), np.zeros(shape)
    uplift[:, 0] = 0.0
    place = {name: i for i, name in enumerate(learned.arms)}
    for arm, one in enumerate(treatments):
        if not one.acts:
            continue
        at = place.get(one.treatment_id)
        uplift[:, arm] = 0.0 if at is None else learned.uplift[:, at]
        cost[:, arm] = spent(worth, one, uplift[:, arm])
        gain[:, arm] = -np.maximum(cost[:, arm], 1e-9) if at is None else learned.gain[:, at]
        spread[:, arm] = 0.0 if at is None else learned.spread[at]
    names = tuple(one.treatment_id for one in treatments)
    return Options(ids, names, gain, cost, allowed.allowed, uplift, True, allowed.why_not, allowed.reasons), spread


def _means(learned: Learned, arms: tuple[str, ...]) -> Floats:
    """The measured mean gain of each arm, confirmed or not; NaN where no campaign has tried it."""
    fit = learned.fit
    known = {learned.arms[place]: mean for place, mean in zip(fit.place.tolist(), fit.standing.value, strict=True)}
    return np.array([0.0 if at == 0 else known.get(arm, np.nan) for at, arm in enumerate(arms)], np.float64)


def _basis(learned: Learned, taught: Any) -> Text:
    arm = learned.arms[learned.fit.best_uniform]
    ends = _DEVIATES if learned.fit.deviates else _KEEPS
    guard = Text(_UNIFORM.en.format(arm=arm) + ends.en, _UNIFORM.zh.format(arm=arm) + ends.zh)
    values = {
        "rows": f"{len(taught):,}",
        "campaigns": len(taught.campaigns),
        "first": taught.first,
        "last": taught.last,
    }
    return Text(MEASURED.en.format(**values, guard=guard.en), MEASURED.zh.format(**values, guard=guard.zh))


def _texts(text: Text, **values: object) -> Text:
    return Text(text.en.format(**values), text.zh.format(**values))


def matched(now: FeatureTable, customers: pa.Table) -> pa.Table:
    """The release's rows in the order of the features."""
    where = pc.index_in(now.key.customer_id, value_set=customers["customer_id"].combine_chunks())
    return customers.take(where)
