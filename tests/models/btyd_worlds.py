"""Purchase worlds whose truth is known, for the tests of models/btyd."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff
from holdfast.core.tables import FeatureColumn, FeatureTable, Key
from holdfast.core.text import Text
from holdfast.models.btyd.fit import PurchaseFit
from holdfast.models.btyd.purchase import PURCHASE_MODELS, PurchaseModel
from holdfast.models.btyd.summary import PurchaseSummary

#: Natural parameters of one world for each model, in weeks (opportunities for bg_bb).
TRUTH: dict[str, tuple[float, ...]] = {
    "nbd": (0.8, 6.0),
    "bg_nbd": (0.6, 5.0, 0.8, 2.4),
    "mbg_nbd": (0.9, 5.0, 0.7, 1.9),
    "pareto_nbd": (0.8, 5.0, 0.7, 10.0),
    "cnbd_k": (1.2, 6.0),
    "bg_cnbd_k": (0.9, 4.0, 0.8, 2.4),
    "mbg_cnbd_k": (1.1, 4.0, 0.7, 1.9),
    "bg_bb": (1.2, 0.75, 0.66, 2.8),
}
TIMED = [name for name in TRUTH if name != "bg_bb"]


def model_of(name: str) -> PurchaseModel:
    """The model whose truth is above: k = 3 where there is a k."""
    kind: Any = PURCHASE_MODELS[name]
    return kind(k=3) if name.endswith("cnbd_k") else kind()


def truth(name: str) -> PurchaseFit:
    """The true process, in the form of a fit."""
    p = np.log(np.array(TRUTH[name]))
    unit = 30.0 if name == "bg_bb" else 7.0
    return PurchaseFit(model_of(name), p, np.full((len(p), len(p)), np.nan), 0.0, 0, 0, unit)


def ages(customers: int, low: int = 200, high: int = 400, seed: int = 1) -> np.ndarray:
    """Days since the first order, of so many customers."""
    return np.random.default_rng(seed).integers(low, high, customers).astype(np.float64)


def simulated(name: str, customers: int, seed: int = 1) -> PurchaseSummary:
    """A summary of customers drawn from the true process, in its unit."""
    process = truth(name)
    if name == "bg_bb":
        T = np.random.default_rng(seed).integers(6, 13, customers).astype(np.float64)
        who, when = process.simulate(T * process.unit_days, seed=seed)
        tick = np.round(when / process.unit_days)
        x, t_x = np.bincount(who, minlength=customers).astype(np.float64), np.zeros(customers)
        np.maximum.at(t_x, who, tick)
        return PurchaseSummary.of(x, t_x, T, unit_days=process.unit_days, opportunities=True)
    T = ages(customers, seed=seed)
    who, when = process.simulate(T, seed=seed)
    return PurchaseSummary.from_times(who, when / process.unit_days, T / process.unit_days, unit_days=process.unit_days)


def histories(ids: list[str], days: list[list[int]], cutoff: date) -> FeatureTable:
    """frequency, t_x, T and monetary_value at a cutoff (UTC midnight), of customers with these order days since 2024."""
    start = date(2024, 1, 1)
    rows = []
    for own in days:
        seen = sorted({day for day in own if start + timedelta(days=day) < cutoff})
        age = (cutoff - start).days
        rows.append([len(seen) - 1, seen[-1] - seen[0], age - seen[0], 10.0 + len(seen)] if seen else [np.nan] * 4)
    names = ("frequency", "t_x", "T", "monetary_value")
    columns = tuple(FeatureColumn(n, "days", "", "no order yet", "cadence", Text("{value}", "{value}")) for n in names)
    return FeatureTable(Key.of(ids, Cutoff.midnight(cutoff, "UTC")), columns, np.array(rows, np.float32))


def stacked(tables: list[FeatureTable]) -> FeatureTable:
    """Tables of several cutoffs as one."""
    key = Key(pa.concat_arrays([t.key.customer_id for t in tables]), np.concatenate([t.key.cutoff for t in tables]))
    return FeatureTable(key, tables[0].columns, np.vstack([t.values for t in tables]))
