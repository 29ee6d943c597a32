"""What is known of a customer from the start: static covariates of the order rate and of leaving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.models.btyd.rows import Floats


@dataclass(frozen=True)
class Covariates:
    """Numbers that do not change with time (channel of the first order, say), one row a customer.

    Each gets two effects: on the log of the order rate, and on leaving (Fader & Hardie 2007, "Incorporating
    time-invariant covariates into the Pareto/NBD and BG/NBD models").

    >>> Covariates.of({"from_app": [0, 1, 1]}).values.shape
    (3, 1)
    """

    names: tuple[str, ...]
    values: Floats

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Covariates:
        """From named columns of numbers."""
        if not columns:
            raise UsageError("no covariates were given", remedy="leave them out")
        arrays = [np.asarray(one, np.float64) for one in columns.values()]
        if len({one.shape for one in arrays}) != 1 or arrays[0].ndim != 1:
            raise UsageError("covariates have different lengths")
        return cls(tuple(columns), np.column_stack(arrays))

    def check(
        self, customers: int, moves: Mapping[str, Sequence[Any]], model_id: str, ordered: NDArray[np.bool_]
    ) -> None:
        """Raise UsageError unless these can be learnt from."""
        if not moves:
            raise UsageError(f"{model_id} takes no covariates", remedy="use mbg_nbd or pareto_nbd")
        if len(self.values) != customers:
            raise UsageError(f"{len(self.values)} rows of covariates for {customers} customers")
        known = self.values[ordered]
        if not np.isfinite(known).all():
            bad = self.names[int(np.flatnonzero(~np.isfinite(known).all(axis=0))[0])]
            raise UsageError(f"the covariate {bad!r} is missing for some customers", remedy="fill it first")
        design = np.column_stack([np.ones(len(known)), known])
        spread = np.abs(known).max(axis=0)
        if (spread > 1e3).any():
            bad = self.names[int(np.argmax(spread))]
            raise UsageError(f"the covariate {bad!r} reaches {spread.max():g}", remedy="use its log, or standardise it")
        if np.linalg.matrix_rank(design) < design.shape[1]:
            raise UsageError("a covariate is constant or follows from the others", remedy="leave it out")
