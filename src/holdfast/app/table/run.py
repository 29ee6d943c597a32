"""`holdfast run --table`: study a labelled table, publish what was found, and say it in a few lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from holdfast.app.answer import Answer
from holdfast.app.table.ask import TableAsk
from holdfast.app.table.publish import folder_for, publish
from holdfast.app.table.study import study_table
from holdfast.core.errors import InputRefused
from holdfast.core.progress import SILENT, Progress


def run_table(folder: Path, ask: TableAsk, progress: Progress = SILENT) -> Answer:
    """Study the table and publish it below `folder`; the same question again only says where the answer lies."""
    from holdfast.report.table.summary import summary

    if not ask.file.is_file():
        raise InputRefused("there is no such file", where=str(ask.file), remedy="check the name and the folder")
    target = folder_for(folder, ask)
    if (target / "table.json").is_file():
        told = json.loads((target / "table.json").read_text(encoding="utf-8"))
    else:
        shutil.rmtree(target, ignore_errors=True)  # what has no table.json was never whole
        told = publish(target, study_table(ask, progress), ask)
    report = target / "report.html"
    return Answer({**told, "folder": str(target), "report": str(report)}, summary(told, report, ask.language))
