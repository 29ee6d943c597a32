"""Matrix factorisation by Spark's MLlib, for more customers than one machine holds; served by the same fit as `ials`.

MLlib's implicit ALS (Hu, Koren & Volinsky 2008) holds back each row by its number of entries. Its item factors are brought to
the scale at which `IalsFit` solves a customer, so that fold-in, reasons and bytes are those of the `ials` lane.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from holdfast.core.interactions import Interactions, Items
from holdfast.recommend.factors.ials import Ials, IalsFit, gram
from holdfast.recommend.factors.reading import how_of, read

if TYPE_CHECKING:
    from holdfast.engine.spark import Spark


@dataclass(frozen=True)
class SparkIals:
    """The `ials` lane learnt on Spark. `settings` mean what they mean there; side features and powers stay behind.

    `fit` takes interactions in memory; `learn` a lazy table (customer, item, weight) that Spark reads where it lies.
    """

    recommender_id: ClassVar[str] = "ials"
    lane: ClassVar[str] = "explore"
    spark: Spark = field(repr=False, compare=False)
    settings: Ials = field(default_factory=Ials)

    def fit(self, past: Interactions) -> IalsFit:
        """From interactions in memory, handed to Spark."""
        cells = read(past, **how_of(self.settings)).tocoo()
        columns = {"customer": cells.row.astype(np.int32), "item": cells.col.astype(np.int32), "weight": cells.data}
        return self.learn(self.spark.memory(pa.table(columns)) if cells.nnz else None, past.items)

    def learn(self, rows: Any, items: Items) -> IalsFit:
        """From a lazy table of customer, item (positions in `items`) and weight over 0, one row a cell."""
        s, factors = self.settings, np.zeros((len(items), self.settings.factors), np.float32)
        level = s.regularisation
        if rows is not None:
            about = _about(self.spark, rows)
            per_customer, per_item = about["cells"] / about["customers"], about["cells"] / about["items"]
            ridge = s.regularisation / s.unobserved / (per_customer * per_item) ** 0.5
            _, found = self.spark.implicit_als(
                rows, rank=s.factors, maxIter=s.iterations, alpha=1 / s.unobserved, regParam=ridge, seed=s.seed
            )
            where = np.asarray(found["id"].to_numpy(), np.int64)
            # MLlib holds customers back by their entries and items by theirs: shift the scale until both are held alike
            balance = (per_item / per_customer) ** 0.25
            factors[where] = np.array(found["features"].to_pylist(), np.float32) * np.float32(balance)
            level /= about["weight"] / about["customers"] + s.unobserved * len(items)
        how = how_of(s)
        return IalsFit(items, factors, how, s.unobserved, s.regularisation, 1.0, level, gram(s, factors))


def _about(spark: Spark, rows: Any) -> dict[str, float]:
    """Cells, customers, items and total weight."""
    told = rows.aggregate(
        cells=rows.count(), customers=rows.customer.nunique(), items=rows.item.nunique(), weight=rows.weight.sum()
    )
    return {name: float(values[0]) for name, values in spark.arrow(told).to_pydict().items()}
