"""The purchase histories of everybody, as of some cutoffs: what purchase processes are fitted to."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.clock import Cutoff
from holdfast.core.tables import FeatureTable
from holdfast.features.build import build
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import EVERYBODY
from holdfast.snapshot.snapshot import Snapshot

#: Repeat order days, age at the last one and at the cutoff (days), value of a repeat order, and all revenue.
COLUMNS = ("frequency", "t_x", "T", "monetary_value", "revenue")


def purchase_histories(ledger: Ledger, cutoffs: Sequence[Cutoff]) -> FeatureTable:
    """COLUMNS of everybody who ever ordered, at each cutoff.

    Everybody, because a purchase process fitted to recently active customers alone would never see anyone leave.
    """
    return build(Snapshot(ledger, tuple(sorted(set(cutoffs))), EVERYBODY).observed, COLUMNS)
