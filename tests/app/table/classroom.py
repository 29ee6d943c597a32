"""A small class of students whose dropping out is understood, and quick models to study it with."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.app.table.ask import TableAsk
from holdfast.app.table.study import TableStudy, study_table

Row = dict[str, Any]
Write = Callable[..., Path]


def students(count: int = 240, seed: int = 1) -> list[Row]:
    """Passing tests and paying fees keeps students; gender and a lottery number do nothing."""
    random = np.random.default_rng(seed)
    rows = []
    for at in range(count):
        passed, paid = int(random.integers(0, 9)), bool(random.random() < 0.8)
        hours = round(float(random.exponential(6.0)), 3)
        p = 1 / (1 + np.exp(-(1.6 - 0.6 * passed - 0.05 * hours + (0 if paid else 1.5))))
        rows.append(
            {
                "student": f"s{at:04d}", "gender": "mf"[int(random.integers(2))], "course": ["maths", "law", "arts"][at % 3],
                "hours": hours, "passed": passed, "paid": "yes" if paid else "no",
                "lottery": round(float(random.random()), 6), "dropped_out": "yes" if random.random() < p else "no",
            }
        )  # fmt: skip
    return rows


def save(folder: Path, rows: list[Row], name: str = "students.csv", *, delimiter: str = ",", end: str = "\n") -> Path:
    """Write rows as CSV: any delimiter, line end or packing."""
    path = folder / name
    text = path.with_suffix(".tmp")
    with text.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, lineterminator=end)
        writer.writeheader()
        writer.writerows(rows)
    data = text.read_bytes()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    text.unlink()
    return path


def quick() -> dict[str, Any]:
    """Models that take no time; the production list is used by the command-line and real-data tests."""
    from holdfast.app.table.fit import candidates

    return {name: model for name, model in candidates(1).items() if name in ("base_rate", "one_column", "logistic")}


def study(path: Path, **options: Any) -> TableStudy:
    """A study with quick models."""
    return study_table(TableAsk(path, **{"label": "dropped_out", "id": "student", **options}), models=quick())
