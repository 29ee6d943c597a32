"""Public contract checks: what a model, source or feature of your own must pass."""
