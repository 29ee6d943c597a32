"""Labelled tables of other trades: customers of a shop, students and loans, by preset, with what copies would have hidden.

Data: `ecommerce_churn`, `student_dropout` and `credit_default` from the folder that HOLDFAST_DATA names. Every model on
rows it has not seen; copies of a row are kept together. Students are also asked about earlier: at enrolment, and after
the first semester, with only the columns known by then.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.app.table.study import Lesson, TableStudy

FILES = {
    "ecommerce_churn": "ecommerce_churn/E_Commerce_Dataset.xlsx",
    "student_dropout": "student_dropout/dropout_data.csv.gz",
    "credit_default": "credit_default/UCI_Credit_Card.csv.gz",
}
#: What is left out of each table, and how the rows are then called; the first is the whole table.
ASKED: dict[str, dict[str, tuple[str, ...]]] = {
    "ecommerce_churn": {"": ()},
    "student_dropout": {
        "after the 1st year": (),
        "after the 1st semester": ("Curricular units 2nd*",),
        "at enrolment": ("Curricular units*", "Tuition fees up to date", "Debtor"),
    },
    "credit_default": {"": ()},
}
METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "accuracy", "lift_at_10pct")


@BENCHES.register("tables")
def tables(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Labelled tables (shop, students, loans): every model with intervals, the copies' lesson, what fairness costs."""
    if data is not None and data not in FILES:
        raise UsageError(f"the tables bench knows no data {data!r}", remedy=f"one of: {', '.join(FILES)}")
    found: list[Score] = []
    for name in FILES if data is None else (data,):
        for when, drop in ASKED[name].items():
            found += one_table(name, when, drop, progress)
    return found


def one_table(name: str, when: str, drop: tuple[str, ...], progress: Progress = SILENT) -> list[Score]:
    """All rows about one table asked at one time."""
    from holdfast.app.table.ask import TableAsk
    from holdfast.app.table.facts import protocol_of
    from holdfast.app.table.study import study_table
    from holdfast.bench.shops import data_file

    started = time.perf_counter()
    study = study_table(TableAsk(data_file(FILES[name]), drop=drop), progress)
    seconds = round(time.perf_counter() - started, 1)
    protocol = f"{protocol_of(study)}, {when}" if when else protocol_of(study)
    rows = [one for one in study.verdict.scores("tables", name, protocol) if one.metric in METRICS]
    majority = max(study.table.label.rate, 1 - study.table.label.rate)
    rows.append(Score("tables", name, protocol, "majority", "accuracy", majority, n=study.verdict.n))
    return [replace(one, seconds=seconds) for one in rows] + _lessons(name, study, protocol)


def _lessons(name: str, study: TableStudy, protocol: str) -> list[Score]:
    """The chosen model once more, worked wrongly or with the protected columns."""
    asked = protocol.split(",")[0]
    ways: dict[str, Lesson | None] = {
        "random split (a leak, shown once as a lesson)": study.copies,
        "equal rows together, near copies torn apart (still a leak)": study.equal_only,
        "with the protected columns as features": study.with_protected,
    }
    when = protocol.rsplit(", ", 1)[1] if name == "student_dropout" else ""
    found = [
        _row(name, f"{asked}, {' '.join((way, when)).strip()}", study, lesson.other, lesson.n)
        for way, lesson in ways.items()
        if lesson
    ]
    honest = next((lesson.honest for lesson in ways.values() if lesson), None)
    if honest is not None:
        found.append(_row(name, f"{asked}, {' '.join(('as reported', when)).strip()}", study, honest, study.verdict.n))
    return [score for rows in found for score in rows]


def _row(name: str, protocol: str, study: TableStudy, metrics: dict[str, float], n: int) -> list[Score]:
    return [
        Score("tables", name, protocol, study.verdict.chosen, metric, value, n=n) for metric, value in metrics.items()
    ]
