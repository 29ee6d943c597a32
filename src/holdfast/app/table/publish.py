"""The folder of a labelled table: predictions, scores, model and report, written aside and shown by one rename."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast import __version__
from holdfast.app.lists import write
from holdfast.app.table.ask import TableAsk
from holdfast.app.table.facts import facts
from holdfast.app.table.study import TableStudy
from holdfast.core.text import Text
from holdfast.engine.files import publishing, sha256, write_table

_HEAD = (
    Text("row", "行"), Text("chance", "概率"), Text("happened", "实际"), Text("part", "份"), Text("why", "原因"),
)  # fmt: skip
_REASON = pa.list_(
    pa.struct([("column", pa.string()), ("value", pa.string()), ("contribution", pa.float64()), ("text", pa.string())])
)


def folder_for(folder: Path, ask: TableAsk) -> Path:
    """Where the study of this file under these options lies: the same question has the same name."""
    asked = {name: value for name, value in asdict(ask).items() if name != "file"}
    whole = json.dumps([sha256(ask.file), asked, __version__], sort_keys=True, ensure_ascii=False, default=str)
    stem = re.sub(r"[^\w\-]+", "-", ask.file.name.split(".")[0], flags=re.ASCII).strip("-").lower()[:40] or "table"
    return folder / "tables" / f"{stem}-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"


def publish(target: Path, study: TableStudy, ask: TableAsk) -> dict[str, Any]:
    """Write everything; returns the facts of `table.json`."""
    from holdfast.report.table.page import render

    told = facts(study, ask.language)
    rows = predictions(study)
    with publishing(target) as aside:
        write_table(aside / "predictions.parquet", rows)
        _write_csv(aside / "predictions.csv", rows, ask)
        _write_json(aside / "model.json", _model(study))
        (aside / "report.html").write_text(render(told, riskiest(rows), ask.language), encoding="utf-8", newline="\n")
        files = {path.name: sha256(path) for path in sorted(aside.iterdir())}
        told = {**told, "code_version": __version__, "files": files}
        _write_json(aside / "table.json", told)
    return told


def predictions(study: TableStudy) -> pa.Table:
    """One row for each row of the file: id, p, label (null where unknown), fold (null: scored by the final model), reasons."""
    table = study.table
    known = table.label.known
    fold = pa.array(study.fold, pa.int64(), mask=study.fold < 0)
    columns: dict[str, Any] = {
        "id": pa.array(table.ids, pa.string()),
        "p": pa.array(study.p),
        "label": pa.array(table.label.happened, mask=~known),
        "fold": fold,
    }
    if table.micros is not None:
        columns["time"] = pa.array(table.micros).cast(pa.timestamp("us", "UTC"))
    return pa.table({**columns, "reasons": pa.array(study.reasons, _REASON)})


def riskiest(rows: pa.Table, count: int = 40) -> list[dict[str, Any]]:
    """The rows to look at first: those whose label is not known yet, where there are any."""
    p, unknown = rows["p"].to_numpy(), rows["label"].is_null().to_numpy()
    chosen = np.flatnonzero(unknown) if unknown.any() else np.arange(len(p))
    top = chosen[np.argsort(-p[chosen], kind="stable")[:count]]
    found: list[dict[str, Any]] = rows.take(pa.array(top)).to_pylist()
    return found


def _write_csv(path: Path, rows: pa.Table, ask: TableAsk) -> None:
    join = "；" if ask.language == "zh" else "; "
    order = np.argsort(-rows["p"].to_numpy(), kind="stable")
    cells = (
        (
            one["id"], round(one["p"], 4), None if one["label"] is None else int(one["label"]),
            None if one["fold"] is None else one["fold"] + 1, join.join(reason["text"] for reason in one["reasons"]),
        )
        for one in rows.take(pa.array(order)).to_pylist()
    )  # fmt: skip
    write(path, _HEAD, cells, ask.language)


def _model(study: TableStudy) -> dict[str, Any]:
    """What scores new rows: the encoder, the fit and its correction. Holds no rows."""
    table = study.table
    return {
        "format": 1, "model": study.verdict.chosen, "model_id": study.fitted.model_id,
        "label": table.label.column, "positive": table.label.positive,
        "columns": [{"name": one.name, "kind": one.kind} for one in table.features],
        "encoder": study.encoder.as_dict(), "fitted": json.loads(study.fitted.to_bytes()),
        "calibrator": study.calibrator.as_dict(),
    }  # fmt: skip


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
