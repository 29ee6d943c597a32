"""`holdfast run --table` from the command line: presets, options that do not go together, and the same answer twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from said import Holdfast


def loans(path: Path, rows: int = 120) -> Path:
    """Loans as the credit preset knows them: the delay of the last payment decides."""
    random = np.random.default_rng(1)
    lines = ["ID,LIMIT_BAL,SEX,AGE,MARRIAGE,EDUCATION,PAY_0,BILL_AMT1,PAY_AMT1,default.payment.next.month"]
    for at in range(rows):
        late = int(random.integers(-1, 4))
        bad = int(random.random() < (0.75 if late > 1 else 0.15))
        lines.append(
            f"{at},{random.integers(1, 50)}0000,{random.integers(1, 3)},{random.integers(20, 70)},"
            f"{random.integers(1, 4)},{random.integers(1, 5)},{late},{random.integers(0, 90000)},{random.integers(0, 9000)},{bad}"
        )
    path.write_text("\r".join(lines) + "\r")
    return path


def test_a_preset_needs_no_further_word(holdfast: Holdfast, tmp_path: Path) -> None:
    file = loans(tmp_path / "loans.csv")
    said = holdfast("run", tmp_path / "out", "--table", file, "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert facts["preset"] == "credit-default"
    assert facts["label"]["column"] == "default.payment.next.month"
    assert facts["columns"][0]["name"] == "PAY_0"
    assert {one["name"] for one in facts["columns"] if one["use"] == "protected"} == {"SEX", "AGE", "MARRIAGE"}
    assert Path(facts["report"]).is_file()
    written = Path(facts["report"]).stat().st_mtime_ns
    again = holdfast("run", tmp_path / "out", "--table", file)
    assert again.code == 0
    assert "PAY_0" in again.out
    assert Path(facts["report"]).stat().st_mtime_ns == written, "the same question is answered by what lies there"
    assert sorted(p.name for p in (tmp_path / "out" / "tables").iterdir()) == [Path(facts["folder"]).name]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--label", "Churn"), "add --table FILE"),
        (("--protected", "age"), "add --table FILE"),
        (("--table", "x.csv", "--horizon", "30d"), "leave it out"),
        (("--table", "x.csv", "--cutoff", "2024-01-01"), "leave it out"),
    ],
)
def test_options_that_do_not_go_together(
    holdfast: Holdfast, tmp_path: Path, arguments: tuple[str, ...], word: str
) -> None:
    said = holdfast("run", tmp_path, *arguments)
    assert said.code == 2
    assert word in said.err


def test_errors_have_codes_and_leave_nothing(holdfast: Holdfast, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert holdfast("run", out, "--table", tmp_path / "none.csv").code == 3
    file = loans(tmp_path / "loans.csv", 30)
    said = holdfast("run", out, "--table", file, "--json")
    assert said.code == 4
    assert json.loads(said.out)["error"] == "TooLittleData"
    assert holdfast("run", out, "--table", file, "--label", "AGEE").code == 2
    assert holdfast("run", out, "--table", file, "--language", "fr").code == 2
    assert not out.exists()
