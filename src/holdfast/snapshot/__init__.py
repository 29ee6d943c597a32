"""Time: the day ledger, Snapshot and Observed, outcomes, folds. The only room that may look past a cutoff."""
