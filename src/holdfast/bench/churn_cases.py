"""What the churn bench asks: data, horizon, population and cutoffs of each case, and who competes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core.clock import NO_GAP, Cutoff, Horizon
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from holdfast.core.models import Model
    from holdfast.core.tables import Slices

#: Every family, simplest first; those whose columns a case does not have are left out by the backtest, saying so.
USE = (
    "base_rate", "recency", "own_gap", "rfm_logistic", "btyd", "pareto_nbd", "decision_tree", "logistic", "linear_svm",
    "random_forest", "lightgbm", "mlp", "hazard", "ensemble", "stacked",
)  # fmt: skip
#: Purchase models whose columns are made.
PURCHASE = ("btyd", "pareto_nbd")


@dataclass(frozen=True)
class Case:
    """`first` is the earliest training cutoff, where the shop's default is not meant; `everybody` ever ordered."""

    data: str
    horizon: str
    everybody: bool = False
    first: str = ""
    learns: bool = True  # False: no slice of this horizon closes in time, so only models that need no labels answer
    lesson: bool = False

    @property
    def span(self) -> Horizon:
        return Horizon.parse(self.horizon)

    def protocol(self, text: str) -> str:
        """The protocol with the population, where it is not the usual one."""
        return (
            text.replace(f"churned, {self.horizon}", f"churned, {self.horizon}, all customers")
            if self.everybody
            else text
        )


CASES = (
    Case("online_retail", "30d", lesson=True),
    Case("online_retail", "90d"),
    # the cohort came from January to March: before April most customers had had no time to come back
    Case("cdnow", "90d", first="1997-03-04"),
    Case("cdnow", "90d", everybody=True, first="1997-03-04"),
    Case("cdnow", "273d", everybody=True, learns=False),
    Case("synthetic", "30d"),
)


def slices_for(ledger: Any, case: Case, progress: Progress = SILENT) -> tuple[Slices, tuple[Cutoff, ...]]:
    """Features, what the purchase models say as of each cutoff, and outcomes; and the test cutoffs, oldest first."""
    from holdfast.bench.shops import histories_of, slices_of
    from holdfast.core.tables import Slices
    from holdfast.models.btyd.columns import btyd_columns
    from holdfast.snapshot.settings import BY_ORDER, EVERYBODY

    train, tests = cutoffs_for(case)
    cutoffs = (*train, *tests)
    population = EVERYBODY if case.everybody else BY_ORDER
    slices = slices_of(ledger, case.span, cutoffs, population=population, progress=progress)
    histories = histories_of(ledger, cutoffs)
    learnt = btyd_columns(histories, slices.features.key, case.span, models=PURCHASE)
    return Slices(slices.features.joined(learnt), slices.outcomes), tests


def cutoffs_for(case: Case) -> tuple[tuple[Cutoff, ...], tuple[Cutoff, ...]]:
    """Training and test cutoffs; where nothing can be learnt, the reference cutoff alone."""
    from holdfast.bench.shops import STEP, cutoffs_of, shop_of
    from holdfast.snapshot.folds import training_cutoffs

    shop = shop_of(case.data)
    newest = Cutoff.parse(shop.newest[case.horizon], shop.zone)
    if not case.learns:
        return (), (newest,)
    train, tests = cutoffs_of(case.data, case.span)
    if case.first:
        first = Cutoff.parse(case.first, shop.zone)
        train = training_cutoffs(newest, case.span, NO_GAP, STEP, first, shop.zone)
    return train, tests


def models_of(use: Sequence[str] = USE) -> dict[str, Model]:
    """Everything that competes, by id."""
    from holdfast.models.settings import ModelSettings, configured

    return configured(ModelSettings(use=tuple(use)))
