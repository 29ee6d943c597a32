"""Why: the strongest contributions of each row as sentences with the customer's own numbers.

Columns of one family say one thing in several ways, so their contributions are added and the family speaks once:
three reasons are three different things.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import Fitted
from holdfast.core.tables import FeatureColumn, FeatureTable
from holdfast.core.text import Language

Floats = NDArray[np.float64]
#: Under so many rows nothing can be read from how columns move together.
_FEW = 50


def reasons(
    fitted: Fitted, features: FeatureTable, top: int = 3, language: Language = "en"
) -> list[list[dict[str, Any]]]:
    """For each row at most `top` of {feature, value, contribution, text}, strongest first.

    Reasons point the way the customer leans: a customer above the average gets what raises p_churn, one below what
    lowers it. `contribution` is the family's sum in log-odds of churn, positive = towards churn. A family is told
    by the feature that speaks loudest for it (`_voices`) and has a value.
    """
    if not fitted.columns:
        return [[] for _ in range(len(features))]
    used = features.select(fitted.columns)
    _, parts = fitted.contributions(features)
    names = sorted({column.family for column in used.columns})
    member = np.array([[column.family == name for column in used.columns] for name in names])
    total = parts @ member.T
    told = [_told(column, features, language) for column in used.columns]
    voices = _voices(used, parts, total, member)
    return [_row(i, voices, total, member, used, told, top) for i in range(len(features))]


def _voices(used: FeatureTable, parts: Floats, total: Floats, member: NDArray[np.bool_]) -> Floats:
    """How loudly each column speaks for its family's sum, by row; the sign is the way it speaks.

    Within a family columns say nearly the same, and a model may set large coefficients of both signs against each
    other, so a single contribution can point the wrong way. A column speaks for the family as far as it moves with the
    family's sum from customer to customer, and this customer's value is unusual. A sentence that compares two of the
    customer's numbers tells more, so it counts half as much again, and orders and days are plainer than money or units.
    Few rows show no such pattern: there the contributions speak.
    """
    if len(used) < _FEW:
        return parts
    values = used.values.astype(np.float64)
    ranks = (np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0) + 0.5) / len(used) - 0.5
    for column in range(values.shape[1]):  # equal values share the middle of their ranks
        _, where, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        ranks[:, column] = (np.bincount(where, ranks[:, column]) / count)[where]
    ranks = np.where(np.isfinite(values), ranks, 0.0)
    family = total[:, member.argmax(axis=0)]
    family = family - family.mean(axis=0)
    centred = ranks - ranks.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0) * (family**2).sum(axis=0))
    together = np.divide((centred * family).sum(axis=0), spread, out=np.zeros(len(spread)), where=spread > 0)
    compares = np.array([any("{" + n + "}" in c.sentence.en for n in used.names) for c in used.columns])
    plain = np.array([c.unit in ("orders", "days") for c in used.columns])
    return np.asarray(centred * together * np.where(compares, 1.5, np.where(plain, 1.25, 1.0)))


def _row(
    i: int, voices: Floats, total: Floats, member: NDArray[np.bool_], used: FeatureTable, told: list[Any], top: int
) -> list[dict[str, Any]]:
    lean = 1.0 if total[i].sum() >= 0 else -1.0
    found: list[dict[str, Any]] = []
    for family in np.argsort(-lean * total[i], kind="stable"):
        if len(found) == top or lean * total[i, family] <= 1e-9:
            break
        able = member[family] & np.isfinite(used.values[i]) & (lean * voices[i] > 0)
        ranked = [c for c in np.argsort(-lean * voices[i], kind="stable") if able[c]]
        text = next(((c, said) for c in ranked if (said := told[c](i)) is not None), None)
        if text is not None:
            column, sentence = text
            found.append(
                {
                    "feature": used.names[column],
                    "value": float(used.values[i, column]),
                    "contribution": float(total[i, family]),
                    "text": sentence,
                }
            )
    return found


def _told(column: FeatureColumn, features: FeatureTable, language: Language) -> Any:
    """A function row -> sentence, or None where a number that the sentence needs is missing."""
    sentence = column.sentence.render(language)
    others = [name for name in features.names if "{" + name + "}" in sentence]
    wanted = {"value": column} | {c.name: c for c in features.columns if c.name in others}

    def tell(i: int) -> str | None:
        numbers = {key: float(features.column(one.name)[i]) for key, one in wanted.items()}
        if not all(np.isfinite(number) for number in numbers.values()):
            return None
        return sentence.format(**{key: number_text(numbers[key], one.unit) for key, one in wanted.items()})

    return tell


def number_text(value: float, unit: str = "") -> str:
    """A number as people write it: whole where it is large or counts, shares as per cent.

    >>> number_text(74.0, "days"), number_text(0.256, "share"), number_text(1234.5, "currency"), number_text(1.5)
    ('74', '26%', '1,234', '1.5')
    """
    if unit == "share":
        return f"{value:.0%}"
    if abs(value) >= 20 or (unit == "days" and abs(value) >= 2) or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"
