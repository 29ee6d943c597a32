"""A shop too small for probabilities: refused with what is missing, and with a list that needs none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.tables import FeatureTable
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from holdfast.app.study import Study

HEAD = (
    Text("customer", "客户"),
    Text("days since last order", "距上次下单天数"),
    Text("silence in usual gaps", "沉默为平常间隔的倍数"),
)


def refuse_small(question: Study, now: FeatureTable, language: Language) -> None:
    """Raise `TooLittleData` below fifty repeat buyers, after writing `by_silence.csv` into the shop's folder."""
    from holdfast.models.sufficiency import sufficiency

    first = question.log.first_event_at
    days = (question.asked.cutoff.at - first).days if first is not None else 1
    found = sufficiency(question.repeaters, days)
    if not found.enough:
        found.require(language, where=str(write_by_silence(question.shop.folder, now, language)))


def write_by_silence(folder: Path, now: FeatureTable, language: Language) -> Path:
    """Who is longest overdue by their own rhythm, first; no probability anywhere."""
    from holdfast.app.lists import write
    from holdfast.models.sufficiency import by_silence

    path = folder / "by_silence.csv"
    rows = (
        (
            one["customer_id"],
            one["days_since_last_order"],
            None if one["times_usual"] is None else round(one["times_usual"], 2),
        )
        for one in by_silence(now).to_pylist()
    )
    write(path, HEAD, rows, language)
    return path
