"""Who may be given what: the treatment's own rule, and whether the customer may be contacted on its channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.decide import Treatment
from holdfast.core.rules import parse_text
from holdfast.core.text import Language, Text

_RULE = Text("not eligible for {treatment}: needs {rule}", "不符合{treatment}的条件：需要{rule}")
_CONTACT = Text("may not be contacted now for {treatment}", "目前不可就{treatment}联系")


@dataclass(frozen=True)
class Eligible:
    """`allowed`: customers x arms (`nothing` is open to all); `why_not`: code into `reasons`, -1 where allowed."""

    allowed: NDArray[np.bool_]
    why_not: NDArray[np.int16]
    reasons: tuple[str, ...]


def eligible(
    treatments: Sequence[Treatment], table: pa.Table, contactable: Mapping[str, NDArray[np.bool_]],
    language: Language = "en",
) -> Eligible:  # fmt: skip
    """By treatment (`nothing` first): its rule over the columns of `table`, then whether it may be sent.

    `contactable` holds, by treatment id, whether each customer may get the message in time; absent: everybody may.
    Raises `ConfigError` where a rule names a column that the table lacks.

    >>> table = pa.table({"customer_id": ["a", "b"], "order_count": [1.0, 5.0]})
    >>> gift = Treatment("gift", "member_benefit", eligible="order_count >= 2")
    >>> eligible([Treatment("nothing"), gift], table, {}).allowed.tolist()
    [[True, False], [True, True]]
    """
    allowed = np.ones((table.num_rows, len(treatments)), bool)
    why = np.full(allowed.shape, -1, np.int16)
    reasons: list[str] = []
    for arm, one in enumerate(treatments):
        if not one.acts:
            continue
        named = one.title or one.treatment_id
        if one.eligible:
            rule = parse_text(one.eligible, f"treatment {one.treatment_id}")
            missed = ~rule.holds(table)
            allowed[missed, arm], why[missed, arm] = False, len(reasons)
            reasons.append(_RULE.render(language, treatment=named, rule=rule.describe(language)))
        if one.treatment_id in contactable:
            silent = ~contactable[one.treatment_id] & allowed[:, arm]
            allowed[silent, arm], why[silent, arm] = False, len(reasons)
            reasons.append(_CONTACT.render(language, treatment=named))
    return Eligible(allowed, why, tuple(reasons))
