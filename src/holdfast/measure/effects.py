"""What an arm changed, against doing nothing: effects, money, guardrails; or why that cannot be said.

Everything is by intention to treat: a customer counts in the arm that was drawn, whatever then arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.money import MONEY_SCALE
from holdfast.core.results import Effect, Undetermined
from holdfast.core.text import Language
from holdfast.core.trials import Trial
from holdfast.measure.always_valid import bounded, cap_of, caution, refusal, winsorised
from holdfast.measure.arms import ArmMean, comparable, effective_customers, means_of
from holdfast.measure.guardrails import guardrails
from holdfast.measure.settings import BY_DEFAULT, MeasureSettings
from holdfast.measure.words import ESTIMANDS, NO_CHANCES, NO_COST, NO_ORDERS, NO_OVERLAP, PROFIT, ROI
from holdfast.metrics.power import detectable_difference, detectable_mean

Floats = NDArray[np.float64]
Found = Effect | Undetermined
#: What is measured of each arm, in the order in which it is told.
EFFECTS = ("retention", "orders", "revenue", "margin", "revenue_per_order")
_OUTCOME = {"retention": "ordered", "orders": "orders", "revenue": "revenue", "margin": "margin"}


@dataclass(frozen=True)
class Comparison:
    """One arm against another over closed follow-ups; where chances differ, of those who drew the arm (`arms.means_of`).

    `effects` per customer by EFFECTS, spend capped at `cap` (currency); `raw`: revenue and margin uncapped. `relative`:
    the same over the control's mean. `totals`: over the `n_treated` customers of the arm (orders, revenue, margin),
    `cost` what they cost, `roi` (margin less cost) over cost. `seen`: the smallest effect that this many customers show
    four times in five (the outcome's own unit).
    """

    arm: str
    control: str
    n_treated: int
    n_control: int
    effects: Mapping[str, Found]
    raw: Mapping[str, Found]
    relative: Mapping[str, Found]
    totals: Mapping[str, Found]
    cost: float
    roi: Found
    profit: Found
    guardrails: Sequence[Mapping[str, Any]]
    seen: Mapping[str, float | Undetermined]
    cap: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON: an `Undetermined` is {"undetermined": reason}."""
        parts = {
            name: {key: _plain(one) for key, one in getattr(self, name).items()}
            for name in ("effects", "raw", "relative", "totals", "seen")
        }
        return {
            "arm": self.arm, "control": self.control, "n_treated": self.n_treated, "n_control": self.n_control, **parts,
            "cost": self.cost, "roi": _plain(self.roi), "profit": _plain(self.profit),
            "guardrails": [dict(one) for one in self.guardrails],
            "cap": self.cap if np.isfinite(self.cap) else None,
        }  # fmt: skip


def compare(
    trial: Trial, arm: str, control: str = "nothing", *, assigned: Trial | None = None,
    settings: MeasureSettings = BY_DEFAULT, language: Language = "en",
) -> Comparison:  # fmt: skip
    """One arm against another. `trial`: closed rows; `assigned`: all rows, to which the confidence sequence is tuned.

    Raises `ValueError` (from `index`) where the trial knows no such arm.
    """
    a, c = trial.arms.index(arm), trial.arms.index(control)
    n, m = int((trial.arm == a).sum()), int((trial.arm == c).sum())
    rows = comparable(trial, a, c)
    cap = cap_of(trial.covariate("revenue"), settings.winsorise)
    everyone = trial if assigned is None else assigned
    planned = max(int(np.isin(everyone.arm, (a, c)).sum()), 1)
    why = _why(trial, rows, a, c, settings, language)
    cost = float(trial.cost[trial.arm == a].sum()) / MONEY_SCALE
    if why is not None:
        silent = dict.fromkeys(EFFECTS, why)
        none = dict.fromkeys(("orders", "revenue", "margin"), why)
        return Comparison(
            arm, control, n, m, silent, {}, {}, none, cost, why, why, guardrails(rows, a, c, planned, settings, language),
            _seen(trial, settings), cap,
        )  # fmt: skip
    return _measured(rows, a, c, cap, planned, cost, n, m, settings, language, _seen(trial, settings))


def _measured(
    rows: Trial, a: int, c: int, cap: float, planned: int, cost: float, n: int, m: int, settings: MeasureSettings,
    language: Language, seen: Mapping[str, float | Undetermined],
) -> Comparison:  # fmt: skip
    pair = _Pair(rows, a, c, cap, planned, settings, language)
    effects: dict[str, Found] = {name: pair.effect(name) for name in _OUTCOME}
    effects["revenue_per_order"] = pair.per_order()
    raw = {name: pair.effect(name, capped=False) for name in ("revenue", "margin")}
    relative = {name: pair.relative(name) for name in _OUTCOME}
    totals = {name: pair.total(name, n) for name in ("orders", "revenue", "margin")}
    return Comparison(
        rows.arms[a], rows.arms[c], n, m, effects, raw, relative, totals, cost, pair.roi(n, cost), pair.profit(n, cost),
        guardrails(rows, a, c, planned, settings, language), seen, cap,
    )  # fmt: skip


@dataclass(frozen=True)
class _Pair:
    """Two arms of one trial, ready to be subtracted."""

    rows: Trial
    a: int
    c: int
    cap: float
    planned: int
    settings: MeasureSettings
    language: Language

    def values(self, name: str, capped: bool = True) -> Floats:
        found = self.rows.outcome(_OUTCOME[name])
        return winsorised(found, self.cap) if capped and name in ("revenue", "margin") else found

    def means(self, name: str, capped: bool = True) -> tuple[ArmMean, ArmMean]:
        values = self.values(name, capped)
        return means_of(self.rows, self.a, self.c, values)

    def bound(self, found: ArmMean, name: str, estimand: str = "", unit: str = "currency") -> Effect:
        """With its interval; `name`: the outcome whose rare conversions call for caution."""
        rows, (a, c) = self.rows, (self.rows.arm == one for one in (self.a, self.c))
        careful = caution(self.values(name), rows.after["ordered"] > 0, a, c)
        return bounded(
            found.mean, found.se(rows.who) * float(np.sqrt(careful)), int(a.sum() + c.sum()), int(c.sum()),
            planned=self.planned, estimand=estimand or ESTIMANDS[name].render(self.language), method=found.method,
            unit=unit, arm=rows.arms[self.a], control=rows.arms[self.c], level=self.settings.level,
        )  # fmt: skip

    def gain(self, name: str, factor: float = 1.0, less: float = 0.0, capped: bool = True) -> ArmMean:
        """factor x (arm less control) - less."""
        top, low = self.means(name, capped)
        found = top.minus(low).times(factor)
        return ArmMean(found.mean - less, found.influence, found.n, found.method)

    def effect(self, name: str, capped: bool = True) -> Effect:
        return self.bound(self.gain(name, capped=capped), name, unit=_unit(name))

    def relative(self, name: str) -> Found:
        top, low = self.means(name)
        if low.mean == 0:
            return Undetermined(NO_ORDERS.render(self.language))
        ratio = top.over(low)
        return self.bound(ArmMean(ratio.mean - 1, ratio.influence, ratio.n, ratio.method), name, unit="share")

    def per_order(self) -> Found:
        """Revenue per order, arm by arm; the ratio of two means, so customers are drawn and orders are not."""
        (paid, paid_c), (orders, orders_c) = self.means("revenue"), self.means("orders")
        if not orders.mean > 0 or not orders_c.mean > 0:
            return Undetermined(NO_ORDERS.render(self.language))
        found = paid.over(orders).minus(paid_c.over(orders_c))
        return self.bound(found, "revenue", ESTIMANDS["revenue_per_order"].render(self.language))

    def total(self, name: str, n: int) -> Effect:
        return self.bound(self.gain(name, n), name, unit=_unit(name))

    def profit(self, n: int, cost: float) -> Effect:
        """Margin gained less cost, over all customers of the arm."""
        return self.bound(self.gain("margin", n, cost), "margin", PROFIT.render(self.language))

    def roi(self, n: int, cost: float) -> Found:
        """(Margin gained - cost) / cost; the cost is known, so the interval only scales."""
        if not cost > 0:
            return Undetermined(NO_COST.render(self.language))
        return self.bound(self.gain("margin", n / cost, 1.0), "margin", ROI.render(self.language), "ratio")


def _why(
    trial: Trial, rows: Trial, a: int, c: int, settings: MeasureSettings, language: Language
) -> Undetermined | None:
    if np.isnan(trial.propensities).any():
        return Undetermined(NO_CHANCES.render(language))
    if len(trial) and not len(rows):
        return Undetermined(NO_OVERLAP.render(language))
    n, m = (int(one) for one in effective_customers(rows, a, c))
    ordered = rows.after["ordered"] > 0
    conversions = tuple(_customers(rows, ordered & (rows.arm == one)) for one in (a, c))
    return refusal(n, m, (conversions[0], conversions[1]), settings, language)


def _customers(rows: Trial, mine: NDArray[np.bool_]) -> int:
    """Different customers among some rows."""
    return len(np.unique(rows.who[mine]))


def _seen(trial: Trial, settings: MeasureSettings) -> dict[str, float | Undetermined]:
    """What so many customers can show, from what customers did before: known before any outcome is."""
    n = len(trial)
    if n < 4:
        return {}
    share = float((trial.arm == 0).mean())
    share = min(max(share, 1 / n), 1 - 1 / n)
    before = trial.covariate("revenue")
    active = float((trial.covariate("orders") > 0).mean())
    alpha = 1 - settings.level
    return {
        "retention": detectable_difference(active, n - round(n * share), round(n * share), alpha=alpha),
        "revenue": detectable_mean(float(before.std(ddof=1)), n, control_share=share, alpha=alpha, looks=True),
    }


def _unit(name: str) -> str:
    return {"retention": "share", "orders": "orders"}.get(name, "currency")


def _plain(found: Any) -> Any:
    if isinstance(found, (Effect, Undetermined)):
        return found.as_dict()
    return found
