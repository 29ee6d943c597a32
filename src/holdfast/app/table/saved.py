"""The model of a published table, read back: it scores rows that came later. Holds no rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.app.table.columns import Kind, understand
from holdfast.app.table.encode import Encoder
from holdfast.core.errors import StateError, UsageError
from holdfast.core.models import FITTED, Fitted
from holdfast.core.registry import nearest
from holdfast.models.calibration import Calibrator
from holdfast.models.linear import LinearFit

FORMAT = 1


@dataclass(frozen=True)
class SavedTable:
    """What `model.json` holds."""

    label: str
    positive: str
    kinds: Mapping[str, Kind]
    encoder: Encoder
    fitted: Fitted
    calibrator: Calibrator

    @classmethod
    def load(cls, folder: Path) -> SavedTable:
        """Read `model.json` of a published folder; raises `StateError` where there is none."""
        path = folder / "model.json"
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            known = saved["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                "no model of a labelled table lies here", where=str(path), remedy="run it again"
            ) from error
        if not known:
            raise StateError(f"saved model of format {saved['format']!r}", where=str(path), remedy="update holdfast")
        kind: Any = LinearFit if saved["model_id"] == "one_column" else FITTED[saved["model_id"]]
        return cls(
            saved["label"], saved["positive"], {one["name"]: one["kind"] for one in saved["columns"]},
            Encoder.from_dict(saved["encoder"]), kind.from_bytes(json.dumps(saved["fitted"]).encode()),
            Calibrator.from_dict(saved["calibrator"]),
        )  # fmt: skip

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """P(label = positive) of each row; refuses a table that lacks a column the model was taught with."""
        for name in self.kinds:
            if name not in table.column_names:
                raise UsageError(f"the table has no column {name!r}", remedy=nearest(name, table.column_names))
        columns = [understand(name, table[name], kind=kind) for name, kind in self.kinds.items()]
        rows = np.arange(table.num_rows)
        features = self.encoder.apply(columns, [str(at) for at in rows], rows)
        return self.calibrator.apply(self.fitted.predict(features).p_churn)
