"""Columns that other models learnt as of each cutoff, beside the declared features: what purchase processes say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from holdfast.core.clock import Duration, Horizon
from holdfast.core.tables import FeatureTable

if TYPE_CHECKING:
    from holdfast.snapshot.ledger import Ledger


def with_learned(
    ledger: Ledger, features: FeatureTable, horizon: Horizon, gap: Duration, models: Iterable[str]
) -> FeatureTable:
    """`features` and the columns that these models read; at each cutoff they are learnt from what was known then."""
    wanted = tuple(name for name in models if _reads_purchases(name))
    if not wanted:
        return features
    from holdfast.features.histories import purchase_histories
    from holdfast.models.btyd.columns import btyd_columns

    histories = purchase_histories(ledger, features.key.cutoffs)
    return features.joined(btyd_columns(histories, features.key, horizon, gap, wanted))


def _reads_purchases(model_id: str) -> bool:
    from holdfast.core.models import MODELS
    from holdfast.models.btyd.learned import PurchaseColumn

    return issubclass(MODELS[model_id], PurchaseColumn)
