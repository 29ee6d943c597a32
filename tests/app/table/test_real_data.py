"""Three public tables, by preset: scores beside what is known of them, and what their copies hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast.app.table.ask import TableAsk
from holdfast.app.table.fit import candidates
from holdfast.app.table.read import read_raw
from holdfast.app.table.study import study_table
from holdfast.app.table.table import build_table

pytestmark = pytest.mark.real_data


def small(learner: str) -> dict[str, Any]:
    """The base rate and one model: enough to see the level."""
    return {name: model for name, model in candidates(1).items() if name in ("base_rate", learner)}


def test_the_churn_workbook_repeats_itself(real_data: Path) -> None:
    """556 exact copies are known; that the second half is the first with numbers moved is what we found."""
    path = real_data / "ecommerce_churn" / "E_Commerce_Dataset.xlsx"
    table = build_table(read_raw(path), TableAsk(path))
    assert table.rows == 5630
    assert table.copies == 556
    assert table.kin.echo is not None
    assert table.kin.echo.rows == 2815
    assert table.kin.echo.steps["CashbackAmount"] == 25.0
    assert len(np.unique(table.kin.group)) == 1928
    assert [one.name for one in table.protected] == ["Gender", "MaritalStatus"]
    assert table.label.rate == pytest.approx(0.168, abs=0.001)


def test_students(real_data: Path) -> None:
    found = study_table(TableAsk(real_data / "student_dropout" / "dropout_data.csv.gz"), models=small("logistic"))
    assert found.table.label.positive == "Dropout"
    assert found.table.label.rate == pytest.approx(1421 / 4424)
    assert found.verdict.points["logistic", "auc"] == pytest.approx(0.917, abs=0.01)
    assert len(found.table.protected) == 6


@pytest.mark.slow
def test_loans(real_data: Path) -> None:
    path = real_data / "credit_default" / "UCI_Credit_Card.csv.gz"
    found = study_table(TableAsk(path), models=small("lightgbm"))
    assert found.table.rows == 30_000
    assert found.verdict.points["lightgbm", "auc"] == pytest.approx(0.784, abs=0.01)
    assert found.verdict.points["lightgbm", "ece"] < 0.02


def test_sessions_know_their_end(real_data: Path) -> None:
    path = real_data / "online_shoppers" / "online_shoppers_intention.csv.gz"
    found = study_table(TableAsk(path, label="Revenue"), models=small("logistic"))
    assert found.table.label.positive == "TRUE"
    assert found.table.label.rate == pytest.approx(0.156, abs=0.001)
    assert max(found.alone, key=lambda name: found.alone[name]) == "PageValues"
