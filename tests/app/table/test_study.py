"""A labelled table from file to answer: what is found is what was planted, and nothing leaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from classroom import Write, quick, students, study

from holdfast.app.table.ask import TableAsk
from holdfast.app.table.publish import folder_for, publish
from holdfast.app.table.read import read_raw
from holdfast.app.table.saved import SavedTable
from holdfast.app.table.study import study_table
from holdfast.app.table.table import build_table
from holdfast.core.errors import StateError, UsageError
from holdfast.metrics.ranking import auc


def test_what_was_planted_is_found(write: Write) -> None:
    found = study(write(students(400)))
    assert found.verdict.chosen == "logistic"
    assert list(found.importance)[:1] == ["passed"]
    assert found.verdict.points["logistic", "auc"] > 0.8
    assert found.verdict.points["base_rate", "auc"] == 0.5
    low, high = found.verdict.bounds["logistic", "auc"]
    assert low is not None
    assert high is not None
    assert low < found.verdict.points["logistic", "auc"] < high
    assert found.table.label.positive == "yes"
    assert not found.suspects
    told = [one["text"] for one in found.reasons[0]]
    assert all("(others: " in one for one in told)


@pytest.mark.parametrize(
    ("name", "options"),
    [("s.csv", {"delimiter": ";"}), ("s.csv", {"end": "\r"}), ("s.csv", {"end": "\r\n"}), ("s.csv.gz", {})],
)
def test_every_way_of_writing_the_same_table_gives_the_same_answer(write: Write, name: str, options: Any) -> None:
    rows = students(120)
    plain, other = study(write(rows)), study(write(rows, name, **options))
    assert np.array_equal(plain.p, other.p)


def test_excel_and_parquet_give_the_same_answer(write: Write, tmp_path: Path) -> None:
    import pandas as pd

    rows = students(120)
    frame = pd.DataFrame(rows)
    frame.to_parquet(tmp_path / "s.parquet")
    with pd.ExcelWriter(tmp_path / "s.xlsx") as book:
        pd.DataFrame({"note": ["a", "b"]}).to_excel(book, sheet_name="Notes", index=False)
        frame.to_excel(book, sheet_name="Students", index=False)
    plain = study(write(rows)).p
    assert np.array_equal(study(tmp_path / "s.parquet").p, plain)
    assert np.array_equal(study(tmp_path / "s.xlsx").p, plain)
    assert np.array_equal(study(tmp_path / "s.xlsx", sheet="Students").p, plain)


def test_predictions_are_of_rows_not_seen(write: Write) -> None:
    """With labels that mean nothing, nothing can be learnt; a model that saw its test rows would seem to know."""
    rows, random = students(240), np.random.default_rng(5)
    for row in rows:
        row["dropped_out"] = "yes" if random.random() < 0.4 else "no"
    found = study(write(rows))
    assert found.verdict.chosen == "base_rate"
    assert found.verdict.points["logistic", "auc"] < 0.62
    assert (found.p > 0.3).all()
    assert (found.p < 0.5).all()


def test_copies_are_kept_together_and_the_lesson_told(write: Write) -> None:
    """Coin-flip labels, every row three times: a random split seems to know them, an honest one does not."""
    rows, random = students(150), np.random.default_rng(6)
    for row in rows:
        row["dropped_out"] = "yes" if random.random() < 0.5 else "no"
    thrice = [{**row, "student": f"{row['student']}-{i}"} for i in range(3) for row in rows]
    from holdfast.core.models import MODELS

    remembers = {
        "base_rate": quick()["base_rate"],
        "trees": MODELS["lightgbm"](rounds=150, leaves=31, min_rows_in_leaf=2, l2=0.0),
    }  # type: ignore[call-arg]
    path = write(thrice)
    found = study_table(TableAsk(path, label="dropped_out", id="student"), models=remembers)
    assert found.table.copies == 300
    assert found.grouped
    assert found.verdict.chosen == "base_rate"
    fold_of_row = dict(zip(found.table.ids, found.fold, strict=True))
    assert all(fold_of_row[f"s{at:04d}-0"] == fold_of_row[f"s{at:04d}-2"] for at in range(150))
    told = found.found["trees"].said[0]
    assert auc(found.table.label.happened, told) < 0.65
    torn = study_table(TableAsk(path, label="dropped_out", id="student", drop=()), models=remembers)
    assert torn.copies is not None


def test_a_column_that_is_the_answer_is_called_out(write: Write) -> None:
    rows = students(200)
    for row in rows:
        row["exit_interview"] = "done" if row["dropped_out"] == "yes" else "none"
    found = study(write(rows))
    assert found.suspects == ("exit_interview",)
    assert found.without_suspects is not None
    assert found.without_suspects.other["auc"] < 0.95 < found.without_suspects.honest["auc"]


def test_a_perfect_column_breaks_no_correction(write: Write) -> None:
    """Filled in for leavers only: predictions are told apart without a fault, and no finite Platt line exists."""
    rows = students(400)
    for row in rows:
        row["exit_talk"] = "held" if row["dropped_out"] == "yes" else ""
    found = study(write(rows))
    assert found.suspects == ("exit_talk",)
    assert np.isfinite(found.p).all()


def test_protected_columns_are_never_features_but_scored(write: Write, tmp_path: Path) -> None:
    rows = students(240)
    for row in rows:  # gender decides: a model that looked would know
        row["gender"] = "f" if row["dropped_out"] == "yes" else "m"
    path = write(rows)
    ask = TableAsk(path, label="dropped_out", id="student", protected=("gender",))
    found = study_table(ask, models=quick())
    assert "gender" not in found.importance
    assert found.verdict.points["logistic", "auc"] < 0.95
    assert found.with_protected is not None
    assert found.with_protected.other["auc"] > 0.99
    facts = publish(tmp_path / "out", found, ask)
    assert {one["group"] for one in facts["protected"]} == {"f", "m"}
    text = (tmp_path / "out" / "model.json").read_text()
    assert "gender" not in text


def test_three_classes_and_empty_labels(write: Write) -> None:
    rows = students(200)
    for at, row in enumerate(rows):
        row["dropped_out"] = {"yes": "Dropout", "no": ["Graduate", "Enrolled"][at % 2]}[row["dropped_out"]]
        if at >= 180:
            row["dropped_out"] = ""
    found = study(write(rows))
    assert found.table.label.positive == "Dropout"
    assert found.table.label.others == ("Enrolled", "Graduate")
    assert len(found.table.labelled) == 180
    assert (found.fold[180:] == -1).all()
    assert np.isfinite(found.p).all()
    assert auc(np.array([row["passed"] < 3 for row in rows[180:]]), found.p[180:]) > 0.8


def test_with_a_time_newer_rows_are_predicted_from_older_ones(write: Write) -> None:
    rows = students(240)
    for at, row in enumerate(rows):
        row["known_on"] = f"2024-{1 + at // 20:02d}-{1 + at % 20:02d}"
    found = study(write(rows), time="known_on")
    assert "known_on" not in [one.name for one in found.table.features]
    tested = found.fold >= 0
    assert not tested[:20].any(), "the oldest rows only teach"
    for part in range(int(found.fold.max()) + 1):
        newest_taught = min(np.flatnonzero(found.fold == part))
        assert found.table.micros is not None
        assert found.table.micros[newest_taught] > found.table.micros[~tested].max()
    assert np.isfinite(found.p).all()


def test_rows_may_come_in_any_order_and_the_question_has_one_name(write: Write, tmp_path: Path) -> None:
    path = write(students(120))
    ask = TableAsk(path, label="dropped_out", id="student")
    first, second = (publish(tmp_path / name, study_table(ask, models=quick()), ask) for name in ("a", "b"))
    assert first["files"] == second["files"], "the same question gives the same bytes"
    assert folder_for(tmp_path, ask) == folder_for(tmp_path, ask)
    assert folder_for(tmp_path, ask) != folder_for(tmp_path, TableAsk(path, label="paid", id="student"))


def test_what_is_published_is_whole_and_safe(write: Write, tmp_path: Path) -> None:
    rows = students(120)
    rows[7]["student"] = "=cmd()"
    rows[8]["student"] = "<script>alert(1)</script>"
    rows[9]["course"] = "<img src=x onerror=alert(1)>"
    for at in range(20, 60):
        rows[at]["course"] = "<b>bold</b>"
    ask = TableAsk(write(rows), label="dropped_out", id="student")
    facts = publish(tmp_path / "out", study_table(ask, models=quick()), ask)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "predictions.parquet", "predictions.csv", "table.json", "model.json", "report.html",
    }  # fmt: skip
    table = pq.read_table(tmp_path / "out" / "predictions.parquet")
    assert table.column_names == ["id", "p", "label", "fold", "reasons"]
    assert table.num_rows == 120
    assert table["p"].null_count == 0
    csv = (tmp_path / "out" / "predictions.csv").read_bytes()
    assert csv.startswith(b"\xef\xbb\xbf")
    assert b"'=cmd()" in csv
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>bold" not in page
    saved = json.loads((tmp_path / "out" / "table.json").read_text(encoding="utf-8"))
    assert saved["chosen"] == facts["chosen"]
    assert "s0003" not in json.dumps(saved), "table.json names no row"


def test_the_published_model_scores_rows_that_come_later(write: Write, tmp_path: Path) -> None:
    """Rows without a label were scored by the final model; read back from its file it says the same of them."""
    rows = students(200)
    for at, row in enumerate(rows):
        row["joined"] = f"2024-{1 + at % 12:02d}-{1 + at % 28:02d}"
        row["dropped_out"] = "" if at >= 150 else row["dropped_out"]
    ask = TableAsk(write(rows), label="dropped_out", id="student")
    found = study_table(ask, models=quick())
    publish(tmp_path / "out", found, ask)
    saved = SavedTable.load(tmp_path / "out")
    later = read_raw(write(rows[150:], "later.csv")).table
    assert saved.predict(later) == pytest.approx(found.p[150:], abs=1e-12)
    with pytest.raises(UsageError, match="no column 'passed'"):
        saved.predict(later.drop_columns(["passed"]))
    with pytest.raises(StateError, match="no model of a labelled table"):
        SavedTable.load(tmp_path)
    told = [one["text"] for row in found.reasons for one in row if one["column"] == "joined"]
    assert all("2024-" in one for one in told), "a date is told as a date"


def test_of_large_tables_the_riskiest_rows_are_explained(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.app.table import study as module

    path = write(students(150))
    monkeypatch.setattr(module, "MOST_EXPLAINED", 20)
    found = study(path)
    told = np.array([bool(one) for one in found.reasons])
    assert 20 <= told.sum() <= 40
    assert told[np.argsort(-found.p)[:20]].all()
    assert next(iter(found.importance)) == "passed"


@pytest.mark.parametrize(
    ("yes", "no", "asked", "positive"),
    [
        (1.0, 0.0, None, "1"),
        (1.0, 0.0, "1.0", "1"),
        (True, False, None, "true"),
        ("是", "否", None, "是"),
        ("B", "A", "b", "B"),
    ],
)
def test_labels_are_understood_however_they_are_written(
    write: Write, tmp_path: Path, yes: Any, no: Any, asked: str | None, positive: str
) -> None:
    import pandas as pd

    rows = students(80)
    for row in rows:
        row["dropped_out"] = yes if row["dropped_out"] == "yes" else no
    pd.DataFrame(rows).to_parquet(tmp_path / "s.parquet")
    for path in (tmp_path / "s.parquet", write(rows)):
        label = build_table(read_raw(path), TableAsk(path, label="dropped_out", id="student", positive=asked)).label
        assert label.positive.lower() == positive.lower()
        assert not label.guessed
        assert label.happened.sum() == sum(row["dropped_out"] == yes for row in rows)
