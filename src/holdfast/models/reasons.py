"""Why: the strongest contributions of each row as sentences with the customer's own numbers.

Columns of one family say one thing in several ways, so their contributions are added and the family speaks once:
three reasons are three different things. A family speaks through a column that leans (`FeatureColumn.leans`) and only
where this customer's value, beside the typical one, points the way the family pulls: what is told is true twice, as a
contribution of the model and as a fact that persuades.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import Fitted
from holdfast.core.tables import FeatureColumn, FeatureTable
from holdfast.core.text import Language

Floats = NDArray[np.float64]
Sentence = Callable[[int], str | None]


def typical_values(features: FeatureTable) -> dict[str, float]:
    """The median of every column that leans: what a customer is compared with."""
    leaning = [one.name for one in features.columns if one.leans]
    found = {}
    for name in leaning:
        known = features.column(name)[np.isfinite(features.column(name))]
        if len(known):
            found[name] = float(np.median(known))
    return found


def reasons(
    fitted: Fitted,
    features: FeatureTable,
    top: int = 3,
    language: Language = "en",
    *,
    typical: Mapping[str, float] | None = None,
    currency: str = "",
) -> list[list[dict[str, Any]]]:
    """For each row at most `top` of {feature, value, contribution, text}, strongest first.

    A customer more likely to leave than to stay gets what raises p_churn, any other what lowers it. `contribution` is
    the family's sum in log-odds of churn, positive = towards churn. `typical` defaults to the medians of this table;
    give those of the training rows to explain a single customer.
    """
    if not fitted.columns:
        return [[] for _ in range(len(features))]
    used = features.select(fitted.columns)
    base, parts = fitted.contributions(features)
    leaning = np.where(parts.sum(axis=1) + base >= 0, 1.0, -1.0)
    names = sorted({column.family for column in used.columns})
    member = np.array([[column.family == name for column in used.columns] for name in names])
    total = parts @ member.T
    told = [_told(column, features, language, currency) for column in used.columns]
    beside = _beside(used, typical_values(features) if typical is None else typical)
    compares = np.array([column.sentence.en.count("{") > ("{value}" in column.sentence.en) for column in used.columns])
    return [_row(i, leaning[i], parts, total, member, beside, compares, used, told, top) for i in range(len(features))]


def _beside(used: FeatureTable, typical: Mapping[str, float]) -> Floats:
    """Which way each value points: above or below the typical one, times the column's lean; 0 where neither."""
    leans = np.array([one.leans if one.name in typical else 0 for one in used.columns], np.float64)
    middle = np.array([typical.get(one.name, 0.0) for one in used.columns])
    return np.asarray(np.nan_to_num(np.sign(used.values.astype(np.float64) - middle)) * leans)


def _row(
    i: int,
    lean: float,
    parts: Floats,
    total: Floats,
    member: NDArray[np.bool_],
    beside: Floats,
    compares: NDArray[np.bool_],
    used: FeatureTable,
    told: list[Sentence],
    top: int,
) -> list[dict[str, Any]]:
    points = beside[i] * lean > 0
    if not any(points[member[family]].any() for family in np.flatnonzero(lean * total[i] > 1e-9)):
        points, top = beside[i] != 0, 1  # nothing stands out: say the one thing that matters most, as it is
    found: list[dict[str, Any]] = []
    for family in np.argsort(-lean * total[i], kind="stable"):
        if len(found) == top or lean * total[i, family] <= 1e-9:
            break
        able = np.flatnonzero(member[family] & points)
        for column in sorted(able, key=lambda c: (not compares[c], -lean * parts[i, c])):
            text = told[column](i)
            if text is not None:
                value, pull = float(used.values[i, column]), float(total[i, family])
                found.append({"feature": used.names[column], "value": value, "contribution": pull, "text": text})
                break
    return found


def _told(column: FeatureColumn, features: FeatureTable, language: Language, currency: str) -> Sentence:
    """A function row -> sentence, or None where a number that the sentence needs is missing."""
    sentence = column.sentence.render(language)
    others = [name for name in features.names if "{" + name + "}" in sentence]
    wanted = {"value": column} | {c.name: c for c in features.columns if c.name in others}

    def tell(i: int) -> str | None:
        numbers = {key: float(features.column(one.name)[i]) for key, one in wanted.items()}
        if not all(np.isfinite(number) for number in numbers.values()):
            return None
        said = {key: number_text(numbers[key], one.unit, currency) for key, one in wanted.items()}
        return singular(sentence.format(**said)) if language == "en" else sentence.format(**said)

    return tell


def singular(sentence: str) -> str:
    """One of a thing has no plural s.

    >>> singular("ordered on 1 days, 11 days ago, 1 categories, 1 different items")
    'ordered on 1 day, 11 days ago, 1 category, 1 different item'
    """
    sentence = re.sub(r"(?<![\d.,])(1 (?:[a-z]+ )?[a-z]+)ies\b", r"\1y", sentence)
    return re.sub(r"(?<![\d.,])(1 (?:different |failed |order |cart |more )?[a-z]+)s\b", r"\1", sentence)


def number_text(value: float, unit: str = "", currency: str = "") -> str:
    """A number as people write it: whole where it is large or counts, shares as per cent, money with its currency.

    >>> number_text(74.0, "days"), number_text(0.256, "share"), number_text(1234.5, "currency", "GBP"), number_text(1.5)
    ('74', '26%', 'GBP 1,234', '1.5')
    """
    if unit == "share":
        return f"{value:.0%}"
    if unit.startswith("currency") and currency:
        return f"{currency} {number_text(value)}"
    if abs(value) >= 20 or (unit == "days" and abs(value) >= 2) or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"
